// Calls in the widget: an incoming call, the call that is held. Loaded when the visitor calls or is called.
import { list, open, choose, chosen } from "./devices.js";
import { Line, pageName } from "./peer.js";
import { keep, kept, place } from "./slot.js";

// The widget loads this again when a call was held before the page was loaded anew.
const KEPT = "okno-call";

const WORDS = {
  en: { title: "Call", close: "Close", audio: "Call by voice", video: "Call with video", incoming: "The agent is calling", incoming_video: "The agent calls with video", answer: "Answer", answer_video: "Answer with video", decline: "Decline", back: "Return to the call", cancel: "Cancel", hang: "Hang up", ringing: "Ringing…", connecting: "Connecting…", held: "You are talking", mic_on: "Switch the microphone on", mic_off: "Switch the microphone off", camera_on: "Switch the camera on", camera_off: "Switch the camera off", devices: "Microphone and camera", microphone: "Microphone", camera: "Camera", consent: "The call is recorded. I agree.", recorded: "The call is recorded", no_microphone: "There is no microphone, or the browser was not allowed to use it: you are not heard.", no_camera: "There is no camera, or the browser was not allowed to use it.", over: "The call is over", lost: "The connection of the call is lost", declined: "The agent cannot take the call now", missed: "Nobody has answered the call", failed: "The call has failed", far_muted: "The agent’s microphone is off", agent: "The agent", you: "You", none: "Calls are not possible in this chat." },
  ru: { title: "Звонок", close: "Закрыть", audio: "Позвонить голосом", video: "Позвонить с видео", incoming: "Вам звонит оператор", incoming_video: "Вам звонит оператор по видео", answer: "Ответить", answer_video: "Ответить с видео", decline: "Отклонить", back: "Вернуться в звонок", cancel: "Отмена", hang: "Завершить", ringing: "Ждём ответа…", connecting: "Соединяем…", held: "Идёт разговор", mic_on: "Включить микрофон", mic_off: "Выключить микрофон", camera_on: "Включить камеру", camera_off: "Выключить камеру", devices: "Микрофон и камера", microphone: "Микрофон", camera: "Камера", consent: "Звонок записывается. Я согласен.", recorded: "Звонок записывается", no_microphone: "Микрофона нет, или браузер не разрешил его включить: вас не слышно.", no_camera: "Камеры нет, или браузер не разрешил её включить.", over: "Звонок завершён", lost: "Связь прервалась", declined: "Оператор сейчас не может ответить на звонок", missed: "На звонок не ответили", failed: "Не получилось позвонить", far_muted: "Микрофон оператора выключен", agent: "Оператор", you: "Вы", none: "В этом чате звонки недоступны." },
};

const DRAWINGS = {
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11a6 6 0 0 0 12 0M12 17v4",
  camera: "M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4zM15 11l5-3v8l-5-3z",
  hang: "M4 15c4-5 12-5 16 0l-2 3-4-1v-3h-4v3l-4 1z",
  settings: "M5 8h14M5 16h14M9 6v4M15 14v4",
};

const STYLE = `
.call { display: flex; flex-direction: column; gap: 8px; padding: 10px 12px; border-block-end: 1px solid var(--line, #d8dee6); background: var(--sunken, rgb(127 127 127 / 8%)); color: inherit; font: inherit; }
.call[hidden], .call [hidden] { display: none !important; }
.call-line { display: flex; align-items: center; gap: 8px; margin: 0; font-weight: 600; }
.call-note { margin: 0; font-size: 0.9em; }
.call-rec::before { content: ""; inline-size: 8px; block-size: 8px; border-radius: 50%; background: #cf3a31; display: inline-block; margin-inline-end: 6px; }
.call-views { position: relative; aspect-ratio: 4 / 3; background: #101216; border-radius: 10px; overflow: hidden; }
.call-views video { inline-size: 100%; block-size: 100%; object-fit: contain; }
.call-views .own { position: absolute; inset-block-end: 6px; inset-inline-end: 6px; inline-size: 30%; block-size: auto; border-radius: 6px; transform: scaleX(-1); }
.call-sound { position: absolute; inline-size: 1px; block-size: 1px; opacity: 0; }
.call-row { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.call button { font: inherit; min-block-size: 36px; padding: 0 12px; border-radius: 8px; border: 1px solid rgb(127 127 127 / 45%); background: transparent; color: inherit; cursor: pointer; display: inline-flex; align-items: center; gap: 6px; }
.call button.good { background: #18804e; border-color: transparent; color: #fff; }
.call button.bad { background: #b3261e; border-color: transparent; color: #fff; }
.call button.off { background: #fdeae8; color: #8f1d17; border-color: transparent; }
.call button:focus-visible, .call select:focus-visible { outline: 2px solid #5d8cf0; outline-offset: 2px; }
.call svg { inline-size: 18px; block-size: 18px; fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.call label { display: flex; gap: 6px; align-items: center; font-size: 0.9em; }
.call select { font: inherit; max-inline-size: 100%; min-inline-size: 0; }
`;

