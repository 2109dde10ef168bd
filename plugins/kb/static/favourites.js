// Favourites: the star, folders that fold, pins that are dragged or moved by keys, within a folder and between folders.
import { all, find, send } from "/static/js/app.js";
import { panelNow } from "/kb/static/panel.js";
import { refused } from "/kb/static/use.js";

let dragged = null;
const FOLDED = "okno.kb.folded";
const folded = () => new Set(JSON.parse(localStorage.getItem(FOLDED) || "[]"));
const place = () => find("#side-kb [data-kb-favourites]");
const about = () => panelNow()?.dataset.kbFocus || "";

export function redraw(html) {
  const old = place();
  // Under a pin that is being dragged nothing is replaced; letting it go asks for the list again.
  if (!old || dragged) return;
  const focused = document.activeElement?.closest?.("[data-kb-pin]")?.dataset.kbPin;
  old.innerHTML = html;
  window.htmx.process(old);
  fold();
  if (focused) find(`[data-kb-pin="${focused}"] .kb-pinned, [data-kb-pin="${focused}"] summary`, old)?.focus();
}

export async function change(path, values) {
  const answer = await send(`/kb/favourites${path}?${about()}`, values);
  if (!answer.ok) {
    refused(answer);
    return refresh();
  }
  redraw(await answer.text());
  return answer;
}

export async function refresh() {
  const answer = await fetch(`/kb/favourites?${about()}`, { headers: { "HX-Request": "true" } });
  if (answer.ok) redraw(await answer.text());
}
document.addEventListener("kb:favourites", refresh);

// --- the star -----------------------------------------------------------------------------------------
async function star(button) {
  const { kbArticleId: id } = button.closest("[data-kb-article-id]").dataset;
  const on = button.ariaPressed === "true";
  const answer = await change(on ? "/remove" : "", { article_id: id });
  if (!answer) return;
  for (const same of all(`[data-kb-article-id="${id}"] [data-kb-star]`)) same.ariaPressed = String(!on);
}
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-kb-star]");
  if (button) star(button);
  const head = target.closest("[data-kb-fold]");
  if (!head) return;
  const kept = folded();
  kept.has(head.dataset.kbFold) ? kept.delete(head.dataset.kbFold) : kept.add(head.dataset.kbFold);
  localStorage.setItem(FOLDED, JSON.stringify([...kept]));
  fold();
});

// What is folded stays so in this browser.
function fold() {
  const kept = folded();
  for (const head of all("[data-kb-fold]")) {
    const shut = kept.has(head.dataset.kbFold);
    head.ariaExpanded = String(!shut);
    head.closest(".kb-set").toggleAttribute("data-folded", shut);
  }
}
document.addEventListener("htmx:afterSettle", ({ detail }) => find("[data-kb-fold]", detail.target) && fold());

// --- order --------------------------------------------------------------------------------------------
const listOf = (element) => element.closest("[data-kb-may-edit]") && find("[data-kb-pins]", element.closest(".kb-set"));

document.addEventListener("dragstart", ({ target }) => (dragged = target.closest?.("[data-kb-pin][draggable]") || null));
document.addEventListener("dragover", (event) => {
  const list = dragged && event.target.closest?.(".kb-set") && listOf(event.target);
  if (!list) return;
  event.preventDefault();
  const pin = event.target.closest("[data-kb-pin]");
  if (pin === dragged) return;
  if (!pin) return dragged.parentElement === list || list.append(dragged);
  const { top, height } = pin.getBoundingClientRect();
  event.clientY < top + height / 2 ? pin.before(dragged) : pin.after(dragged);
});
document.addEventListener("drop", (event) => dragged && event.target.closest?.(".kb-set") && event.preventDefault());
document.addEventListener("dragend", async () => {
  const list = dragged?.parentElement;
  dragged = null;
  await (list ? keepOrder(list) : refresh());
});

const keepOrder = (list) =>
  change("/order", new URLSearchParams([["set_id", list.dataset.kbPins], ...all("[data-kb-pin]", list).map((pin) => ["id", pin.dataset.kbPin])]));

// Alt with an arrow moves a pin for those who use no mouse; past the end of a folder it goes on into the next one.
document.addEventListener("keydown", (event) => {
  const pin = event.altKey && event.target.closest?.("[data-kb-pin]");
  if (!pin || !["ArrowUp", "ArrowDown"].includes(event.key) || !listOf(pin)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const down = event.key === "ArrowDown";
  const neighbour = down ? pin.nextElementSibling : pin.previousElementSibling;
  if (neighbour) down ? neighbour.after(pin) : neighbour.before(pin);
  else {
    const lists = all("[data-kb-may-edit] [data-kb-pins]");
    const next = lists[lists.indexOf(pin.parentElement) + (down ? 1 : -1)];
    if (!next) return;
    down ? next.prepend(pin) : next.append(pin);
  }
  event.target.focus();
  keepOrder(pin.parentElement);
}, true);
