// Shows the visitor's page to the agent, when the visitor asks for it. Loaded only then.
//
// What is secret stays in the page: fields are sent as dots before anything leaves it, elements with data-okno-mask as empty boxes.
import { keep, kept, place } from "./slot.js";

const WORDS = {
  en: { close: "Close", ask: "Show this page to the agent?", about: "The agent will see this page and where you point, but not what you type: fields are hidden. You can end it at any moment.", show: "Show the page", cancel: "Cancel", waiting: "Waiting for the agent to look…", shown: "The agent sees this page", end: "Stop showing", over: "The page is not shown any more", "too-large": "The page is too large to be shown", failed: "The page could not be shown", agent: "Agent" },
  ru: { close: "Закрыть", ask: "Показать эту страницу оператору?", about: "Оператор увидит эту страницу и ваш указатель, но не то, что вы вводите: поля скрыты. Показ можно прекратить в любой момент.", show: "Показать страницу", cancel: "Отмена", waiting: "Ждём, когда оператор посмотрит…", shown: "Оператор видит эту страницу", end: "Прекратить показ", over: "Страница больше не показывается", "too-large": "Страница слишком велика для показа", failed: "Не получилось показать страницу", agent: "Оператор" },
};
const KEPT = "okno-shown";
const SEND_EVERY = 200;
const SNAPSHOT_EVERY = 120_000;
const RETRY = [500, 1000, 2000, 5000];
const [FULL, META] = [2, 4];
const DOTS = "••••••";
// Never shown, whatever the page says of them.
const SECRET = 'input[type="password"], input[autocomplete^="cc-"], input[autocomplete*="password"], input[autocomplete="one-time-code"], input[name*="card" i], input[name*="cvc" i], input[name*="cvv" i], input[id*="card" i], input[type="hidden"]';
const MASKED = "[data-okno-mask]";
const OPEN = "[data-okno-show]";
const LEAST = 4;

export function isShown(element) {
  return Boolean(element.closest?.(OPEN)) && !element.matches(SECRET) && !element.closest(MASKED);
}

const STYLE = `
.shown { display: flex; flex-direction: column; gap: 8px; padding: 10px 12px; border-block-end: 1px solid var(--line, #d8dee6); background: var(--sunken, rgb(127 127 127 / 8%)); }
.shown[hidden] { display: none; }
.shown p { margin: 0; font-size: 0.9em; }
.shown p:first-child { font-weight: 600; font-size: 1em; }
.shown div { display: flex; flex-wrap: wrap; gap: 6px; }
.shown button { font: inherit; min-block-size: 36px; padding: 0 12px; border-radius: 8px; border: 1px solid rgb(127 127 127 / 45%); background: transparent; color: inherit; cursor: pointer; }
.shown button.good { background: #18804e; border-color: transparent; color: #fff; }
.shown button.bad { background: #b3261e; border-color: transparent; color: #fff; }
.shown button:focus-visible { outline: 2px solid #5d8cf0; outline-offset: 2px; }
`;
const POINTER = `
:host { all: initial; position: fixed; inset: 0; pointer-events: none; z-index: 2147483646; }
.pointer { position: absolute; left: 0; top: 0; opacity: 0; transition: transform 150ms linear, opacity 200ms; font: 600 12px/1.2 system-ui, sans-serif; color: #fff; }
.pointer.on { opacity: 1; }
.pointer svg { inline-size: 22px; block-size: 22px; display: block; }
.pointer span { display: inline-block; margin: -2px 0 0 14px; padding: 2px 8px; border-radius: 10px; background: #2b5fc7; }
.pointer i { position: absolute; left: -18px; top: -18px; inline-size: 36px; block-size: 36px; border-radius: 50%; border: 3px solid #2b5fc7; opacity: 0; }
.pointer.pressed i { animation: press 600ms ease-out; }
.edge { position: absolute; inset: 0; border: 3px solid #d98f0b; }
@keyframes press { from { transform: scale(0.3); opacity: 1; } to { transform: scale(1.5); opacity: 0; } }
@media (prefers-reduced-motion: reduce) { .pointer { transition: none; } .pointer.pressed i { animation: none; opacity: 1; } }
`;

