// Writing: drafts saved as typed, files, switching between answer and note; letters shown in sandboxed frames.
import { all, csrf, find, send, texts } from "./app.js";

const SAVE_AFTER = 700;
const timers = new WeakMap();
const saving = new WeakMap();
const sending = new WeakSet();

class Editor extends HTMLElement {
  static formAssociated = true;
  #internals = this.attachInternals();
  #waiting = [];
  connectedCallback() {
    if (this.root) return;
    this.root = document.createElement("div");
    this.root.className = "editor-root";
    this.root.dataset.placeholder = this.getAttribute("placeholder") || "";
    this.root.dataset.empty = "";
    const kept = find("template", this);
    this.#waiting.push(() => kept?.innerHTML.trim() && this.setHTML(kept.innerHTML));
    this.append(this.root);
    import("./editor.js").then(({ attach }) => {
      this.squire = attach(this, this.root);
      for (const act of this.#waiting.splice(0)) act();
      this.changed(false);
    });
  }
  get value() {
    return this.squire && !this.empty ? this.squire.getHTML() : "";
  }
  get name() {
    return this.getAttribute("name");
  }
  get empty() {
    return !this.root.textContent.trim() && !find("img", this.root);
  }
  changed(tell = true) {
    this.root.toggleAttribute("data-empty", this.empty && !find("li, blockquote", this.root));
    this.#internals.setFormValue(this.value);
    if (tell) this.dispatchEvent(new Event("input", { bubbles: true }));
  }
  setHTML(html) {
    if (!this.squire) return this.#waiting.push(() => this.setHTML(html));
    this.squire.setHTML(html);
    this.squire.moveCursorToEnd();
    this.root.blur();
    this.changed(false);
  }
  insertHTMLAtCursor(html) {
    if (!this.squire) return this.#waiting.push(() => this.insertHTMLAtCursor(html));
    this.squire.focus();
    this.squire.insertHTML(html);
    this.#placeCursor();
    this.changed();
  }
  #placeCursor() {
    const mark = find("[data-cursor]", this.root);
    if (!mark) return;
    const range = document.createRange();
    range.setStartBefore(mark);
    mark.remove();
    this.squire.setSelection(range);
  }
  focus() {
    this.squire ? this.squire.focus() : this.#waiting.push(() => this.squire.focus());
  }
}
customElements.define("okno-editor", Editor);

class Letter extends HTMLElement {
  connectedCallback() {
    if (find("iframe", this)) return;
    const frame = document.createElement("iframe");
    frame.title = this.getAttribute("label");
    frame.loading = "lazy";
    frame.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
    frame.src = this.getAttribute("src");
    frame.style.height = "44px";
    frame.onload = () => this.#fit(frame);
    this.replaceChildren(frame);
  }
  #fit(frame) {
    const page = frame.contentDocument;
    this.#fold(page);
    const measure = () => (frame.style.height = `${Math.min(6000, page.documentElement.scrollHeight && page.body.offsetHeight + 2)}px`);
    new ResizeObserver(measure).observe(page.body);
    measure();
  }
  #fold(page) {
    const quote = find("blockquote, .gmail_quote, .yahoo_quoted, #divRplyFwdMsg", page);
    if (!quote || quote.closest("details") || !page.body.textContent.replace(quote.textContent, "").trim()) return;
    const fold = page.createElement("details");
    fold.className = "okno-quote";
    const head = page.createElement("summary");
    head.textContent = "•••";
    head.ariaLabel = texts.show_quote;
    quote.before(fold);
    fold.append(head, quote);
  }
}
customElements.define("okno-letter", Letter);

// --- drafts -----------------------------------------------------------------------------------------
const values = (form) => {
  const data = new FormData(form);
  const kept = { kind: form.dataset.kind, html: form.dataset.kind === "note" ? data.get("text") : data.get("html") || "" };
  for (const name of ["to", "subject"]) if (data.has(name)) kept[name] = data.get(name);
  return kept;
};
const state = (form, text) => {
  const place = find("[data-draft-state]", form.closest("[data-composer]"));
  if (place) place.textContent = text;
};

