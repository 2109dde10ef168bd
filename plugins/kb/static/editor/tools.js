// The toolbar: acts on the section that was written in last.
import { all, find, openDialog } from "/static/js/app.js";

const ACTS = {
  undo: (chain) => chain.undo(),
  redo: (chain) => chain.redo(),
  h2: (chain) => chain.toggleHeading({ level: 2 }),
  h3: (chain) => chain.toggleHeading({ level: 3 }),
  bold: (chain) => chain.toggleBold(),
  italic: (chain) => chain.toggleItalic(),
  underline: (chain) => chain.toggleUnderline(),
  strike: (chain) => chain.toggleStrike(),
  code: (chain) => chain.toggleCode(),
  clear: (chain) => chain.unsetAllMarks().clearNodes(),
  list: (chain) => chain.toggleBulletList(),
  numbers: (chain) => chain.toggleOrderedList(),
  quote: (chain) => chain.toggleBlockquote(),
  codeblock: (chain) => chain.toggleCodeBlock(),
  line: (chain) => chain.setHorizontalRule(),
  table: (chain) => chain.insertTable({ rows: 3, cols: 3, withHeaderRow: true }),
  details: (chain) => chain.setDetails(),
  "row-before": (chain) => chain.addRowBefore(),
  "row-after": (chain) => chain.addRowAfter(),
  "row-delete": (chain) => chain.deleteRow(),
  "column-before": (chain) => chain.addColumnBefore(),
  "column-after": (chain) => chain.addColumnAfter(),
  "column-delete": (chain) => chain.deleteColumn(),
  "head-row": (chain) => chain.toggleHeaderRow(),
  "head-column": (chain) => chain.toggleHeaderColumn(),
  "table-delete": (chain) => chain.deleteTable(),
};
const PRESSED = { h2: ["heading", { level: 2 }], h3: ["heading", { level: 3 }], bold: ["bold"], italic: ["italic"], underline: ["underline"], strike: ["strike"], code: ["code"], list: ["bulletList"], numbers: ["orderedList"], quote: ["blockquote"], codeblock: ["codeBlock"], link: ["link"], details: ["details"] };

export function toolbar(form, current) {
  const bar = find("[data-toolbar]", form);
  const act = (name) => {
    const editor = current();
    if (!editor?.isEditable) return;
    if (name.startsWith("callout-")) return callout(editor, name.slice(8));
    if (name === "link") return askLink(form, editor);
    if (name === "picture") return find("[data-pick-picture]", bar).click();
    if (name === "alt") return askPicture(form, editor);
    ACTS[name](editor.chain().focus()).run();
  };
  bar.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
  bar.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-tool]");
    if (button) act(button.dataset.tool);
    const variable = target.closest("[data-variable]");
    if (variable) current()?.chain().focus().insertContent({ type: "variable", attrs: { name: variable.dataset.variable } }).run();
  });
  return { act, show: (editor) => show(bar, editor) };
}

function show(bar, editor) {
  for (const [name, active] of Object.entries(PRESSED)) find(`[data-tool="${name}"]`, bar).ariaPressed = String(editor.isActive(...active));
  for (const group of all("[data-in]", bar)) group.hidden = !editor.isActive(group.dataset.in);
}

function callout(editor, kind) {
  const chain = editor.chain().focus();
  if (editor.isActive("callout", { kind })) return chain.lift("callout").run();
  if (editor.isActive("callout")) return chain.updateAttributes("callout", { kind }).run();
  chain.wrapIn("callout", { kind }).run();
}

function askLink(form, editor) {
  const dialog = find("#kb-link", form);
  const field = find("#kb-link-to", dialog);
  field.value = (editor.getAttributes("link").href || "").replace(/^kb:/, "");
  const done = (href) => {
    dialog.close();
    const chain = editor.chain().focus().extendMarkRange("link");
    if (!href) return chain.unsetLink().run();
    if (!editor.state.selection.empty || editor.isActive("link")) return chain.setLink({ href }).run();
    chain.insertContent({ type: "text", text: href.replace(/^kb:/, "№"), marks: [{ type: "link", attrs: { href } }] }).run();
  };
  find("[data-link-set]", dialog).onclick = () => done(addressOf(field.value));
  find("[data-link-remove]", dialog).onclick = () => done("");
  field.onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    done(addressOf(field.value));
  };
  openDialog(dialog);
  field.select();
}

function addressOf(text) {
  const said = text.trim();
  const number = /^(?:№\s*|kb:)?(\d{1,9})$/.exec(said);
  if (number) return `kb:${number[1]}`;
  if (/^[\w.+-]+@[\w-]+\.[\w.]+$/.test(said)) return `mailto:${said}`;
  return !said || /^[a-z][a-z0-9+.-]*:/i.test(said) || said.startsWith("/") ? said : `https://${said}`;
}

function askPicture(form, editor) {
  const dialog = find("#kb-picture", form);
  const { alt, width } = editor.getAttributes("image");
  find("#kb-picture-alt", dialog).value = alt || "";
  find("#kb-picture-width", dialog).value = width || "";
  find("[data-picture-set]", dialog).onclick = () => {
    const wide = Number(find("#kb-picture-width", dialog).value);
    dialog.close();
    editor.chain().focus().updateAttributes("image", { alt: find("#kb-picture-alt", dialog).value, width: wide > 0 ? wide : null }).run();
  };
  openDialog(dialog);
}
