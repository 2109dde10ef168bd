// The softphone: the calls of this agent beside what is in hand, their keys, their sound. It is there as long as the desk is.
//
// What the server says of a call is shown, never guessed: a press sends the command and the call's next picture comes by event.
// Calls ring with the desk's own bell (offers.js).
import { all, find, toast } from "/static/js/app.js";
import { on, press } from "/static/js/shortcuts.js";
import { CallCard } from "./call-card.js";
import { meter } from "./meter.js";
import { Watch } from "./quality.js";
import { ask, post } from "./server.js";
import { Sound } from "./sound.js";
import { TargetDialog } from "./targets.js";

const KEYS = { transfer: "transfer", blind_transfer: "transfer", consult: "consult", conference: "conference" };

class Phone {
  constructor(element) {
    this.element = element;
    this.words = JSON.parse(element.dataset.words);
    this.known = new Map();
    this.over = new Map();
    this.asking = false;
    this.cards = new Map();
    this.rung = new Set();
    this.told = new Map();
    this.news = [];
    this.sound = new Sound({ element: find("[data-far]", element), changed: () => this.draw() });
    this.targets = new TargetDialog(this);
    this.watch = new Watch({ look: () => this.sound.line?.figures(), report: (figures) => this.report(figures), show: (figures, bad) => this.quality(figures, bad) });
    element.addEventListener("click", (event) => this.pressed(event));
    for (const [key, what] of Object.entries(KEYS)) on(key, () => this.shortcut(key, what));
    on("hang_up", () => this.hangUp());
    for (const what of ["hold", "mute"]) on(what, () => this.toggle(what));
    new ResizeObserver(() => this.measure()).observe(element);
  }

  // --- what comes ----------------------------------------------------------------------------------
  hear(type, payload) {
    if (type === "voice.call") this.take(payload.call);
    if (type === "voice.gone") this.gone(payload.key, payload.cause);
    if (type === "voice.line") this.sound.told(payload);
    if (type === "voice.quality" && this.cards.size) this.watch.judge(payload);
    if (type === "voice.screen") this.screen(payload);
    if (type === "voice.member") toast((this.words.member[payload.cause] || "").replace("{name}", payload.name), "warn");
  }

  async restore(state = null) {
    state ??= await ask("GET", "state").catch(() => null);
    if (!state) return;
    const calls = state.calls.flatMap((call) => (call.consult ? [call, { ...call.consult, consult_of: call.key }] : [call]));
    const there = new Set(calls.map((call) => call.key));
    for (const key of [...this.known.keys()]) if (!there.has(key)) this.forget(key, "unseen");
    for (const call of calls) this.keep(call);
    this.arrange();
  }

  take(call) {
    if (call.state === "ended") return this.gone(call.key, call.cause);
    this.keep(call);
    this.arrange();
  }

  // What an answer says of a call. Events may have told more of it by now, even that it is over.
  reply(call) {
    if (!call || this.known.has(call.key)) return;
    this.over.has(call.key) ? this.tellEnd(this.over.get(call.key)) : this.take(call);
  }

  keep(call) {
    this.over.delete(call.key);
    this.known.set(call.key, call);
    if (call.auto_answer && call.can?.answer) this.answerByItself(call.key);
  }

  gone(key, cause) {
    this.forget(key, cause);
    this.targets.over(key);
    this.arrange();
  }

  // Whoever hangs up knows it, and a bell that stops needs no words; what else became of a call is told.
  forget(key, cause) {
    const call = this.known.get(key);
    this.known.delete(key);
    this.over.set(key, call ? "" : cause);
    if (call && !call.can?.answer) this.tellEnd(cause);
  }

  tellEnd(cause) {
    toast(this.words.ended[cause] || "", cause === "lost" ? "error" : "warn");
  }

  // One card a call; a consultation stands in the card of the call it is about. What is offered is answered in the offer window.
  arrange() {
    const shown = this.calls.filter((call) => call.state !== "offered" && !this.known.has(call.consult_of));
    const keys = new Set(shown.map((call) => call.key));
    const gone = [...this.cards].filter(([key]) => !keys.has(key));
    const focused = gone.map(([key, card]) => (this.cards.delete(key), card.remove())).some(Boolean);
    for (const call of shown) {
      const card = this.cards.get(call.key) || this.add(call);
      const consult = this.calls.find((other) => other.consult_of === call.key) || null;
      // What waits beside another talk takes less room.
      card.element.toggleAttribute("data-aside", call.held && !consult && shown.some((other) => !other.held && !other.can?.answer));
      card.draw({ ...call, consult });
    }
    for (const key of this.told.keys()) if (!this.known.has(key)) this.told.delete(key);
    this.follow();
    if (focused) this.focusNext();
  }

