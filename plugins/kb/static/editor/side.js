// Chips, sections that move, and files: what surrounds the text.
import { all, csrf, find, icon } from "/static/js/app.js";

export function chips(form, changed, words) {
  const add = (box, value) => {
    const text = value.trim().replace(/\s+/g, " ");
    const same = all("[data-value]", box).some((chip) => chip.dataset.value.toLowerCase() === text.toLowerCase());
    if (!text || same) return;
    const chip = document.createElement("span");
    chip.className = "kb-chip-word";
    chip.dataset.value = text;
    const gone = Object.assign(document.createElement("button"), { type: "button", ariaLabel: `${words.remove}: ${text}` });
    gone.dataset.removeChip = "";
    gone.append(icon("x", "xs"));
    chip.append(text, gone);
    find("input", box).before(chip);
    changed();
  };
  for (const box of all("[data-chips]", form)) {
    const field = find("input", box);
    const take = () => {
      for (const word of field.value.split(",")) add(box, word);
      field.value = "";
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === ",") {
        event.preventDefault();
        take();
      } else if (event.key === "Backspace" && !field.value) {
        all("[data-value]", box).at(-1)?.remove();
        changed();
      }
    });
    field.addEventListener("change", take);
    field.addEventListener("blur", take);
    box.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-remove-chip]");
      if (button) {
        button.parentElement.remove();
        changed();
      }
      field.focus();
    });
  }
}

export const valuesOf = (form, name) => all(`[data-chips="${name}"] [data-value]`, form).map((chip) => chip.dataset.value);

// Sections are dragged by their handle, or moved with the arrow keys while it has the focus.
export function movable(list, changed) {
  let dragged = null;
  list.addEventListener("dragstart", (event) => {
    if (!event.target.closest?.("[data-grip]")) return;
    dragged = event.target.closest("[data-section]");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(dragged, 20, 20);
    dragged.classList.add("kb-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest("[data-section]");
    if (!over) return;
    event.preventDefault();
    if (over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    over[event.clientY < top + height / 2 ? "before" : "after"](dragged);
  });
  list.addEventListener("drop", (event) => dragged && event.preventDefault());
  list.addEventListener("dragend", () => {
    dragged?.classList.remove("kb-dragged");
    if (dragged) changed();
    dragged = null;
  });
  list.addEventListener("keydown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const section = grip.closest("[data-section]");
    if (event.key === "ArrowUp") section.previousElementSibling?.before(section);
    else section.nextElementSibling?.after(section);
    grip.focus();
    changed();
  });
}

export async function upload(number, file, picture) {
  const body = new FormData();
  body.append("file", file, file.name || "picture.png");
  if (picture) body.append("picture", "1");
  const answer = await fetch(number ? `/kb/articles/${number}/files` : "/kb/files", { method: "POST", headers: { "X-CSRF-Token": csrf(), "HX-Request": "true" }, body });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error?.text || answer.statusText);
  return told;
}

export function showFile(form, file, words) {
  const line = document.createElement("li");
  line.dataset.fileId = file.id;
  const link = Object.assign(document.createElement("a"), { href: file.url });
  link.append(icon("paperclip"), file.name);
  const gone = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-ghost btn-icon btn-sm", ariaLabel: `${words.remove}: ${file.name}` });
  gone.dataset.removeFile = "";
  gone.append(icon("x", "xs"));
  line.append(link, gone);
  find("[data-file-list]", form).append(line);
}