const wait = (form, time) => {
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => save(form), time));
};
const forget = (form) => {
  clearTimeout(timers.get(form));
  timers.delete(form);
};

document.addEventListener("input", ({ target }) => {
  const form = target.closest("form[data-draft]");
  if (form && target.type !== "file" && !sending.has(form)) wait(form, SAVE_AFTER);
});

async function save(form) {
  if (!timers.has(form)) return;
  forget(form);
  state(form, texts.draft_saving);
  const request = send(form.dataset.draft, values(form)).then((answer) => answer.ok, () => false);
  saving.set(form, request);
  const saved = await request;
  state(form, saved ? texts.draft_saved : texts.draft_unsaved);
  if (!saved && !sending.has(form)) wait(form, 4000);
}

// A draft on its way must arrive before the answer that ends it, and none may follow.
document.addEventListener("htmx:confirm", (event) => {
  const form = event.detail.elt;
  if (!form.matches?.("form[data-draft]")) return;
  event.preventDefault();
  forget(form);
  sending.add(form);
  Promise.resolve(saving.get(form)).then(() => event.detail.issueRequest(true));
});
document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
  if (!elt.matches?.("form[data-draft]")) return;
  sending.delete(elt);
  if (!successful) wait(elt, 0);
});

function flush(root) {
  for (const form of all("form[data-draft]", root)) {
    if (!timers.has(form)) continue;
    forget(form);
    const body = new URLSearchParams({ ...values(form), csrf_token: csrf() });
    navigator.sendBeacon(form.dataset.draft, body);
  }
}
addEventListener("pagehide", () => flush(document));
document.addEventListener("okno:leave", ({ target }) => flush(target));

// --- answer and note --------------------------------------------------------------------------------
export function compose(root, kind) {
  const composer = find("[data-composer]", root);
  const form = composer && find(`form[data-kind=${kind}]`, composer);
  if (!form) return false;
  for (const tab of all("[data-compose]", composer)) tab.ariaSelected = String(tab.dataset.compose === kind);
  for (const other of all("form[data-kind]", composer)) other.hidden = other !== form;
  find("okno-editor, textarea", form).focus();
  return true;
}

document.addEventListener("click", ({ target }) => {
  const tab = target.closest("[data-compose]");
  if (tab) compose(tab.closest(".case"), tab.dataset.compose);
  const gone = target.closest("[data-remove-file]");
  if (gone) removeFile(gone);
});

// --- files ------------------------------------------------------------------------------------------
document.addEventListener("change", ({ target }) => target.matches("input[type=file][name=files]") && listFiles(target));
document.addEventListener("dragover", (event) => {
  const form = event.target.closest?.(".compose-reply");
  if (form && event.dataTransfer.types.includes("Files")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const form = event.target.closest?.(".compose-reply");
  if (!form || !event.dataTransfer.files.length) return;
  event.preventDefault();
  const field = find("input[type=file]", form);
  const kept = new DataTransfer();
  for (const file of [...field.files, ...event.dataTransfer.files]) kept.items.add(file);
  field.files = kept.files;
  listFiles(field);
});

function listFiles(field) {
  const list = find("[data-files]", field.form);
  list.hidden = !field.files.length;
  list.replaceChildren(...[...field.files].map((file, index) => {
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "file";
    button.dataset.removeFile = index;
    button.textContent = `${file.name} ✕`;
    line.append(button);
    return line;
  }));
}

function removeFile(button) {
  const field = find("input[type=file]", button.form);
  const kept = new DataTransfer();
  [...field.files].forEach((file, index) => index !== Number(button.dataset.removeFile) && kept.items.add(file));
  field.files = kept.files;
  listFiles(field);
}

export function clear(root) {
  const form = find(".compose-reply", root);
  if (!form) return;
  find("okno-editor", form).setHTML("");
  forget(form);
  find("input[type=file]", form).value = "";
  listFiles(find("input[type=file]", form));
  state(form, "");
}

export function clearNote(root) {
  const form = find(".compose-note", root);
  forget(form);
  form.reset();
  find("textarea", form).value = "";
  state(form, "");
}
