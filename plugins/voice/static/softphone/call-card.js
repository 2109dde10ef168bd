// One call as the agent sees it: who, in what state, since when, what can be done, who takes part, whom one asks meanwhile.
//
// The keys of the card act on whoever one talks to: during a consultation that is the colleague, until one switches back.
import { all, find, icon, toast } from "/static/js/app.js";
import { span, serverNow } from "/static/js/clock.js";
import { beep } from "./meter.js";

// A press of the first column sends the command of the second or third, as the call is.
const TOGGLES = { hold: ["held", "hold", "retrieve"], mute: ["muted", "mute", "unmute"] };
const ASKS = { consult: "consult", transfer: "any", conference: "conference" };
const ICONS = { ringing: "phone-calling", offered: "phone-incoming", held: "phone-pause", talking: "phone", menu: "phone", queued: "hourglass" };
const KINDS = { customer: "user-circle", agent: "headset", external: "phone", supervisor: "eye" };
// Where the focus goes when what had it is gone.
const NEXT = ["answer", "hold", "complete", "hangup"];

// +74951234567 as people write it; any other number as it is.
const written = (number) => (number || "").replace(/^(\+7)(\d{3})(\d{3})(\d{2})(\d{2})$/, "$1\u00a0$2\u00a0$3\u2011$4\u2011$5").replace(/^site-.*/, "");
const lost = (element) => !element.isConnected || element.disabled || !element.checkVisibility();

export class CallCard {
  constructor(phone, key) {
    Object.assign(this, { phone, key, call: null, typed: "", unsent: "", sending: false, listed: "" });
    const template = find("template[data-template=call]", phone.element);
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.addEventListener("click", (event) => this.pressed(event));
    this.element.addEventListener("keydown", (event) => this.typedKey(event));
    this.messages = find("[data-messages]", this.element);
    this.messages.addEventListener("toggle", ({ target }) => target.open && this.listMessages());
  }

  // Gives whether the focus was in it.
  remove() {
    const focused = this.element.contains(document.activeElement);
    this.element.remove();
    return focused;
  }

  busy(on) {
    this.element.toggleAttribute("aria-busy", on);
  }

  // Whom one talks to now: the call, or the consultation about it.
  get active() {
    const { call } = this;
    return call.consult && call.held && !call.consult.held ? call.consult : call;
  }

  // While one consults, the consultation itself says how it goes on.
  able(what) {
    return !(this.call.consult && what in ASKS) && Boolean(this.active.can?.[what]);
  }

  // --- what is pressed -----------------------------------------------------------------------------
  pressed({ target }) {
    const button = target.closest("button[data-act]");
    if (!button || button.disabled) return;
    if (button.ariaDisabled === "true") return toast(button.title, "warn");
    const { act } = button.dataset;
    if (button.closest("[data-consult]")) return act === "screen" ? this.show() : this.phone.command(this.call.consult.key, act);
    if (button.closest("[data-own]")) return this.phone.command(act === "hangup" ? this.active.key : this.key, act);
    if (act === "keypad") return this.keypad();
    if (act === "key") return this.dial(button.dataset.key);
    if (act === "kick") return this.phone.command(this.key, "kick", { leg: button.dataset.leg });
    if (act === "message") return this.play({ id: Number(button.dataset.message) });
    if (act === "hush") return this.play({ stop: true });
    if (act === "machine") return this.play({ leave: true });
    if (act === "record") return this.phone.command(this.key, "record", { on: !button.matches("[data-pressed]") });
    if (act in ASKS) return this.phone.targets.open(this.key, ASKS[act]);
    return this.toggled(act);
  }

  toggled(act) {
    const { active } = this;
    const [state, first, second] = TOGGLES[act];
    const what = active[state] ? second : first;
    if (active.can?.[what]) this.phone.command(active.key, what);
  }

  // The case of the call is shown to the colleague who is consulted.
  show() {
    const colleague = this.call.consult?.members.find((member) => member.user_id);
    if (colleague) this.phone.command(this.key, "screen", { target: { user_id: colleague.user_id } });
  }

