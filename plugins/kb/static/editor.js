// Where writing begins: the editor is fetched when its page is opened, never with the desk.
import { all, find, openDialog } from "/static/js/app.js";

function begin(root = document) {
  for (const form of all(".kb-editing:not([data-begun])", root)) {
    form.dataset.begun = "yes";
    import(form.dataset.script).then(({ start }) => start(form));
  }
}
document.addEventListener("okno:loaded", ({ target }) => begin(target));
begin();

// Saved: this tab shows what the answer names.
document.addEventListener("kb:saved", ({ detail }) => {
  for (const dialog of all("dialog[open]")) if (dialog.closest(".kb-page") || dialog.id.startsWith("kb-")) dialog.close();
  for (const form of all(".panel:not([hidden]) .kb-editing")) delete form.dataset.touched;
  const link = Object.assign(document.createElement("a"), { href: detail.url });
  link.dataset.here = "";
  document.body.append(link);
  link.click();
  link.remove();
});
addEventListener("beforeunload", (event) => find(".kb-editing[data-touched]") && event.preventDefault());

// --- the tree of folders and lists of articles ----------------------------------------------------------
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.matches?.("[data-kb-folder-place]")) openDialog(find("dialog", target));
});

const chosen = (form) => all("input[name=ids]:checked", form);

document.addEventListener("change", ({ target }) => {
  const form = target.closest?.(".kb-many");
  if (!form) return;
  if (target.matches("[data-kb-all]")) for (const box of all("input[name=ids]", form)) box.checked = target.checked;
  const count = chosen(form).length;
  find(".kb-many-bar", form).hidden = !count;
  find("[data-kb-count]", form).textContent = count;
  const act = find("[name=act]", form).value;
  for (const field of all("[data-for]", form)) {
    field.hidden = !field.dataset.for.split(" ").includes(act);
    for (const input of all("input, select", field)) input.disabled = field.hidden;
  }
});

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-kb-drag]");
  if (dragged) event.dataTransfer.setData("text/plain", dragged.textContent.trim());
});
document.addEventListener("dragend", () => {
  dragged = null;
  for (const mark of all(".kb-drop, .kb-drop-before")) mark.classList.remove("kb-drop", "kb-drop-before");
});

// The upper quarter of a folder means before it, the rest into it; articles only ever go into one.
const before = (event, place) => dragged.dataset.kbDrag === "folder" && event.clientY < place.getBoundingClientRect().top + place.offsetHeight / 4;

document.addEventListener("dragover", (event) => {
  const place = dragged && event.target.closest?.("[data-kb-drop]");
  if (!place || place === dragged) return;
  event.preventDefault();
  for (const mark of all(".kb-drop, .kb-drop-before")) mark.classList.remove("kb-drop", "kb-drop-before");
  place.classList.add(before(event, place) ? "kb-drop-before" : "kb-drop");
});

document.addEventListener("drop", (event) => {
  const place = dragged && event.target.closest?.("[data-kb-drop]");
  if (!place || place === dragged) return;
  event.preventDefault();
  const shown = place.closest(".kb-page").dataset.kbShown;
  const { kbDrag: what, kbId: id } = dragged.dataset;
  const { kbDrop: into, kbParent: parent } = place.dataset;
  const values = what === "article" ? { ids: id, act: "move", folder_id: into, shown } : before(event, place) ? { parent_id: parent, before_id: into, shown } : { parent_id: into, shown };
  const url = what === "article" ? "/kb/articles/bulk" : `/kb/folders/${id}/move`;
  window.htmx.ajax("POST", url, { values, swap: "none", source: place });
});
