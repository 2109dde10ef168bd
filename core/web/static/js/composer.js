// Writing: drafts saved as typed, files, switching between answer and note; letters shown in sandboxed frames.
import { all, csrf, find, icon, send, texts, toast } from "./app.js";
import { WORDS } from "./case.js";
import "./unfilled.js";

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
    this.root.role = "textbox";
    this.root.ariaMultiLine = "true";
    this.root.ariaLabel = this.getAttribute("label");
    // One can write before the editor has come; what was written by then stays.
    this.root.contentEditable = "true";
    this.root.addEventListener("input", () => this.squire || this.changed(false));
    const kept = find("template", this);
    this.#waiting.push(() => kept?.innerHTML.trim() && this.setHTML(kept.innerHTML));
    this.append(this.root);
    this.ready = import("./editor.js").then(({ attach }) => this.#arrived(attach));
  }
  #arrived(attach) {
    const [early, writing] = [this.root.innerText.replace(/\n$/, ""), this.root === document.activeElement];
    // The editor knows of a focus that it has seen come.
    if (writing) this.root.blur();
    this.squire = attach(this, this.root);
    for (const act of this.#waiting.splice(0)) act();
    this.changed(false);
    if (writing || early) this.squire.focus();
    if (!early) return;
    this.squire.insertPlainText(early, false);
    this.changed();
  }
  get value() {
    if (this.empty) return "";
    return this.squire ? this.squire.getHTML() : this.root.innerHTML;
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
    this.dispatchEvent(new Event("okno:edited", { bubbles: true }));
    if (tell) this.dispatchEvent(new Event("input", { bubbles: true }));
  }
  setHTML(html) {
    if (!this.squire) return void (this.root.replaceChildren(), this.#waiting.push(() => this.setHTML(html)));
    this.squire.setHTML(html);
    find("[data-cursor]", this.root) ? this.#placeCursor() : this.squire.moveCursorToEnd();
    this.root.blur();
    this.changed(false);
  }
  insertHTMLAtCursor(html, then) {
    if (!this.squire) return this.#waiting.push(() => this.insertHTMLAtCursor(html, then));
    this.squire.focus();
    this.squire.insertHTML(html);
    this.#placeCursor();
    this.changed();
    then?.();
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
    (this.squire || this.root).focus();
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
    this.#offerPictures(page, frame);
    const measure = () => (frame.style.height = `${Math.min(6000, page.documentElement.scrollHeight && page.body.offsetHeight + 2)}px`);
    new ResizeObserver(measure).observe(page.body);
    measure();
  }
  // Pictures that lie elsewhere tell their sender who reads the letter, so they are asked for.
  #offerPictures(page, frame) {
    const hidden = Number(page.documentElement.dataset.hiddenPictures);
    if (!hidden || find(".letter-pictures", this)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm letter-pictures";
    button.append(icon("photo"), `${texts.show_pictures} (${hidden})`);
    button.onclick = () => {
      button.remove();
      frame.src = `${this.getAttribute("src")}?images=1`;
    };
    this.prepend(button);
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
  for (const name of ["to", "cc", "bcc", "subject", "corrects"]) if (data.get(name)) kept[name] = data.get(name);
  if ("touched" in form.dataset) kept.touched = "1";
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
  if (!form || target.type === "file" || sending.has(form) || (target.matches("okno-editor") && !form.contains(document.activeElement) && target.empty)) return;
  if (["to", "cc", "bcc", "subject"].includes(target.name)) form.dataset.touched = "";
  typed.add(form);
  keep(form);
  wait(form, SAVE_AFTER);
});

// Until the server has it, this tab keeps what was typed: a reload may be faster than the last save.
const keyOf = (form) => `okno.draft.${form.dataset.draft}.${form.dataset.kind}`;
const keep = (form) => sessionStorage.setItem(keyOf(form), JSON.stringify(values(form)));
const restored = new WeakSet();
// Forms with something typed since the panel was last asked for, and the one to be written on in.
const typed = new WeakSet();
let focused = "";
function restore(root) {
  for (const form of all("form[data-draft]", root)) {
    const key = keyOf(form);
    const text = !restored.has(form) && sessionStorage.getItem(key);
    restored.add(form);
    if (text) fill(form, JSON.parse(text));
    if (focused === key) find("okno-editor, textarea", form).focus();
  }
  focused = "";
}
function fill(form, { html, kind, touched, ...facts }) {
  for (const [name, value] of Object.entries(facts)) if (form.elements[name]) form.elements[name].value = value;
  if (touched) form.dataset.touched = "";
  kind === "note" ? (find("textarea", form).value = html) : find("okno-editor", form).setHTML(html);
  wait(form, SAVE_AFTER);
}
document.addEventListener("okno:shown", ({ target }) => restore(target));
document.addEventListener("okno:loaded", ({ target }) => restore(target));