  keypad(open = find("[data-pad]", this.element).hidden) {
    const [pad, button] = [find("[data-pad]", this.element), find("[data-act=keypad]", this.element)];
    const inside = pad.contains(document.activeElement);
    pad.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) find("button", pad).focus();
    else if (inside) button.focus();
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
      await this.phone.command(this.active.key, "dtmf", { digits });
    }
    this.sending = false;
  }

  typedKey(event) {
    const pad = find("[data-pad]", this.element);
    if (pad.hidden || event.ctrlKey || event.altKey || event.metaKey || !pad.contains(event.target)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.keypad(false);
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
    this.messages.open = false;
    find("summary", this.messages).focus();
    this.phone.command(this.active.key, "message", what);
  }

  // --- what is seen --------------------------------------------------------------------------------
  draw(call) {
    const { element } = this;
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    const before = this.call;
    this.call = call;
    const rings = Boolean(call.can?.answer);
    const state = rings ? this.phone.words.incoming : this.stateWords(call);
    element.dataset.state = rings ? "incoming" : call.held ? "held" : call.state;
    element.toggleAttribute("data-muted", call.muted && !call.held);
    this.head(element, call);
    find("[data-state]", element).textContent = state;
    this.acts(rings || Boolean(call.mode));
    this.own(call);
    this.recording(call);
    if (JSON.stringify(before?.members) !== JSON.stringify(call.members)) this.members(call);
    this.consult(call.consult || null);
    if (!this.able("dtmf")) this.keypad(false);
    this.phone.say(call.key, `${find("[data-name]", element).textContent}: ${state}`);
    if (focused && lost(focused)) this.focus();
  }

  focus() {
    const buttons = all("button[data-act]", this.element).filter((button) => !lost(button));
    const next = NEXT.map((act) => buttons.find((button) => button.dataset.act === act)).find(Boolean) || buttons[0];
    next?.focus();
    return Boolean(next);
  }

  head(place, call) {
    const name = find("[data-name]", place);
    name.textContent = name.title = call.name || written(call.number) || this.phone.words.nobody;
    if (call.case_id && name.dataset.tab !== `/cases/${call.case_id}`) name.href = name.dataset.tab = `/cases/${call.case_id}`;
    const about = [call.name && written(call.number), [call.service, call.line].filter(Boolean).join(" · ")].filter(Boolean);
    const line = find("[data-about]", place);
    line.textContent = line.title = about.join("\n");
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
    const there = call.members?.filter((member) => member.state === "up").length;
    if (call.mode) return words[`supervise_${call.mode}`] || words.talking;
    if (call.held) return call.consult && !call.consult.held ? words.consulting : words.held;
    if (call.state === "talking") return call.muted ? words.muted : there > 1 ? words.conference : words.talking;
    return { ringing: call.direction === "in" ? words.incoming : words.calling, offered: words.offered, menu: words.menu, queued: words.queued }[call.state] || "";
  }

  // Each key keeps its place: what makes no sense now is dimmed.
  acts(away) {
    const { call, active } = this;
    const place = find("[data-acts]", this.element);
    place.hidden = away;
    for (const button of all("button[data-act]", place)) {
      const { act, needs = act } = button.dataset;
      const [state, first, second] = TOGGLES[act] || [];
      if (button.closest("[data-messages-list]")) continue;
      button.hidden = act === "record" && !call.recordable && !call.record_lock;
      button.disabled = !(state ? active.can?.[first] || active.can?.[second] : this.able(needs)) && !(act === "record" && call.record_lock);
      if (state) this.toggle(button, Boolean(active[state]));
      if (act === "record") this.lock(button, call.record_lock) || this.toggle(button, call.recording === "on");
    }
    this.messages.hidden = !active.can?.message;
    if (this.messages.hidden) this.messages.open = false;
  }

  own(call) {
    const { words } = this.phone;
    const { active } = this;
    for (const button of all("[data-own] > button[data-act]", this.element)) {
      const { act } = button.dataset;
      const of = act === "hangup" ? active : call;
      button.hidden = !of.can?.[act] || (active === call ? act === "hangup" && Boolean(call.can.leave) : act !== "hangup");
      if (act === "hangup") find("[data-label]", button).textContent = call.mode ? words.stop_supervising : active === call ? words.hang_up : words.end_consult;
    }
  }

  recording(call) {
    const mark = find("[data-recording]", this.element);
    mark.hidden = call.recording !== "on" && call.recording !== "paused";
    mark.dataset.recording = call.recording;
    find("span", mark).textContent = call.recording === "paused" ? this.phone.words.recording_paused : this.phone.words.recording;
  }

  toggle(button, on) {
    const { off, on: pressed, keys, labelOff, labelOn } = button.dataset;
    const words = on ? pressed : off;
    button.toggleAttribute("data-pressed", on);
    // Of a key whose words change, they tell its state.
    if (!labelOn) button.ariaPressed = String(on);
    button.title = keys ? `${words} (${keys})` : words;
    if (labelOn) find("[data-label]", button).textContent = on ? labelOn : labelOff;
  }

  // What cannot be done says why, when it is pointed at or pressed.
  lock(button, why) {
    button.toggleAttribute("data-locked", Boolean(why));
    button.ariaDisabled = why ? "true" : null;
    if (why) button.title = why;
    return Boolean(why);
  }

  members(call) {
    const list = find("[data-members]", this.element);
    const others = call.members || [];
    list.hidden = others.length < 2;
    const template = find("template[data-template=member]", this.phone.element).content.firstElementChild;
    list.replaceChildren(...others.map((member) => this.member(template.cloneNode(true), member, call)));
  }

  member(line, member, call) {
    const { words } = this.phone;
    const name = find("[data-name]", line);
    name.textContent = name.title = member.name || words.nobody;
    find("[data-mark]", line).replaceChildren(icon(KINDS[member.kind] || "user"));
    find("[data-member-state]", line).textContent = member.state === "ringing" ? words.calling : "";
    const marks = [member.muted && this.mark("microphone-off", words.microphone_off), member.held && this.mark("player-pause", words.held)];
    find("[data-marks]", line).replaceChildren(...marks.filter(Boolean));
    const kick = find("[data-act=kick]", line);
    kick.dataset.leg = member.leg;
    kick.hidden = !call.can?.kick;
    kick.title = kick.ariaLabel = `${words.kick}: ${member.name || words.nobody}`;
    return line;
  }

  mark(name, words) {
    const picture = icon(name, "xs");
    picture.removeAttribute("aria-hidden");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", words);
    return picture;
  }

  consult(call) {
    const { words } = this.phone;
    const place = find("[data-consult]", this.element);
    place.hidden = !call;
    if (!call) return;
    this.head(place, call);
    const state = call.held ? words.held : call.state !== "talking" ? words.calling : call.muted ? words.muted : words.talking;
    find("[data-state]", place).textContent = state;
    place.dataset.state = call.held ? "held" : call.state;
    for (const button of all("button[data-act]", place)) {
      const { act } = button.dataset;
      const colleague = this.call.can?.screen && call.members.some((member) => member.user_id);
      button.hidden = (act === "screen" && !colleague) || (act === "hangup" && !call.held);
      button.disabled = act !== "screen" && !call.can?.[act];
    }
    find("[data-act=swap] [data-label]", place).textContent = call.held ? words.to_consulted : words.to_first;
    this.phone.say(call.key, `${find("[data-name]", place).textContent}: ${state}`);
  }
}