  // To the next call, else to the tab in view: all around it is drawn anew when a call ends.
  focusNext() {
    if ([...this.cards.values()].some((card) => card.focus())) return;
    all("#panels > .panel").find((panel) => panel.checkVisibility())?.focus();
  }

  // What has changed is said to whoever does not see it.
  say(key, words) {
    if (this.told.get(key) === words) return;
    this.told.set(key, words);
    this.news.push(words);
    clearTimeout(this.saying);
    // A moment later: what is said within a section that just appears is not read.
    this.saying = setTimeout(() => (find("[data-said]", this.element).textContent = this.news.splice(0).join(". ")), 150);
  }

  add(call) {
    const card = new CallCard(this, call.key);
    this.cards.set(call.key, card);
    find("[data-calls]", this.element).append(card.element);
    return card;
  }

  // One call after another, and of several tabs one: what rings beside a call in hand goes on ringing.
  answerByItself(key) {
    const refused = (words, code) => code === "call-not-now" || toast(words, "error");
    const free = () => this.known.get(key)?.can?.answer && !this.calls.some((call) => this.needs(call));
    const answer = async () => free() && this.command(key, "answer", { by_itself: true }, refused);
    navigator.locks ? navigator.locks.request("okno-voice-answer", answer) : answer();
  }

  screen({ case_id: id, by }) {
    toast(this.words.screen.replace("{name}", by?.name || by || ""));
    document.dispatchEvent(new CustomEvent("okno:open", { detail: { url: `/cases/${id}` } }));
  }

  get calls() {
    return [...this.known.values()];
  }

  // The card that keys are about: the one in which one talks, else the newest.
  get current() {
    const cards = [...this.cards.values()];
    return cards.find(({ call }) => call.state === "talking" || call.consult) || cards.at(-1) || null;
  }

  // --- sound ---------------------------------------------------------------------------------------
  // A call that rings here waits for its answer; every other needs the line.
  needs(call) {
    return !call.can?.answer;
  }

  follow() {
    const needed = this.calls.some((call) => this.needs(call));
    if (needed) this.sound.ready().catch((error) => this.unheard(error));
    else if (!this.asking) this.sound.done();
    this.ring();
    this.draw();
  }

  // What is offered by routing rings by itself.
  ring() {
    const ringing = this.calls.filter((call) => call.can?.answer && call.state !== "offered");
    const tell = (key, detail) => document.dispatchEvent(new CustomEvent("okno:ring", { detail: { tag: `voice-${key}`, ...detail } }));
    const keys = new Set(ringing.map((call) => call.key));
    for (const key of this.rung) if (!keys.has(key)) tell(key, { on: false });
    for (const { key, name, number } of ringing) if (!this.rung.has(key)) tell(key, { on: true, title: this.words.incoming, body: name || number });
    this.rung = keys;
  }

  unheard(error) {
    this.trouble = error.message || this.words.no_line;
    this.sound.again();
    this.draw();
  }

  // --- commands ------------------------------------------------------------------------------------
  async command(key, what, body = {}, refused = (words) => toast(words, "error")) {
    this.cards.get(key)?.busy(true);
    try {
      if (what === "answer") await this.prepare();
      return await post(`calls/${key}/${what}`, body);
    } catch (error) {
      refused(error.message || this.words.failed, error.code);
      return null;
    } finally {
      if (what === "answer") this.asking = false;
      this.cards.get(key)?.busy(false);
    }
  }

  // Pages ask for a call: {what: "call", target: {number | user_id | line_id, service_id, case_id}}, or for another command on one.
  async wish({ what, target = {}, key = "", body = {}, done = () => {} }) {
    if (what === "supervise") return done(await this.supervise(key, body));
    if (what !== "call") return done(await this.command(key, what, body));
    try {
      await this.prepare();
      const { call } = await post("calls", target);
      this.reply(call);
      done(call);
    } catch (error) {
      toast(error.message || this.words.failed, "error");
      done(null);
    } finally {
      this.asking = false;
      this.follow();
    }
  }

  // The line is made before there is a call for it, and kept until the answer says whether there is one.
  prepare() {
    this.asking = true;
    return this.sound.ready();
  }

  async supervise(key, body) {
    try {
      this.over.delete(key);
      if (body.mode) await this.prepare();
      const said = await post(`calls/${key}/supervise`, body);
      // Without the call the line would go again.
      this.reply(said.call);
      return said;
    } catch (error) {
      toast(error.message || this.words.failed, "error");
      return null;
    } finally {
      this.asking = false;
      this.follow();
    }
  }