async function save(form) {
  if (!timers.has(form)) return;
  forget(form);
  state(form, texts.draft_saving);
  const kept = sessionStorage.getItem(keyOf(form));
  const request = send(form.dataset.draft, values(form)).then((answer) => answer.ok && answer.json(), () => null);
  saving.set(form, request);
  const saved = await request;
  if (saved && sessionStorage.getItem(keyOf(form)) === kept) sessionStorage.removeItem(keyOf(form));
  // A form that is gone has been followed by a fresh one, which saves what it has.
  if (!form.isConnected) return;
  state(form, saved ? saved.saved_at && `${WORDS.saved} ${saved.saved_at}` : texts.draft_unsaved);
  if (!saved && !sending.has(form)) wait(form, 4000);
}

// A draft on its way must arrive before the answer that ends it, and none may follow. The editor brings what is kept for it.
document.addEventListener("htmx:confirm", (event) => {
  const form = event.detail.elt;
  if (!form.matches?.("form[data-draft]")) return;
  event.preventDefault();
  forget(form);
  sending.add(form);
  Promise.allSettled([saving.get(form), find("okno-editor", form)?.ready]).then(() => event.detail.issueRequest(true));
});
document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
  if (!elt.matches?.("form[data-draft]")) return;
  sending.delete(elt);
  if (!successful) wait(elt, 0);
});
// What the page itself held back is a draft again.
for (const name of ["okno:unsent", "htmx:validation:halted"]) {
  document.addEventListener(name, ({ target }) => sending.delete(target) && wait(target, 0));
}

function flush(root) {
  for (const form of all("form[data-draft]", root)) {
    if (!timers.has(form)) continue;
    forget(form);
    const body = new URLSearchParams({ ...values(form), csrf_token: csrf() });
    navigator.sendBeacon(form.dataset.draft, body);
  }
}
addEventListener("pagehide", () => flush(document));
document.addEventListener("okno:leave", ({ target, detail }) => {
  for (const form of all("form[data-draft]", target)) {
    typed.delete(form);
    save(form);
    detail.waits.push(saving.get(form));
  }
});
document.addEventListener("okno:replacing", ({ target }) => {
  const forms = all("form[data-draft]", target);
  forms.filter((form) => typed.has(form)).forEach(keep);
  const writing = forms.find((form) => form.contains(document.activeElement));
  focused = writing ? keyOf(writing) : "";
});

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

