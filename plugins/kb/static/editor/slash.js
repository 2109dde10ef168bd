// «/» at the beginning of a line opens a menu of what can be inserted there: arrows choose, Enter inserts.
import { all, find } from "/static/js/app.js";

const OFFERED = ["h2", "h3", "list", "numbers", "table", "callout-note", "callout-tip", "callout-warning", "details", "codeblock", "quote", "picture", "line"];

export function slashMenu(form, bar) {
  let menu = null;
  let editor = null;

  const typed = () => {
    const { $from, empty } = editor.state.selection;
    if (!empty || $from.parent.type.name !== "paragraph") return null;
    return /^\/([\p{L}\d ]{0,20})$/u.exec($from.parent.textBetween(0, $from.parentOffset))?.[1].toLowerCase() ?? null;
  };
  const close = () => {
    menu?.remove();
    menu = null;
  };
  const choose = (name) => {
    const { $from } = editor.state.selection;
    editor.chain().focus().deleteRange({ from: $from.start(), to: $from.pos }).run();
    close();
    bar.act(name);
  };
  const draw = (words) => {
    const offered = OFFERED.map((name) => find(`[data-tool="${name}"]`, form)).map((button) => [button.dataset.tool, button.ariaLabel || button.textContent.trim(), button]);
    const fitting = offered.filter(([, label]) => label.toLowerCase().includes(words));
    close();
    if (!fitting.length) return;
    menu = document.createElement("div");
    menu.className = "kb-slash menu-list";
    menu.role = "listbox";
    for (const [name, label, button] of fitting) {
      const item = document.createElement("button");
      item.type = "button";
      item.className = "menu-item";
      item.role = "option";
      item.ariaSelected = String(!menu.childElementCount);
      item.append(find("svg", button).cloneNode(true), label);
      item.onmousedown = (event) => (event.preventDefault(), choose(name));
      item.dataset.name = name;
      menu.append(item);
    }
    form.append(menu);
    const place = editor.view.coordsAtPos(editor.state.selection.from);
    const inside = form.getBoundingClientRect();
    menu.style.insetInlineStart = `${place.left - inside.left}px`;
    menu.style.insetBlockStart = `${place.bottom - inside.top + 4}px`;
  };
  return {
    look(of) {
      editor = of;
      const words = typed();
      if (words === null) close();
      else draw(words);
    },
    key(event) {
      if (!menu) return false;
      const items = all("button", menu);
      const place = items.findIndex((item) => item.ariaSelected === "true");
      if (event.key === "Escape") close();
      else if (event.key === "Enter") choose(items[place].dataset.name);
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        const next = items[(place + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length];
        for (const item of items) item.ariaSelected = String(item === next);
        next.scrollIntoView({ block: "nearest" });
      } else return false;
      event.preventDefault();
      return true;
    },
    close,
  };
}