  pressed({ target }) {
    const button = target.closest("[data-phone]");
    if (!button) return;
    const act = { retry: () => this.sound.retry(), help: () => this.openHelp(), devices: () => this.openDevices(), fold: () => this.fold(button) }[button.dataset.phone];
    act?.();
  }

  openDevices() {
    document.dispatchEvent(new CustomEvent("okno:open", { detail: { url: "/settings" } }));
  }

  // On a phone the call may be folded to its name and its end.
  fold(button) {
    const folded = this.element.toggleAttribute("data-folded");
    button.setAttribute("aria-expanded", String(!folded));
  }

  openHelp() {
    this.showHelp(find("[data-help]", this.element).hidden);
  }

  showHelp(open) {
    find("[data-help]", this.element).hidden = !open;
    find("[data-phone=help]", this.element).setAttribute("aria-expanded", String(open));
  }

  shortcut(key, what) {
    const card = this.current;
    if (!card?.able(what)) return press(key);
    this.targets.open(card.key, key === "blind_transfer" ? "transfer" : key === "transfer" ? "any" : key);
    return true;
  }

  toggle(what) {
    if (!this.current) return false;
    this.current.toggled(what);
    return true;
  }

  hangUp() {
    const chosen = this.current?.active;
    if (!chosen?.can?.hangup) return press("hang_up");
    this.command(chosen.key, "hangup");
    return true;
  }

  // --- quality -------------------------------------------------------------------------------------
  report(figures) {
    const call = this.calls.find((one) => one.state === "talking");
    if (call) post(`calls/${call.key}/quality`, figures).catch(() => {});
  }

  quality(figures, bad) {
    this.figures = figures;
    this.bad = bad;
    this.draw();
  }

  // --- what is seen --------------------------------------------------------------------------------
  draw() {
    const { element, sound } = this;
    element.hidden = !this.cards.size;
    element.dataset.sound = sound.state;
    const talks = this.cards.size > 0 && sound.state === "up";
    talks ? this.watch.start() : this.watch.stop();
    if (!talks) this.bad = false;
    this.levels(talks);
    if (!this.cards.size) this.figures = null;
    if (sound.state === "up" || !this.cards.size) this.trouble = "";
    this.tell("line", this.lineWords());
    this.tell("aside", sound.state === "aside" && sound.calling ? this.words.aside.replace("{number}", sound.calling) : "");
    this.tell("microphone", talks && sound.muffled ? this.words[`no_microphone_${sound.hindrance || "failed"}`] : "");
    this.tell("quality", this.bad ? this.qualityWords() : "");
    if (!(talks && sound.muffled)) this.showHelp(false);
    find("[data-figures]", element).textContent = this.figures && talks ? `${number(this.figures.rtt_ms)} ${this.words.ms}` : "";
  }

  tell(name, words) {
    const line = find(`[data-tell=${name}]`, this.element);
    line.hidden = !words;
    const place = find("span", line);
    if (place.textContent !== words) place.textContent = words;
  }

  lineWords() {
    if (!this.calls.some((call) => this.needs(call))) return "";
    if (this.trouble) return this.trouble;
    const { state, broken } = this.sound;
    if (state === "opening" && broken) return this.words.lost;
    return { lost: this.words.lost, shaken: this.words.shaken, elsewhere: this.words.elsewhere }[state] || "";
  }

  qualityWords() {
    const { loss_percent: loss, jitter_ms: jitter } = this.figures;
    return this.words.bad.replace("{loss}", number(loss)).replace("{jitter}", number(jitter));
  }

  levels(talks) {
    const { track, line } = this.sound;
    const hears = talks && line.remote.getTracks().length > 0;
    if (this.metered === (talks ? track : null) && this.metersFar === hears) return;
    for (const stop of this.meters || []) stop();
    this.metered = talks ? track : null;
    this.metersFar = hears;
    const bar = (name) => (level) => find(`[data-level=${name}]`, this.element).style.setProperty("--level", level.toFixed(2));
    this.meters = [talks && meter(new MediaStream([track]), bar("own")), hears && meter(line.remote, bar("far"))].filter(Boolean);
    if (!talks) for (const name of ["own", "far"]) bar(name)(0);
  }

  measure() {
    document.documentElement.style.setProperty("--softphone", `${this.element.hidden ? 0 : this.element.offsetHeight}px`);
  }
}

const number = (value) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });

export async function start() {
  const answer = await fetch("/voice/softphone", { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Error(`softphone: ${answer.status}`);
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const element = holder.content.firstElementChild;
  document.getElementById("desk").append(element);
  return new Phone(element);
}
