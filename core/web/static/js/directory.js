// The directory: keys in the list, stars, the order of favourites, the dial pad, presence as it changes.
import { all, find, send, toast } from "./app.js";
import { later, pieces } from "./refresh.js";

const book = () => find("[data-directory]");

// --- keys -------------------------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const place = by && !event.altKey && event.target.closest?.("[data-directory]");
  if (!place || event.target.closest(".dial") || event.target.closest(".directory-groups")) return;
  const names = all(".book-name", place);
  const at = names.indexOf(event.target.closest(".book-entry")?.querySelector(".book-name"));
  if (at === 0 && by < 0) find("[name=q]", place).focus();
  else names[Math.max(0, Math.min(names.length - 1, at + by))]?.focus();
  event.preventDefault();
});

// From the search field of a picker straight to its first choice.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("[data-picker] [type=search]") || !["ArrowDown", "Enter"].includes(event.key)) return;
  const first = find("[data-picker] [type=radio]");
  event.preventDefault();
  if (!first) return;
  first.focus();
  first.click();
});

// --- stars ------------------------------------------------------------------------------------------
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const star = detail.elt.closest?.("[data-star]");
  if (star) detail.parameters.on = star.ariaPressed === "true" ? "0" : "1";
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const star = detail.elt.closest?.("[data-star]");
  if (!star || !detail.successful) return;
  const pressed = String(star.ariaPressed !== "true");
  for (const other of all(`[data-star="${star.dataset.star}"]`)) other.ariaPressed = pressed;
});

// --- the order of favourites ------------------------------------------------------------------------
const orderOf = (list) => all("[data-book-entry]", list).map((entry) => entry.dataset.bookEntry).join(" ");
let dragged = null;

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-move]");
  if (!button) return;
  const entry = button.closest("[data-book-entry]");
  const by = Number(button.dataset.move);
  const other = by < 0 ? entry.previousElementSibling : entry.nextElementSibling;
  if (!other?.matches("[data-book-entry]")) return;
  by < 0 ? other.before(entry) : other.after(entry);
  button.focus();
  send("/directory/arrange", { entry: entry.dataset.bookEntry, by });
});
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-arrange] > [data-book-entry]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.bookEntry);
  dragged.dataset.dragged = "";
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("[data-arrange] > [data-book-entry]");
  for (const marked of all("[data-over]")) if (marked !== over) delete marked.dataset.over;
  if (!over) return;
  event.preventDefault();
  if (over !== dragged) over.dataset.over = "";
});
document.addEventListener("drop", (event) => {
  const over = dragged && event.target.closest?.("[data-arrange] > [data-book-entry]");
  if (!over) return;
  event.preventDefault();
  const list = over.parentElement;
  const entries = [...list.children];
  entries.indexOf(dragged) < entries.indexOf(over) ? over.after(dragged) : over.before(dragged);
  send("/directory/arrange", { order: orderOf(list) });
});
document.addEventListener("dragend", () => {
  for (const marked of all("[data-over], [data-dragged]")) {
    delete marked.dataset.over;
    delete marked.dataset.dragged;
  }
  dragged = null;
});
const favourites = later(async () => {
  const list = find('[data-group="favourites"]', book());
  if (!list || dragged) return;
  const part = (await pieces("/directory/results?group=favourites")).find((piece) => piece.matches(".directory-list"));
  // Whoever drags meanwhile gets the new order with the next event.
  if (part && !dragged) window.Idiomorph.morph(list, part, { morphStyle: "outerHTML" });
  window.htmx.process(find("#directory-results"));
}, 400);

// --- presence ---------------------------------------------------------------------------------------
const changed = new Set();
const marks = later(async () => {
  const ids = [...changed].filter((id) => find(`[data-presence="${id}"]`));
  changed.clear();
  if (!ids.length) return;
  for (const mark of await pieces(`/directory/presence?ids=${ids.join(",")}`)) {
    for (const shown of all(`[data-presence="${mark.dataset.presence}"]`)) shown.replaceWith(mark.cloneNode(true));
  }
}, 300);
document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type === "presence.changed") changed.add(payload.user_id);
  else if (type === "interaction.changed" && payload.agent_id) changed.add(payload.agent_id);
  else if (type === "reset") for (const mark of all("[data-presence]")) changed.add(Number(mark.dataset.presence));
  else if (type === "favourites.changed") return favourites();
  if (changed.size) marks();
});

// --- dial pad ---------------------------------------------------------------------------------------
const NOT_DIALLED = /[^\d+*#]/g;
const FORMATTING = /[\s().\-–—/]/g;
const dialled = (pad) => find(".dial-number", pad).value;
let asked = null;

function setDialled(pad, text) {
  const field = find(".dial-number", pad);
  const digits = text.replace(FORMATTING, "").replace(/^tel:/, "");
  field.value = digits.replace(NOT_DIALLED, "").replace(/(?!^)\+/g, "");
  const known = find("[data-dial-known]", pad);
  known.toggleAttribute("data-bad", field.value.length < digits.length);
  known.textContent = field.value.length < digits.length ? known.dataset.none : "";
  clearTimeout(asked);
  if (field.value.length > 2) asked = setTimeout(() => lookUp(pad, field.value), 200);
}

async function lookUp(pad, value) {
  const answer = await fetch(`/directory/number?value=${encodeURIComponent(value)}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok || dialled(pad) !== value) return;
  const { formatted, name, number } = await answer.json();
  const known = find("[data-dial-known]", pad);
  if ("bad" in known.dataset) return;
  known.textContent = name ? `${formatted} · ${name}` : formatted;
  pad.dataset.number = number;
}

document.addEventListener("input", ({ target }) => target.matches(".dial-number") && setDialled(target.closest("[data-dial]"), target.value));
document.addEventListener("click", async ({ target }) => {
  const pad = target.closest("[data-dial]");
  if (!pad) return;
  const key = target.closest("[data-key]");
  if (key) setDialled(pad, dialled(pad) + key.dataset.key);
  if (target.closest("[data-dial-back]")) setDialled(pad, dialled(pad).slice(0, -1));
  if (target.closest("[data-dial-copy]") && dialled(pad)) {
    await navigator.clipboard.writeText(pad.dataset.number || dialled(pad));
    toast(pad.dataset.number || dialled(pad), "good");
  }
  const start = target.closest("[data-dial-start]");
  if (start && dialled(pad)) window.htmx.ajax("POST", "/directory/begin", { source: start, swap: "none", values: { channel: start.dataset.dialStart, address: pad.dataset.number || dialled(pad) } });
});
document.addEventListener("toggle", ({ target }) => target.matches?.("details.dial") && target.open && find(".dial-number", target).focus(), true);
