// The rich text editor, loaded when a reply box first appears.
import Squire from "../vendor/squire.mjs";
import DOMPurify from "../vendor/purify.es.mjs";
import { icon } from "./app.js";

const SAFE = {
  ALLOWED_TAGS: ["a", "b", "strong", "i", "em", "u", "s", "strike", "del", "p", "div", "br", "ul", "ol", "li", "blockquote", "span", "h1", "h2", "h3", "h4", "hr", "pre", "code", "table", "thead", "tbody", "tr", "td", "th"],
  ALLOWED_ATTR: ["href", "data-cursor", "colspan", "rowspan"],
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const WORDS = {
  ru: { B: "Полужирный", I: "Курсив", U: "Подчёркнутый", UL: "Список", OL: "Нумерованный список", BLOCKQUOTE: "Цитата", A: "Ссылка", bar: "Оформление", address: "Адрес", text: "Текст", set: "Вставить", cancel: "Отмена" },
  en: { B: "Bold", I: "Italic", U: "Underline", UL: "List", OL: "Numbered list", BLOCKQUOTE: "Quote", A: "Link", bar: "Formatting", address: "Address", text: "Text", set: "Insert", cancel: "Cancel" },
};
const BUTTONS = [
  ["B", "bold", (squire, on) => (on ? squire.removeBold() : squire.bold())],
  ["I", "italic", (squire, on) => (on ? squire.removeItalic() : squire.italic())],
  ["U", "underline", (squire, on) => (on ? squire.removeUnderline() : squire.underline())],
  ["UL", "list", (squire, on) => (on ? squire.removeList() : squire.makeUnorderedList())],
  ["OL", "list-numbers", (squire, on) => (on ? squire.removeList() : squire.makeOrderedList())],
  ["BLOCKQUOTE", "quote", (squire, on) => (on ? squire.decreaseQuoteLevel() : squire.increaseQuoteLevel())],
  ["A", "link", (squire, on) => (on ? squire.removeLink() : askLink(squire))],
];

const words = () => WORDS[document.documentElement.lang] || WORDS.en;

// The address is asked for, never guessed; a bare one gets https://.
function askLink(squire) {
  const range = squire.getSelection();
  const selected = squire.getSelectedText().trim();
  const dialog = document.createElement("dialog");
  dialog.className = "dialog link-dialog";
  dialog.ariaLabel = words().A;
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "dialog-body dialog-lone stack";
  const address = field(words().address, /^(https?:|mailto:)/.test(selected) ? selected : "", "https://");
  const text = field(words().text, selected, "");
  const foot = document.createElement("div");
  foot.className = "row";
  const set = Object.assign(document.createElement("button"), { className: "btn btn-primary push", textContent: words().set });
  const cancel = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: words().cancel, onclick: () => dialog.close() });
  foot.append(cancel, set);
  form.append(address.row, text.row, foot);
  form.onsubmit = () => {
    const typed = address.input.value.trim();
    if (!typed) return;
    const url = /^[a-z][a-z0-9+.\-]*:/i.test(typed) ? typed : typed.includes("@") && !typed.includes("/") ? `mailto:${typed}` : `https://${typed}`;
    if (!/^(https?:|mailto:|tel:)/i.test(url)) return;
    squire.setSelection(range);
    const shown = text.input.value.trim() || typed;
    const link = document.createElement("a");
    link.href = url;
    link.textContent = shown;
    selected && shown === selected ? squire.makeLink(url) : squire.insertHTML(link.outerHTML);
  };
  dialog.onclose = () => (dialog.remove(), squire.focus());
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  address.input.focus();
}

function field(label, value, placeholder) {
  const row = document.createElement("label");
  row.className = "form-row";
  const input = Object.assign(document.createElement("input"), { className: "input", value, placeholder, autocomplete: "off" });
  row.append(label, input);
  return { row, input };
}

export function attach(element, root) {
  const squire = new Squire(root, { blockTag: "DIV", sanitizeToDOMFragment: (html) => DOMPurify.sanitize(html, SAFE) });
  const bar = document.createElement("div");
  bar.className = "editor-bar";
  bar.role = "toolbar";
  bar.ariaLabel = words().bar;
  const buttons = BUTTONS.map(([tag, mark, act]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-ghost btn-icon btn-sm";
    button.title = button.ariaLabel = words()[tag];
    button.ariaPressed = "false";
    button.append(icon(mark));
    button.onmousedown = (event) => event.preventDefault();
    button.onclick = () => {
      act(squire, squire.hasFormat(tag));
      squire.focus();
      pressed();
    };
    bar.append(button);
    return [tag, button];
  });
  const pressed = () => buttons.forEach(([tag, button]) => (button.ariaPressed = String(squire.hasFormat(tag))));
  element.append(bar);
  squire.addEventListener("input", () => element.changed());
  squire.addEventListener("pathChange", pressed);
  squire.addEventListener("select", pressed);
  return squire;
}
