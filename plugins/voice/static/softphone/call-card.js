// One call as the agent sees it: who, in what state, since when, what can be done, who takes part, whom one asks meanwhile.
import { all, find, icon } from "/static/js/app.js";
import { span, serverNow } from "/static/js/clock.js";
import { beep } from "./meter.js";

// A press of the first column sends the command of the second or third, as the call is.
const TOGGLES = { hold: ["held", "hold", "retrieve"], mute: ["muted", "mute", "unmute"] };
const ASKS = { consult: "consult", transfer: "any", conference: "conference" };
const ICONS = { ringing: "phone-calling", offered: "phone-incoming", held: "phone-pause", talking: "phone", menu: "phone", queued: "hourglass" };
const KINDS = { customer: "user-circle", agent: "headset", external: "phone", supervisor: "eye" };

// +74951234567 as people write it; any other number as it is.
const written = (number) => (number || "").replace(/^(\+7)(\d{3})(\d{3})(\d{2})(\d{2})$/, "$1 $2 $3-$4-$5").replace(/^site-.*/, "");

export class CallCard {
  constructor(phone, key) {
    Object.assign(this, { phone, key, call: null, typed: "", unsent: "", sending: false, listed: "" });
    const template = find("template[data-template=call]", phone.element);
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.addEventListener("click", (event) => this.pressed(event));
    this.element.addEventListener("keydown", (event) => this.typedKey(event));
    find("[data-messages]", this.element).addEventListener("toggle", ({ target }) => target.open && this.listMessages());
  }

  remove() {
    this.element.remove();
  }

  busy(on) {
    this.element.toggleAttribute("aria-busy", on);
  }

  // --- what is pressed -----------------------------------------------------------------------------
  pressed({ target }) {
    const button = target.closest("button[data-act]");
    if (!button || button.disabled) return;
    const { act } = button.dataset;
    const owner = button.closest("[data-consult]") ? this.call.consult : this.call;
    if (act === "keypad") return this.keypad();
    if (act === "key") return this.dial(button.dataset.key);
    if (act === "kick") return this.phone.command(this.key, "kick", { leg: button.dataset.leg });
    if (act === "message") return this.play({ id: Number(button.dataset.message) });
    if (act === "hush") return this.play({ stop: true });
    if (act === "machine") return this.play({ leave: true });
    if (act === "record") return this.phone.command(this.key, "record", { on: button.ariaPressed !== "true" });
    if (act === "screen") return this.show();
    if (act in ASKS && !button.closest("[data-consult]")) return this.phone.targets.open(this.key, ASKS[act]);
    const [state, first, second] = TOGGLES[act] || [];
    return this.phone.command(owner.key, state ? (owner[state] ? second : first) : act);
  }

  // The case of the call is shown to the colleague who is consulted.
  show() {
    const colleague = this.call.consult?.members.find((member) => member.user_id);
    if (colleague) this.phone.command(this.key, "screen", { target: { user_id: colleague.user_id } });
  }

  keypad(open = find("[data-pad]", this.element).hidden) {
    find("[data-pad]", this.element).hidden = !open;
    find("[data-act=keypad]", this.element).setAttribute("aria-expanded", String(open));
    if (open) find("[data-pad] button", this.element).focus();
  }

  dial(digit) {
    beep(digit);
    this.typed = (this.typed + digit).slice(-16);
    find("[data-typed]", this.element).textContent = this.typed;
    this.unsent += digit;
    if (!this.sending) this.sendDigits();
  }

  // One after another: requests side by side could overtake each other, and a code would be wrong.
  async sendDigits() {
    this.sending = true;
    while (this.unsent) {
      const digits = this.unsent;
      this.unsent = "";
      const owner = this.call.consult?.can?.dtmf ? this.call.consult : this.call;
      await this.phone.command(owner.key, "dtmf", { digits });
    }
    this.sending = false;
  }

