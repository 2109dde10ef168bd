// Variables that nobody filled in: marked where they stand in an answer, listed under it, and asked for before it is sent.
import { find } from "./app.js";

const VARIABLE = /\$\(([A-Za-z][A-Za-z0-9_.]{0,79})\)/g;
const RU = document.documentElement.lang === "ru";
const WORDS = RU
  ? { title: "Заполните перед отправкой", send: "Отправить", cancel: "Отмена" }
  : { title: "Fill in before sending", send: "Send", cancel: "Cancel" };
const marks = window.Highlight && CSS.highlights ? new Highlight() : null;
if (marks) CSS.highlights.set("unfilled", marks);
const kept = new WeakMap();

// The places of variables in an editor: [{name, range}].
function places(root) {
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const match of walker.currentNode.data.matchAll(VARIABLE)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, match.index);
      range.setEnd(walker.currentNode, match.index + match[0].length);
      found.push({ name: match[1], range });
    }
  }
  return found;
}

const rootOf = (form) => find("okno-editor", form)?.root;

function look(form) {
  const root = rootOf(form);
  const list = find("[data-unfilled]", form);
  if (!root || !list) return;
  const found = places(root);
  for (const range of kept.get(form) || []) marks?.delete(range);
  kept.set(form, found.map(({ range }) => range));
  for (const { range } of found) marks?.add(range);
  const names = [...new Set(found.map(({ name }) => name))];
  if (list.dataset.unfilled === names.join(" ")) return;
  list.dataset.unfilled = names.join(" ");
  list.hidden = !names.length;
  find("[data-unfilled-names]", list).replaceChildren(...names.map((name) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: `$(${name})` });
    button.dataset.unfilledName = name;
    return button;
  }));
}

document.addEventListener("okno:edited", ({ target }) => target.closest?.(".compose-reply") && look(target.closest(".compose-reply")));

// A name in the list selects its place, so that typing replaces it.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-unfilled-name]");
  if (!button) return;
  const editor = find("okno-editor", button.closest("form"));
  const place = places(editor.root).find(({ name }) => name === button.dataset.unfilledName);
  if (!place) return;
  editor.focus();
  editor.squire.setSelection(place.range);
});

// --- before sending -----------------------------------------------------------------------------------
document.addEventListener("submit", (event) => {
  const form = event.target;
  const names = form.matches?.(".compose-reply") && rootOf(form) ? [...new Set(places(rootOf(form)).map(({ name }) => name))] : [];
  if (!names.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.dispatchEvent(new Event("okno:unsent", { bubbles: true }));
  askFor(form, names, event.submitter);
}, true);

function askFor(form, names, submitter) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const inner = document.createElement("form");
  inner.method = "dialog";
  const head = Object.assign(document.createElement("div"), { className: "dialog-head" });
  head.append(Object.assign(document.createElement("h2"), { textContent: WORDS.title }));
  const body = Object.assign(document.createElement("div"), { className: "dialog-body stack" });
  const fields = names.map((name) => {
    const row = Object.assign(document.createElement("label"), { className: "form-row" });
    const input = Object.assign(document.createElement("input"), { className: "input", required: true, autocomplete: "off", name });
    row.append(Object.assign(document.createElement("code"), { textContent: `$(${name})` }), input);
    body.append(row);
    return input;
  });
  const foot = Object.assign(document.createElement("div"), { className: "dialog-foot" });
  const cancel = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: WORDS.cancel, onclick: () => dialog.close() });
  foot.append(cancel, Object.assign(document.createElement("button"), { className: "btn btn-primary", textContent: WORDS.send }));
  inner.append(head, body, foot);
  inner.onsubmit = (event) => {
    if (fields.some((field) => !field.value.trim())) return event.preventDefault();
    put(form, Object.fromEntries(fields.map((field) => [field.name, field.value.trim()])));
    dialog.close("send");
  };
  dialog.onclose = () => {
    dialog.remove();
    dialog.returnValue === "send" ? submitter?.click() : find("okno-editor", form).focus();
  };
  dialog.ariaLabel = WORDS.title;
  dialog.append(inner);
  document.body.append(dialog);
  dialog.showModal();
  fields[0].focus();
}

function put(form, values) {
  const editor = find("okno-editor", form);
  for (const { name, range } of places(editor.root).reverse()) {
    range.deleteContents();
    range.insertNode(document.createTextNode(values[name]));
  }
  editor.changed();
}
