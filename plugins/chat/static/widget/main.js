// The widget: settings are fetched, the button stands in the page, the conversation begins when it is wanted.

import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { fill } from "./dom.js";
import { Extensions } from "./extend.js";
import { offlineForm, questions, ratingForm } from "./forms.js";
import { Log } from "./log.js";
import { Memory } from "./memory.js";
import { watchPage } from "./page-watch.js";
import { Panel } from "./panel.js";

const MINUTE = 60;

class Widget {
  #config;
  #memory;
  #talk;
  #panel;
  #log;
  #composer;
  #extensions;
  #page = null;
  #form = null;
  #rating = null;
  #shownAgent = "";
  #closing = "";

  constructor({ config, base, entry, host, root }) {
    this.#config = config;
    this.#memory = new Memory(entry);
    this.#panel = new Panel({
      config,
      toggled: (open, focus) => this.#toggled(open, focus),
      ended: () => this.#talk.end().catch((error) => this.#panel.alert(error.message)),
      dropped: (files) => this.#composer.add(files),
    });
    this.#log = new Log({ config, base, openPicture: (href, name) => this.#panel.openPicture(href, name), answer: (text) => this.#say(text, []) });
    this.#composer = new Composer({
      config,
      say: (text, files) => this.#say(text, files),
      typing: () => this.#talk.typing(),
      warn: (text) => this.#panel.alert(text || (this.#talk.up ? "" : config.words.lost)),
    });
    this.#talk = new Conversation({ base, entry, memory: this.#memory, language: config.language, tell: (what, detail) => this.#heard(what, detail) });
    this.#extensions = new Extensions(config.extensions, this.#panel, {
      ask: (method, path, body) => this.#talk.ask(method, path, body),
      state: () => this.#talk.state,
      notice: (text) => this.#log.notice(text),
      open: () => this.open(),
      words: config.words, language: config.language, memory: this.#memory, base, host, root,
    });
    root.append(this.#panel.element);
    host.style.setProperty("--okno-colour", config.colour);
    host.style.setProperty("--okno-on-colour", config.on_colour);
  }

  begin(open) {
    document.addEventListener("visibilitychange", () => this.#noteRead());
    this.#talk.unsent.forEach((one) => this.#log.drawUnsent(one));
    this.#standing();
    if (this.#talk.known || this.#talk.unsent.length) this.#talk.begin();
    if (open || this.#memory.get("open")) this.open(false);
  }

  open(focus = true) {
    this.#panel.toggle(true, focus);
  }

  close() {
    this.#panel.toggle(false);
  }

  #toggled(open, focus) {
    this.#memory.set("open", open);
    if (!open) return;
    if (!this.#talk.known) this.#talk.begin();
    this.#lay();
    this.#log.toBottom();
    this.#noteRead();
    if (focus) (this.#form ?? this.#composer).focus();
  }

  // What stands in the panel: the questions, the form for when nobody is there, or the conversation.
  #lay() {
    const { state } = this.#talk.state;
    const idle = state === "new" || state === "ended";
    const kind = idle && this.#config.offline ? "offline" : idle && this.#config.fields.length && !this.#memory.get("told") ? "questions" : "talk";
    if (kind === this.#panel.element.dataset.shows) return;
    this.#panel.element.dataset.shows = kind;
    this.#form =
      kind === "offline"
        ? offlineForm(this.#config, (values) => this.#talk.leave(values))
        : kind === "questions"
          ? questions(this.#config, (told) => this.#answered(told))
          : null;
    this.#panel.fill(...(this.#form ? [this.#form.element] : [this.#log.element, this.#composer.element]));
  }

  #answered(told) {
    this.#memory.set("told", told);
    this.#lay();
    this.#composer.focus();
  }

  #say(text, files) {
    const told = this.#memory.get("told", {});
    this.#talk.say(text, files, { told, name: told.name ?? "" });
  }

  #heard(what, detail) {
    const calls = {
      message: () => this.#drawn(detail),
      unsent: () => (this.#closes(""), this.#log.drawUnsent(detail)),
      "taken-back": () => {
        this.#log.takeBack(detail.one.id);
        this.#composer.put(detail.one.text, detail.one.files);
        this.#panel.alert(detail.why || this.#config.words.failed);
      },
      state: () => this.#standing(detail),
      read: () => this.#log.mark(this.#talk.readUpTo),
      typing: () => this.#log.typing(detail),
      connection: () => this.#connection(),
      refused: () => this.#panel.alert(detail.message || this.#config.words.failed),
      reset: () => {
        this.#log.clear();
        this.#lay();
        if (this.#panel.opened || this.#talk.unsent.length) this.#talk.begin();
      },
      began: () => this.#watch(),
      event: () => (detail.type === "chat.inactive" ? this.#closes(detail.payload.closes_at) : this.#extensions.hear(detail.type, detail.payload)),
    };
    calls[what]?.();
  }

  #drawn({ message, fresh }) {
    this.#log.draw(message);
    this.#log.mark(this.#talk.readUpTo);
    if (fresh && message.author === "agent") this.#closes("");
    if (fresh) this.#noteRead();
  }

  // A silent visitor reads until when the chat stays open.
  #closes(at) {
    if (!at) return this.#panel.alerted === this.#closing && this.#panel.alert("");
    const time = new Date(at).toLocaleTimeString(this.#config.language, { hour: "2-digit", minute: "2-digit" });
    this.#closing = fill(this.#config.words.closes, { time });
    this.#panel.alert(this.#closing);
  }

  #connection() {
    const { lost } = this.#config.words;
    if (!this.#talk.up) this.#panel.alert(lost);
    else if (this.#panel.alerted === lost) this.#panel.alert("");
  }

  #watch() {
    if (!this.#config.features.page) return;
    if (this.#page) this.#page.report();
    else this.#page = watchPage((facts) => this.#talk.page(facts));
    this.#page.report();
  }

  #standing(before) {
    const now = this.#talk.state;
    const { words } = this.#config;
    this.#panel.element.dataset.state = now.state;
    this.#panel.state(this.#stateLine(now));
    this.#panel.end.hidden = !["waiting", "active", "bot"].includes(now.state);
    if (before && now.state === "active" && now.agent !== this.#shownAgent) {
      // Of every later agent the conversation itself says who comes.
      if (before.state !== "new" && !this.#shownAgent) this.#log.notice(fill(words.joined, { name: now.agent }));
      this.#shownAgent = now.agent;
    }
    if (now.state === "ended") this.#shownAgent = "";
    if (now.state !== "active") this.#closes("");
    if (before && now.state === "ended" && before.state === "active") this.#log.notice(words.ended);
    if (now.state !== "active") this.#log.typing("");
    if (this.#panel.opened) this.#lay();
    this.#askRating(now);
    this.#extensions.show(now);
  }

  #stateLine(now) {
    const { words, features, offline } = this.#config;
    if (now.state === "active") return fill(words.active, { name: now.agents.join(", ") || now.agent });
    if (now.state === "ended") return words.ended;
    if (now.state !== "waiting") return offline ? words.offline_now : words.greeting;
    if (!features.place || now.position < 1) return words.waiting;
    const wait = now.wait_seconds === null ? "" : `, ${now.wait_seconds < MINUTE ? words.wait_less : fill(words.wait_minutes, { n: Math.round(now.wait_seconds / MINUTE) })}`;
    return `${words.waiting} ${fill(words.place, { n: now.position })}${wait}`;
  }

  #askRating({ state }) {
    const wanted = state === "ended" && this.#config.features.rating && this.#talk.rateable && !this.#talk.rating;
    if (wanted && !this.#rating) {
      this.#rating = ratingForm(this.#config, (score, comment) => this.#talk.rate(score, comment));
      this.#log.element.append(this.#rating);
      this.#log.toBottom();
    }
    if (state !== "ended") {
      this.#rating?.remove();
      this.#rating = null;
    }
  }

  // What the visitor sees is read; the rest is counted on the button.
  #noteRead() {
    const theirs = [...this.#talk.messages.values()].filter((one) => one.author !== "contact").map((one) => one.id);
    const newest = Math.max(0, ...theirs);
    const read = this.#memory.get("read", 0);
    const seen = this.#panel.opened && !document.hidden && !this.#form;
    if (seen && newest > read) {
      this.#memory.set("read", newest);
      this.#talk.read(newest);
    }
    this.#panel.unread(seen ? 0 : theirs.filter((id) => id > read).length);
  }
}

export default async function begin({ base, entry, language, open }) {
  const asked = new URL(`widgets/${encodeURIComponent(entry)}`, base);
  if (language) asked.searchParams.set("lang", language);
  const [config, css] = await Promise.all([
    fetch(asked, { credentials: "omit", headers: { Accept: "application/json" } }).then((answer) => answer.json()),
    fetch(new URL("style.css", import.meta.url), { credentials: "omit" }).then((answer) => answer.text()),
  ]);
  if (config.error) {
    console.warn(`Okno: ${config.error.text}`);
    return;
  }
  const host = document.createElement("okno-chat");
  host.lang = config.language;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  document.body.append(host);
  const widget = new Widget({ config, base, entry, host, root });
  widget.begin(open);
  globalThis.OknoChat = { open: () => widget.open(), close: () => widget.close() };
}