function make(name, { className = "", text = "", ...rest } = {}, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(rest)) key.startsWith("on") ? (element[key] = value) : element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function drawing(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(Object.assign(document.createElementNS("http://www.w3.org/2000/svg", "path")));
  svg.firstChild.setAttribute("d", DRAWINGS[name]);
  return svg;
}

class Calls {
  constructor(widget) {
    this.widget = widget;
    this.words = WORDS[widget.language === "ru" ? "ru" : "en"];
    this.own = pageName();
    this.call = this.line = this.joining = null;
    this.stage = "";
    this.note = "";
    this.sound = make("audio", { autoplay: "" });
    this.far = make("video", { autoplay: "", playsinline: "", "aria-label": this.words.agent });
    this.mine = make("video", { autoplay: "", playsinline: "", class: "own", "aria-label": this.words.you });
    this.far.muted = this.mine.muted = true;
    this.element = make("section", { className: "call", "aria-label": this.words.title, hidden: "" });
    this.placed = place(widget, this.element, STYLE);
    if (kept(KEPT)) this.resume();
    addEventListener("pagehide", () => this.line?.drop());
  }

  async resume() {
    const { call } = await this.widget.ask("GET", "media").catch(() => ({}));
    if (call?.id === kept(KEPT) && !this.call) this.hear("chat.call", { kind: "restored", call });
    else if (!this.call) keep(KEPT, 0);
  }