  typedKey(event) {
    const pad = find("[data-pad]", this.element);
    if (pad.hidden || event.ctrlKey || event.altKey || event.metaKey || !pad.contains(event.target)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.keypad(false);
      find("[data-act=keypad]", this.element).focus();
    } else if (/^[0-9*#]$/.test(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      this.dial(event.key);
    }
  }

  async listMessages() {
    const place = find("[data-messages-list]", this.element);
    const answer = await fetch(`/voice/softphone/messages?call=${encodeURIComponent(this.key)}`, { headers: { "HX-Request": "true" } });
    const listed = answer.ok ? await answer.text() : this.listed;
    // What is the same stays, so that whoever is in the list already keeps their place.
    if (listed !== this.listed) place.innerHTML = this.listed = listed;
  }

  play(what) {
    find("[data-messages]", this.element).open = false;
    this.phone.command(this.key, "message", what);
  }

  // --- what is seen --------------------------------------------------------------------------------
  draw(call) {
    const { element } = this;
    const before = this.call;
    this.call = call;
    const words = this.phone.words;
    const rings = Boolean(call.can?.answer);
    element.dataset.state = rings ? "incoming" : call.held ? "held" : call.state;
    this.head(element, call);
    find("[data-state]", element).textContent = rings ? words.incoming : this.stateWords(call);
    this.buttons(element, call);
    find("[data-recording]", element).hidden = call.recording !== "on";
    if (JSON.stringify(before?.members) !== JSON.stringify(call.members)) this.members(call);
    this.consult(call.consult || null);
    if (!call.can?.dtmf && !call.consult?.can?.dtmf) this.keypad(false);
  }

  head(place, call) {
    const name = find("[data-name]", place);
    name.textContent = call.name || written(call.number) || this.phone.words.nobody;
    if (call.case_id && name.dataset.tab !== `/cases/${call.case_id}`) name.href = name.dataset.tab = `/cases/${call.case_id}`;
    const about = [call.name && written(call.number), call.line?.title || call.line, call.service?.title || call.service].filter(Boolean);
    find("[data-about]", place).textContent = about.join(" · ");
    const since = find("[data-since]", place);
    since.hidden = !call.since;
    if (call.since && since.dateTime !== call.since) {
      since.dateTime = call.since;
      since.textContent = span(serverNow() - Date.parse(call.since));
    }
    const mark = find("[data-mark]", place);
    const chosen = call.held ? "phone-pause" : ICONS[call.state] || "phone";
    if (mark.dataset.mark !== chosen) mark.replaceChildren(icon(chosen));
    mark.dataset.mark = chosen;
  }

  stateWords(call) {
    const { words } = this.phone;
    if (call.mode) return words[`supervise_${call.mode}`] || words.talking;
    if (call.held) return call.consult ? words.consulting : words.held;
    if (call.state === "talking") return call.muted ? words.muted : call.members?.length > 1 ? words.conference : words.talking;
    return { ringing: call.direction === "in" ? words.incoming : words.calling, offered: words.offered, menu: words.menu, queued: words.queued }[call.state] || "";
  }

  buttons(place, call) {
    for (const button of all("button[data-act], details[data-needs]", place)) {
      if (button.closest("[data-consult], [data-members], [data-pad], [data-messages-list]") && place === this.element) continue;
      const { act } = button.dataset;
      const needs = button.dataset.needs || act;
      const [state, first, second] = TOGGLES[act] || [];
      const can = needs.split(" ").some((name) => call.can?.[name]) || (state && (call.can?.[first] || call.can?.[second]));
      const shows = Boolean(can || (button.dataset.stays !== undefined && !call.can?.answer));
      if (button.hidden !== !shows) button.hidden = !shows;
      if (button.tagName === "BUTTON") button.disabled = !can;
      if (state) this.toggle(button, Boolean(call[state]));
      if (act === "record") this.toggle(button, call.recording === "on");
    }
  }

  toggle(button, on) {
    button.setAttribute("aria-pressed", String(on));
    button.title = button.ariaLabel = on ? button.dataset.on : button.dataset.off;
  }

  members(call) {
    const list = find("[data-members]", this.element);
    const others = call.members || [];
    list.hidden = others.length < 2;
    const template = find("template[data-template=member]", this.phone.element).content.firstElementChild;
    list.replaceChildren(...others.map((member) => this.member(template.cloneNode(true), member, call)));
  }

  member(line, member, call) {
    find("[data-mark]", line).replaceChildren(icon(KINDS[member.kind] || "user"));
    find("[data-name]", line).textContent = member.name || this.phone.words.nobody;
    find("[data-marks]", line).replaceChildren(...[member.muted && icon("microphone-off", "xs"), member.held && icon("player-pause", "xs")].filter(Boolean));
    const kick = find("[data-act=kick]", line);
    kick.dataset.leg = member.leg;
    kick.hidden = !call.can?.kick;
    kick.title = kick.ariaLabel = `${this.phone.words.kick}: ${member.name || this.phone.words.nobody}`;
    return line;
  }

  consult(call) {
    const place = find("[data-consult]", this.element);
    place.hidden = !call;
    if (!call) return;
    this.head(place, call);
    find("[data-state]", place).textContent = call.held ? this.phone.words.held : call.state === "talking" ? this.phone.words.talking : this.phone.words.calling;
    place.dataset.state = call.held ? "held" : call.state;
    for (const button of all("button[data-act]", place)) {
      const { act } = button.dataset;
      const able = act === "screen" ? this.call.can?.screen && call.members.some((member) => member.user_id) : call.can?.[act];
      button.hidden = !able;
    }
  }
}