// --- files: stored with the draft as soon as they are chosen ------------------------------------------
const EACH = 10, TOTAL = 25, MEGABYTE = 1 << 20;
const formOf = (element) => element.closest?.("form.compose");

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-pick-files]")) return;
  attach(formOf(target), [...target.files]);
  target.value = "";
});
document.addEventListener("dragover", (event) => {
  const form = formOf(event.target);
  if (!form || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  form.classList.add("file-drop");
});
document.addEventListener("dragleave", (event) => {
  const form = formOf(event.target);
  if (form && !form.contains(event.relatedTarget)) form.classList.remove("file-drop");
});
document.addEventListener("drop", (event) => {
  const form = formOf(event.target);
  form?.classList.remove("file-drop");
  if (!form || !event.dataTransfer.files.length) return;
  event.preventDefault();
  attach(form, [...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => {
  const form = formOf(event.target);
  const files = [...(event.clipboardData?.files || [])];
  if (!form || !files.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  attach(form, files);
}, true);

function attach(form, files) {
  for (const file of files) {
    if (file.size > EACH * MEGABYTE) toast(texts.file_too_large.replace("{0}", file.name).replace("{1}", EACH), "error");
    else upload(form, file);
  }
}

function upload(form, file) {
  const place = find("[data-files]", form);
  const line = document.createElement("li");
  line.className = "file file-coming";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.ariaLabel = file.name;
  line.append(file.name, bar);
  place.hidden = false;
  place.append(line);
  const body = new FormData();
  body.append("kind", place.dataset.kind);
  body.append("files", file, file.name);
  const request = new XMLHttpRequest();
  const arrived = new Promise((resolve) => (request.onloadend = resolve));
  request.open("POST", place.dataset.upload);
  request.setRequestHeader("X-CSRF-Token", csrf());
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => (bar.value = loaded / total);
  request.send(body);
  const before = saving.get(form);
  saving.set(form, Promise.all([before, arrived]));
  arrived.then(() => {
    line.remove();
    if (request.status === 200) listFiles(place, request.response.files);
    else toast(request.response?.error?.text || texts.failed, "error");
    place.hidden = !place.childElementCount;
  });
}

function listFiles(place, files) {
  const coming = all(".file-coming", place);
  place.replaceChildren(...files.map(({ name, shown, sha256 }) => {
    const line = document.createElement("li");
    const box = document.createElement("span");
    box.className = "file";
    const label = Object.assign(document.createElement("span"), { className: "clip", textContent: name });
    const size = Object.assign(document.createElement("span"), { className: "faint small nowrap", textContent: shown });
    const gone = Object.assign(document.createElement("button"), { type: "button", className: "file-gone", ariaLabel: texts.remove_file.replace("{0}", name) });
    gone.dataset.removeFile = sha256;
    gone.append(icon("x", "xs"));
    box.append(icon("file"), label, size, gone);
    line.append(box);
    return line;
  }), ...coming);
  place.hidden = !place.childElementCount;
}

async function removeFile(button) {
  const place = button.closest("[data-files]");
  const answer = await send(`${place.dataset.upload}/remove`, { kind: place.dataset.kind, sha256: button.dataset.removeFile });
  if (answer.ok) listFiles(place, (await answer.json()).files);
}

// --- what happens around an answer ------------------------------------------------------------------
document.addEventListener("click", ({ target }) => {
  const copies = target.closest("[data-shows-copies]");
  if (copies) {
    const fields = all(".compose-copy", copies.closest("form"));
    for (const field of fields) field.hidden = !field.hidden;
    copies.ariaExpanded = String(!fields[0].hidden);
    if (!fields[0].hidden) find("input", fields[0]).focus();
  }
  const corrects = target.closest("[data-corrects]");
  if (corrects) correct(corrects.closest(".case"), corrects.dataset.corrects);
  if (target.closest("[data-overtaken-show]")) showLater(target.closest(".case"));
  if (target.closest("[data-overtaken-send]")) sendAnyway(target.closest("form"));
});

function correct(root, entryId) {
  compose(root, "note");
  const form = find(".compose-note", root);
  find("[name=corrects]", form).value = entryId;
  find("[data-correcting]", form).hidden = !entryId;
}

// A colleague was faster: the server refused, and the agent decides.
let pressed = "";
document.addEventListener("toast", (event) => {
  const form = event.target.closest?.(".compose-reply");
  if (!form || event.detail.code !== "reply-overtaken") return;
  event.stopImmediatePropagation();
  find("[data-overtaken-words]", form).textContent = event.detail.text;
  find("[data-overtaken]", form).hidden = false;
  find("[data-overtaken-show]", form).focus();
}, true);
document.addEventListener("submit", ({ target, submitter }) => target.matches(".compose-reply") && (pressed = submitter?.value || ""), true);

function showLater(root) {
  const seen = Number(find("[name=seen]", root).value);
  const later = all("[data-message]", root).find((entry) => Number(entry.dataset.message) > seen && !entry.matches(".message-in"));
  (later || all(".entry", root).at(-1))?.scrollIntoView({ block: "center" });
}

function sendAnyway(form) {
  const flag = Object.assign(document.createElement("input"), { type: "hidden", name: "anyway", value: "1" });
  form.append(flag);
  find("[data-overtaken]", form).hidden = true;
  find(`[name=then][value="${pressed}"]`, form).click();
  setTimeout(() => flag.remove());
}

document.addEventListener("okno:sent", ({ detail }) => {
  if (!detail.undo_seconds) return;
  const line = document.createElement("div");
  line.className = "undo";
  line.role = "status";
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: WORDS.undo });
  button.onclick = async () => {
    line.remove();
    const answer = await send(`/messages/${detail.message_id}/recall`);
    const events = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
    for (const [name, value] of Object.entries(events)) document.dispatchEvent(new CustomEvent(name, { detail: value }));
  };
  line.append(icon("send"), WORDS.sent, button);
  find(`[data-composer="${detail.case_id}"]`)?.before(line);
  setTimeout(() => line.remove(), detail.undo_seconds * 1000 - 300);
});

// The contact writes while an answer is begun: what was seen stays what it was, and the page says so.
document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type !== "message.added" || payload.author !== "contact") return;
  const form = find(`[data-composer="${payload.case_id}"] .compose-reply`);
  if (form && !find("okno-editor", form).empty) find("[data-old-draft]", form).hidden = false;
});

// htmx sends the value of a button that was clicked, not of a form that was submitted.
export const sendNow = (root) => all(".compose-reply .compose-foot [type=submit]", root).at(-1).click();

export function clear(root) {
  const form = find(".compose-reply", root);
  if (!form) return;
  find("okno-editor", form).setHTML("");
  typed.delete(form);
  forget(form);
  sessionStorage.removeItem(keyOf(form));
  delete form.dataset.touched;
  delete form.dataset.begun;
  listFiles(find("[data-files]", form), []);
  for (const place of all("[data-old-draft], [data-overtaken], .compose-copy", form)) place.hidden = true;
  for (const field of all("[name=cc], [name=bcc]", form)) field.value = "";
  seen(root, form);
  state(form, "");
}

export function clearNote(root) {
  const form = find(".compose-note", root);
  typed.delete(form);
  forget(form);
  sessionStorage.removeItem(keyOf(form));
  form.reset();
  find("textarea", form).value = "";
  find("[name=corrects]", form).value = "";
  find("[data-correcting]", form).hidden = true;
  listFiles(find("[data-files]", form), []);
  state(form, "");
}

// The newest message that the agent has had in view when the answer was begun.
function seen(root, form) {
  const messages = all("[data-message]", root).map((entry) => Number(entry.dataset.message));
  const field = form && find("[name=seen]", form);
  if (field) field.value = Math.max(Number(field.value), ...messages);
}
document.addEventListener("input", ({ target }) => {
  const form = target.closest?.(".compose-reply");
  if (!form || "begun" in form.dataset) return;
  form.dataset.begun = "";
  seen(form.closest(".case"), form);
}, true);
