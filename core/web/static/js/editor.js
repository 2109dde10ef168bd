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
  ru: { B: "Полужирный", I: "Курсив", U: "Подчёркнутый", UL: "Список", OL: "Нумерованный список", BLOCKQUOTE: "Цитата", A: "Ссылка", bar: "Оформление" },
  en: { B: "Bold", I: "Italic", U: "Underline", UL: "List", OL: "Numbered list", BLOCKQUOTE: "Quote", A: "Link", bar: "Formatting" },
};
const BUTTONS = [
  ["B", "bold", (squire, on) => (on ? squire.removeBold() : squire.bold())],
  ["I", "italic", (squire, on) => (on ? squire.removeItalic() : squire.italic())],
  ["U", "underline", (squire, on) => (on ? squire.removeUnderline() : squire.underline())],
  ["UL", "list", (squire, on) => (on ? squire.removeList() : squire.makeUnorderedList())],
  ["OL", "list-numbers", (squire, on) => (on ? squire.removeList() : squire.makeOrderedList())],
  ["BLOCKQUOTE", "quote", (squire, on) => (on ? squire.decreaseQuoteLevel() : squire.increaseQuoteLevel())],
  ["A", "link", (squire, on) => (on ? squire.removeLink() : link(squire))],
];

function link(squire) {
  const selected = squire.getSelectedText().trim();
  const address = /^(https?:\/\/|mailto:)/.test(selected) ? selected : `https://${selected || "example.org"}`;
  squire.makeLink(address);
}

export function attach(element, root) {
  root.role = "textbox";
  root.ariaMultiLine = "true";
  root.ariaLabel = element.getAttribute("label");
  const squire = new Squire(root, { blockTag: "DIV", sanitizeToDOMFragment: (html) => DOMPurify.sanitize(html, SAFE) });
  const words = WORDS[document.documentElement.lang] || WORDS.en;
  const bar = document.createElement("div");
  bar.className = "editor-bar";
  bar.role = "toolbar";
  bar.ariaLabel = words.bar;
  const buttons = BUTTONS.map(([tag, mark, act]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-ghost btn-icon btn-sm";
    button.title = button.ariaLabel = words[tag];
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