  #shown(on) {
    this.element.hidden = !on;
    this.placed();
  }

  // The button: which call, and whether it may be recorded.
  async start() {
    if (this.call) return;
    const found = await this.widget.ask("GET", "media");
    this.rule = found;
    if (found.call) return this.hear("chat.call", { kind: "restored", call: found.call });
    if (!found.audio && !found.video) return this.widget.notice(this.words.none);
    this.show("choice");
  }

  hear(type, { kind, call, ...more }) {
    if (kind === "offered" && call.offered_by === "agent" && !this.line) return this.incoming(call);
    if (kind === "restored" && !this.line) return call.state === "offered" && call.offered_by === "agent" ? this.incoming(call) : this.show("away", call);
    if (this.call?.id !== call.id) return;
    if (kind === "ended") return this.over(this.words[call.ended_by === "visitor" ? "over" : call.reason] || this.words.over);
    if (kind === "signal") return this.own === more.to ? (this.line || this.joining)?.hear(more) : undefined;
    this.call = call;
    if (this.line && call.peer && call.peer !== this.own) return this.close(), this.show("away", call);
    if (kind === "answered" && !this.line && call.offered_by === "agent" && this.stage === "ringing") this.show("away", call);
    if (this.line && call.state === "active") this.line.connect(call.other);
    this.draw();
  }

  incoming(call) {
    this.show("ringing", call);
    this.widget.open?.();
  }

  async offer(media) {
    try {
      const consented = Boolean(this.consent?.checked);
      const { call } = await this.widget.ask("POST", "media/calls", { media, consented });
      await this.enter(call, media === "video");
    } catch (error) {
      this.over(error.message || this.words.failed);
    }
  }

  async answer(video) {
    try {
      const { call } = await this.widget.ask("POST", `media/calls/${this.call.id}/answer`, { consented: Boolean(this.consent?.checked) });
      await this.enter(call, video);
    } catch (error) {
      this.over(error.message || this.words.failed);
    }
  }

  async enter(call, video) {
    this.note = "";
    keep(KEPT, call.id);
    this.show("held", call);
    const [audio, picture] = [await open("audio"), video ? await open("video") : null];
    if (!audio) this.note = this.words.no_microphone;
    if (this.call?.id !== call.id) return [audio, picture].forEach((track) => track?.stop());
    const { ask } = this.widget;
    try {
      const line = (this.joining = new Line({
        own: this.own,
        polite: true,
        send: (to, body) => ask("POST", `media/calls/${call.id}/signal`, { peer: this.own, to, body }),
        changed: () => this.draw(),
        lost: () => this.end(true),
      }));
      const joined = await ask("POST", `media/calls/${call.id}/join`, { peer: this.own });
      // Over while this page was joining.
      if (this.joining !== line) return [audio, picture].forEach((track) => track?.stop());
      line.configuration = joined.configuration;
      this.line = line;
      await this.line.set("audio", audio);
      await this.line.set("video", picture);
      // Told of this page already: that is as new as the answer, or newer.
      if (this.call?.peer !== this.own) this.call = joined.call;
      if (this.call.state === "active") this.line.connect(this.call.other);
      this.draw();
    } catch (error) {
      [audio, picture].forEach((track) => track?.stop());
      this.over(error.message || this.words.failed);
    }
  }

  end(lost = false) {
    const { id } = this.call;
    this.widget.ask("POST", `media/calls/${id}/end`, { lost }).catch(() => {});
    this.over(lost ? this.words.lost : this.words.over);
  }

  over(words) {
    this.close();
    keep(KEPT, 0);
    this.call = null;
    this.note = words;
    this.show("over");
  }

  close() {
    for (const track of Object.values(this.line?.tracks || {})) track?.stop();
    this.line?.drop();
    this.line = this.joining = null;
  }

  async toggle(kind) {
    const { line } = this;
    const track = line?.tracks[kind];
    if (!line) return;
    if (kind === "audio" && track) {
      track.enabled = !track.enabled;
      line.tellMedia();
    } else if (track) {
      track.stop();
      await line.set(kind, null);
    } else {
      const opened = await open(kind);
      this.note = opened ? "" : this.words[kind === "audio" ? "no_microphone" : "no_camera"];
      if (opened) await line.set(kind, opened);
    }
    this.draw(`[data-kind=${kind}]`);
  }

  async pick(kind, id) {
    choose(kind, id);
    const old = this.line?.tracks[kind];
    const opened = old && (await open(kind));
    if (!opened) return;
    opened.enabled = old.enabled;
    old.stop();
    await this.line.set(kind, opened);
    this.draw();
  }

  // --- what is seen --------------------------------------------------------------------------------
  show(stage, call = this.call) {
    Object.assign(this, { stage, call });
    this.#shown(true);
    this.drawn = "";
    this.draw();
    if (["ringing", "choice"].includes(stage)) this.element.querySelector("button:not([disabled])")?.focus();
  }

  draw(focus = "") {
    const { line, call, stage } = this;
    const connected = line?.state === "connected";
    // Only what has changed is drawn anew: a button that is being pressed stays.
    const key = JSON.stringify([stage, call?.state, connected, this.note, Boolean(line?.tracks.video), Boolean(line?.tracks.audio?.enabled), line?.far]);
    if (key !== this.drawn) {
      this.drawn = key;
      const draw = { choice: () => this.choice(), ringing: () => this.ringing(), away: () => this.away(), held: () => this.held(connected), over: () => this.ended() };
      this.element.replaceChildren(...draw[stage]());
      if (focus) this.element.querySelector(focus)?.focus();
    }
    this.attach(this.sound, line?.remote || null);
    this.attach(this.far, line?.far.video ? line.remote : null);
    const picture = line?.tracks.video || null;
    if ((this.mine.srcObject?.getTracks()[0] || null) !== picture) this.mine.srcObject = picture ? new MediaStream([picture]) : null;
  }

  attach(element, stream) {
    if (element.srcObject !== stream) element.srcObject = stream;
    if (stream && element.paused) element.play().catch(() => {});
  }

  button(text, onclick, className = "") {
    return make("button", { type: "button", text, onclick, className });
  }

  status(text) {
    return make("p", { className: "call-line", role: "status", text });
  }

  asked() {
    this.consent = make("input", { type: "checkbox" });
    return make("label", { className: "call-consent" }, this.consent, make("span", { text: this.words.consent }));
  }

  choice() {
    const { rule, words } = this;
    const row = make("div", { className: "call-row" });
    if (rule.audio) row.append(this.button(words.audio, () => this.offer("audio"), "good"));
    if (rule.video) row.append(this.button(words.video, () => this.offer("video"), "good"));
    row.append(this.button(words.cancel, () => this.#shown(false)));
    return [this.status(words.title), ...(rule.recorded ? [this.withConsent(row)] : []), row];
  }

  // Without consent the buttons that begin a call can't be pressed.
  withConsent(row) {
    const label = this.asked();
    const goods = [...row.querySelectorAll(".good")];
    const follow = () => goods.forEach((button) => (button.disabled = !this.consent.checked));
    this.consent.onchange = follow;
    follow();
    return label;
  }

  ringing() {
    const { call, words } = this;
    const row = make("div", { className: "call-row" }, this.button(words.answer, () => this.answer(false), "good"));
    row.append(this.button(words.answer_video, () => this.answer(true), "good"), this.button(words.decline, () => this.end(), "bad"));
    return [this.status(call.media === "video" ? words.incoming_video : words.incoming), ...(call.recorded ? [this.withConsent(row)] : []), row];
  }

  away() {
    const { words } = this;
    return [this.status(words.held), make("div", { className: "call-row" }, this.button(words.back, () => this.enter(this.call, false), "good"), this.button(words.hang, () => this.end(), "bad"))];
  }

  held(connected) {
    const { line, call, words } = this;
    const said = call?.state === "offered" ? words.ringing : connected ? words.held : words.connecting;
    const views = make("div", { className: "call-views" });
    if (line?.far.video) views.append(this.far);
    if (line?.tracks.video) views.append(this.mine);
    const row = make("div", { className: "call-row" }, this.switch("audio", "mic", Boolean(line?.tracks.audio?.enabled)), this.switch("video", "camera", Boolean(line?.tracks.video)));
    const settings = make("button", { type: "button", "aria-expanded": String(Boolean(this.choosing)), "aria-label": words.devices, title: words.devices, onclick: () => this.settings() }, drawing("settings"));
    row.append(settings, make("button", { type: "button", className: "bad", onclick: () => this.end() }, drawing("hang"), words.hang));
    const notes = [this.note, connected && line.far.audio === false ? words.far_muted : ""].filter(Boolean);
    return [
      this.status(said),
      ...(call?.recorded ? [make("p", { className: "call-note call-rec", text: words.recorded })] : []),
      ...(views.childElementCount ? [views] : []),
      this.sound,
      ...notes.map((text) => make("p", { className: "call-note", text })),
      row,
      ...(this.choosing || []),
    ];
  }

  switch(kind, name, on) {
    const label = this.words[`${name}_${on ? "off" : "on"}`];
    return make("button", { type: "button", className: on ? "" : "off", "data-kind": kind, "aria-pressed": String(on), "aria-label": label, title: label, onclick: () => this.toggle(kind) }, drawing(name));
  }

  async settings() {
    if (this.choosing) this.choosing = null;
    else {
      this.choosing = await Promise.all(["audio", "video"].map(async (kind) => {
        const select = make("select", { onchange: ({ target }) => this.pick(kind, target.value) });
        for (const [place, { id, label }] of (await list(kind)).entries()) select.append(new Option(label || `${place + 1}`, id, false, id === chosen()[kind]));
        return make("label", {}, make("span", { text: this.words[kind === "audio" ? "microphone" : "camera"] }), select);
      }));
    }
    this.drawn = "";
    this.draw();
  }

  ended() {
    return [this.status(this.note), make("div", { className: "call-row" }, this.button(this.words.close, () => this.#shown(false)))];
  }
}

export default (widget) => new Calls(widget);