// The agent's pointer over the page, and a frame around it while it is shown.
class Pointer {
  constructor(label) {
    this.host = document.createElement("okno-pointer");
    const root = this.host.attachShadow({ mode: "closed" });
    const style = new CSSStyleSheet();
    style.replaceSync(POINTER);
    root.adoptedStyleSheets = [style];
    root.innerHTML = '<div class="edge"></div><div class="pointer"><i></i><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 2l6 18 3-7 7-3z" fill="#2b5fc7" stroke="#fff" stroke-width="1.5"/></svg><span></span></div>';
    this.pointer = root.querySelector(".pointer");
    root.querySelector("span").textContent = label;
    this.host.setAttribute("aria-hidden", "true");
    document.documentElement.append(this.host);
  }

  move({ x, y, pressed }) {
    this.pointer.style.transform = `translate(${x}px, ${y}px)`;
    this.pointer.classList.add("on");
    this.host.dataset.at = `${x},${y}`;
    if (!pressed) return;
    this.pointer.classList.remove("pressed");
    void this.pointer.offsetWidth;
    this.pointer.classList.add("pressed");
  }

  remove() {
    this.host.remove();
  }
}

class Showing {
  constructor(widget) {
    this.widget = widget;
    this.words = WORDS[widget.language === "ru" ? "ru" : "en"];
    this.row = null;
    this.element = document.createElement("section");
    this.element.className = "shown";
    this.element.hidden = true;
    this.placed = place(widget, this.element, STYLE);
    if (kept(KEPT)) this.resume();
  }

