// Links between articles: a card over them on hover and focus; maps unfold into the maps they lead to.
import { find } from "/static/js/app.js";

const AFTER = 280;
const cards = new Map();
let card = null;
let wanted = null;
let timer = 0;

const linkOf = (target) => target.closest?.("a[data-kb-article]");

async function load(number) {
  if (!cards.has(number)) {
    const answer = await fetch(`/kb/articles/${number}/preview`, { headers: { "HX-Request": "true" } }).catch(() => null);
    cards.set(number, answer?.ok ? await answer.text() : "");
    if (cards.size > 40) cards.delete(cards.keys().next().value);
  }
  return cards.get(number);
}

async function show(link) {
  const html = await load(link.dataset.kbArticle);
  if (wanted !== link || !html || !link.isConnected) return;
  hide();
  wanted = link;
  card = document.createElement("div");
  card.className = "kb-preview";
  card.popover = "manual";
  card.role = "tooltip";
  card.id = "kb-preview";
  card.innerHTML = html;
  document.body.append(card);
  card.showPopover();
  link.setAttribute("aria-describedby", card.id);
  const place = link.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const below = place.bottom + height + 12 < innerHeight;
  card.style.left = `${Math.max(8, Math.min(place.left, innerWidth - width - 8))}px`;
  card.style.top = `${below ? place.bottom + 6 : Math.max(8, place.top - height - 6)}px`;
}

function hide() {
  clearTimeout(timer);
  wanted?.removeAttribute("aria-describedby");
  wanted = null;
  card?.remove();
  card = null;
}

function soon(link) {
  if (!link || link === wanted) return;
  hide();
  wanted = link;
  timer = setTimeout(() => show(link), AFTER);
}

document.addEventListener("pointerover", ({ target, pointerType }) => pointerType !== "touch" && soon(linkOf(target)));
document.addEventListener("pointerout", ({ target, relatedTarget }) => linkOf(target) && linkOf(relatedTarget || document.body) !== linkOf(target) && hide());
document.addEventListener("focusin", ({ target }) => linkOf(target)?.matches(":focus-visible") && soon(linkOf(target)));
document.addEventListener("focusout", ({ target }) => linkOf(target) && hide());
document.addEventListener("scroll", hide, true);
document.addEventListener("click", ({ target }) => linkOf(target) && hide(), true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !card) return;
  event.stopImmediatePropagation();
  hide();
}, true);

// --- maps ---------------------------------------------------------------------------------------------
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-kb-map]");
  if (!button) return;
  const line = button.closest("li");
  const open = button.ariaExpanded === "true";
  button.ariaExpanded = String(!open);
  if (open) return find(":scope > .kb-map", line)?.remove();
  // A map that leads to one it is part of ends there.
  for (let above = line.parentElement.closest("li"); above; above = above.parentElement.closest("li")) {
    if (find(":scope > .kb-map-line [data-kb-map]", above)?.dataset.kbMap === button.dataset.kbMap) return line.setAttribute("data-circle", "");
  }
  const answer = await fetch(`/kb/articles/${button.dataset.kbMap}/map`, { headers: { "HX-Request": "true" } });
  if (answer.ok && button.ariaExpanded === "true") line.insertAdjacentHTML("beforeend", await answer.text());
});
