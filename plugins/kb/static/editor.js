// The article editor: tools over Markdown, sections that come and go, a warning before what is typed is lost.
import { all, find, send } from "/static/js/app.js";

const AROUND = { bold: ["**", "**"], italic: ["*", "*"], link: ["[", "](https://)"] };
const BEFORE = { list: () => "- ", numbers: (index) => `${index + 1}. `, quote: () => "> " };

function replace(field, start, end, text, from, to) {
  field.focus();
  field.setRangeText(text, start, end, "end");
  if (from !== undefined) field.setSelectionRange(from, to);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function tool(field, name) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  if (AROUND[name]) {
    const [left, right] = AROUND[name];
    const inner = value.slice(start, end);
    return replace(field, start, end, left + inner + right, start + left.length, start + left.length + inner.length);
  }
  const from = value.lastIndexOf("\n", start - 1) + 1;
  const lines = value.slice(from, end).split("\n");
  replace(field, from, end, lines.map((line, index) => BEFORE[name](index) + line).join("\n"));
}

const fieldOf = (element) => find("textarea", element.closest("[data-kb-edit-section]"));

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-kb-tool]");
  if (button) tool(fieldOf(button), button.dataset.kbTool);
  target.closest("[data-kb-remove-section]")?.closest("[data-kb-edit-section]").remove();
  const adder = target.closest("[data-kb-add-section]");
  if (adder) {
    const form = adder.closest("form");
    const list = find("[data-kb-sections]", form);
    list.append(find("template[data-kb-new-section]", form).content.cloneNode(true));
    find(".kb-edit-title", list.lastElementChild).focus();
  }
});

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-kb-variable]") || !target.value) return;
  const field = fieldOf(target);
  replace(field, field.selectionStart, field.selectionEnd, target.value);
  target.value = "";
});

// Saved: this tab shows the article now.
document.addEventListener("kb:saved", ({ detail }) => {
  for (const form of all(".panel:not([hidden]) .kb-edit")) delete form.dataset.touched;
  const link = Object.assign(document.createElement("a"), { href: detail.url });
  link.dataset.here = "";
  document.body.append(link);
  link.click();
  link.remove();
});

document.addEventListener("input", ({ target }) => {
  const form = target.closest(".kb-edit");
  if (form) form.dataset.touched = "yes";
  if (target.matches(".kb-source")) later(target);
});

const WAIT = 350;
const timers = new WeakMap();

function later(field) {
  clearTimeout(timers.get(field));
  timers.set(field, setTimeout(() => preview(field), WAIT));
}

// An answer that comes after the next one was asked for is late, and dropped.
async function preview(field) {
  const source = field.value;
  const answer = await send("/kb/markdown", { source });
  if (answer.ok && field.value === source) find(".kb-shown", field.parentElement).innerHTML = await answer.text();
}
addEventListener("beforeunload", (event) => find(".kb-edit[data-touched]") && event.preventDefault());