  #shown(on) {
    this.element.hidden = !on;
    this.placed();
  }

  async start() {
    if (this.row) return;
    this.draw("ask");
    this.element.querySelector("button")?.focus();
  }

  // The page has loaded again, or another one of the site: it goes on here.
  async resume() {
    const found = await this.widget.ask("GET", "media").catch(() => null);
    if (!found) return void setTimeout(() => kept(KEPT) && this.resume(), RETRY.at(-1));
    if (found.shown?.id !== kept(KEPT)) return keep(KEPT, 0);
    this.row = found.shown;
    this.row.state === "active" ? this.record() : this.draw("waiting");
  }

  hear(type, { kind, cobrowse, ...more }) {
    if (this.row?.id !== cobrowse.id) return;
    if (kind === "accepted") {
      this.row = cobrowse;
      this.record();
    }
    if (kind === "ended") this.over(this.words[cobrowse.reason] || this.words.over);
    if (kind === "pointer") this.pointer?.move(more);
  }

  async ask() {
    try {
      const { shown } = await this.widget.ask("POST", "media/pages", { page: location.origin + location.pathname });
      this.row = shown;
      keep(KEPT, shown.id);
      shown.state === "active" ? this.record() : this.draw("waiting");
    } catch (error) {
      this.over(error.message || this.words.failed);
    }
  }

  async record() {
    if (this.stop || this.loading) return;
    this.loading = true;
    this.draw("shown");
    this.pointer = new Pointer(this.words.agent);
    const { record } = await import(new URL("media/rrweb-record.js", this.widget.base).href);
    this.loading = false;
    if (!this.row) return;
    Object.assign(this, { queue: [], batch: [], number: 0, page: Math.random().toString(36).slice(2, 12) });
    this.stop = record({
      emit: (event) => this.emit(event),
      // Each kind of field by name, hidden ones too; maskAllInputs would leave those out.
      maskAllInputs: false,
      maskInputOptions: Object.fromEntries(["input", "textarea", "select", "password", "hidden", "text", "email", "tel", "number", "search", "url", "date", "month", "week", "time", "datetime-local", "color", "range"].map((kind) => [kind, true])),
      maskInputFn: (text, element) => (text && !isShown(element) ? DOTS : text),
      maskTextSelector: "[contenteditable], [contenteditable] *",
      maskTextFn: (text) => text.replace(/\S/g, "•"),
      blockSelector: `${MASKED}, okno-pointer, okno-chat`,
      checkoutEveryNms: SNAPSHOT_EVERY,
      sampling: { mousemove: 50, scroll: 100 },
      slimDOMOptions: { script: true, comment: true, headMetaSocial: true, headMetaRobots: true, headMetaVerification: true },
      recordCanvas: false,
      collectFonts: false,
      inlineImages: false,
    });
  }

  emit(event) {
    // A whole picture begins a piece: what was before it need not be kept.
    if (event.type === META) {
      this.cut();
      event.data.href = location.origin + location.pathname;
    }
    this.batch.push(event);
    if (event.type === FULL) this.cut();
    else this.timer ??= setTimeout(() => this.cut(), SEND_EVERY);
  }

  cut() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.batch.length) this.queue.push({ key: `${this.page}-${++this.number}`, events: blotted(this.batch) });
    this.batch = [];
    this.send();
  }

  // One at a time and in order, each until it has arrived; a repeat is known by its key.
  async send() {
    if (this.sending) return;
    this.sending = true;
    for (let tries = 0; this.queue?.length && this.row; ) {
      try {
        await this.widget.ask("POST", `media/pages/${this.row.id}/pieces`, this.queue[0]);
        this.queue.shift();
        tries = 0;
      } catch (error) {
        if (error.code && error.code !== "flood") {
          this.over(error.message || this.words.failed);
          break;
        }
        await new Promise((go) => setTimeout(go, RETRY[Math.min(tries++, RETRY.length - 1)]));
      }
    }
    this.sending = false;
  }

  end() {
    if (this.row) this.widget.ask("POST", `media/pages/${this.row.id}/end`, {}).catch(() => {});
    this.over(this.words.over);
  }

  over(words) {
    this.stop?.();
    this.stop = this.row = this.queue = null;
    clearTimeout(this.timer);
    this.timer = null;
    this.pointer?.remove();
    this.pointer = null;
    keep(KEPT, 0);
    this.draw("over", words);
  }

  draw(stage, note = "") {
    const { words } = this;
    const button = (text, onclick, className = "") => Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick, className });
    const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
    const row = document.createElement("div");
    const hide = () => this.#shown(false);
    if (stage === "ask") row.append(button(words.show, () => this.ask(), "good"), button(words.cancel, hide));
    if (stage === "waiting" || stage === "shown") row.append(button(words.end, () => this.end(), "bad"));
    if (stage === "over") row.append(button(words.close, hide));
    const parts = { ask: [line(words.ask), line(words.about)], waiting: [line(words.waiting)], shown: [line(words.shown)], over: [line(note)] }[stage];
    if (stage !== "ask") parts[0].setAttribute("role", "status");
    this.element.replaceChildren(...parts, row);
    this.element.dataset.stage = stage;
    this.#shown(true);
  }
}

// Whatever a page does with what was typed into a secret field, a copy of it in a preview say, does not leave it either.
export function blotted(events) {
  const fields = [...document.querySelectorAll(`${SECRET}, ${MASKED} input, ${MASKED} textarea, input${MASKED}, textarea${MASKED}`)];
  const secrets = [...new Set(fields.map((field) => field.value).filter((value) => value.length >= LEAST))];
  if (!secrets.length) return events;
  let text = JSON.stringify(events);
  for (const secret of secrets.sort((one, other) => other.length - one.length)) text = text.replaceAll(JSON.stringify(secret).slice(1, -1), DOTS);
  return JSON.parse(text);
}

export default (widget) => new Showing(widget);
