// The knowledge panel beside the work: articles open in it, «Use» puts them into the reply, pins are dragged.
import { all, find, send, toast } from "/static/js/app.js";

const panelNow = () => find("#side-kb [data-kb-panel]");
const wordsOf = (panel) => find(".kb-words", panel)?.value.trim() || "";
let wanted = null;

// --- following the case in focus ---------------------------------------------------------------------
document.addEventListener("okno:focus", ({ detail }) => {
  const ids = ["case_id", "interaction_id"].filter((name) => detail[name]).map((name) => [name, detail[name]]);
  wanted = new URLSearchParams(ids).toString();
  follow();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => detail.target.id === "side-kb" && follow());

// What the agent was looking for stays; the case it is for changes.
async function follow() {
  const panel = panelNow();
  if (!panel || wanted === null || panel.dataset.kbFocus === wanted) return;
  const typed = find(".kb-words", panel);
  const open = find(".kb-view:not([hidden]) [data-kb-number]", panel)?.dataset.kbNumber;
  await window.htmx.ajax("GET", `/kb/panel?${wanted}`, { target: panel.parentElement, swap: "innerHTML" });
  const fresh = panelNow();
  if (!fresh) return;
  if (typed.value) ask(fresh, typed.value);
  if (open) show(fresh, open);
}

function ask(root, text) {
  const words = find(".kb-words", root);
  words.value = text;
  words.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- list and article --------------------------------------------------------------------------------
async function show(panel, number) {
  const view = find(".kb-view", panel);
  const list = find(".kb-list", panel);
  if (!list.hidden) list.dataset.top = scroller(panel).scrollTop;
  const query = new URLSearchParams(panel.dataset.kbFocus);
  if (wordsOf(panel)) query.set("q", wordsOf(panel));
  await window.htmx.ajax("GET", `/kb/panel/articles/${number}?${query}`, { target: view, swap: "innerHTML" });
  if (!view.childElementCount) return;
  list.hidden = true;
  view.hidden = false;
  scroller(panel).scrollTop = 0;
  find("[data-kb-back]", view).focus({ preventScroll: true });
}

function back(panel) {
  const list = find(".kb-list", panel);
  const view = find(".kb-view", panel);
  view.hidden = true;
  view.replaceChildren();
  list.hidden = false;
  scroller(panel).scrollTop = Number(list.dataset.top || 0);
}

const scroller = (panel) => panel.closest(".side-body") || document.scrollingElement;

function choose(tab) {
  const article = tab.closest(".kb-article");
  for (const other of all(".kb-tabs [role=tab]", article)) other.ariaSelected = String(other === tab);
  for (const part of all("[data-kb-part]", article)) part.hidden = part.dataset.kbPart !== tab.dataset.kbSection;
}

// --- use ---------------------------------------------------------------------------------------------
async function use(article, part) {
  const panel = article.closest("[data-kb-panel]");
  if (!find(".panel:not([hidden]) .compose-reply")) return toast(panel.dataset.noReply, "warn");
  const about = Object.fromEntries(new URLSearchParams(article.dataset.kbFocus));
  const answer = await send(`/kb/articles/${article.dataset.kbArticleId}/use`, { ...about, ...part });
  if (!answer.ok) return refused(answer);
  const { html, article_id: articleId, uses, empty, unknown } = await answer.json();
  const counter = find("[data-kb-uses] .kb-uses", article);
  if (counter) counter.lastChild.textContent = uses;
  const detail = { html, articleId, empty, unknown, refused: () => toast(panel.dataset.noReply, "warn") };
  document.dispatchEvent(new CustomEvent("okno:insert", { detail }));
}

function refused(answer) {
  const told = JSON.parse(answer.headers.get("HX-Trigger") || "{}").toast;
  toast(told?.text, "error");
}

function selected() {
  const chosen = getSelection();
  if (!chosen.rangeCount || chosen.isCollapsed) return "";
  const range = chosen.getRangeAt(0);
  const node = range.commonAncestorContainer;
  const text = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("[data-kb-text]");
  if (!text?.closest("[data-kb-panel]")) return "";
  const holder = document.createElement("div");
  holder.append(range.cloneContents());
  return holder.innerHTML;
}

document.addEventListener("selectionchange", () => {
  const button = find("[data-kb-panel] [data-kb-use-selected]");
  if (button) button.disabled = !selected();
});
// The press on the button must not take the selection away.
document.addEventListener("mousedown", (event) => event.target.closest("[data-kb-use-selected]") && event.preventDefault());

// --- favourites --------------------------------------------------------------------------------------
async function star(button) {
  const article = button.closest("[data-kb-article-id]");
  const on = button.ariaPressed === "true";
  const answer = await send(on ? "/kb/favourites/remove" : "/kb/favourites", { article_id: article.dataset.kbArticleId });
  if (!answer.ok) return refused(answer);
  for (const same of all(`[data-kb-article-id="${article.dataset.kbArticleId}"] [data-kb-star]`)) same.ariaPressed = String(!on);
  redraw(await answer.text());
}

function redraw(html) {
  const place = find("#side-kb [data-kb-favourites]");
  if (!place) return;
  place.innerHTML = html;
  window.htmx.process(place);
}

let dragged = null;
document.addEventListener("dragstart", (event) => (dragged = event.target.closest?.("[data-kb-pin]") || null));
document.addEventListener("dragover", (event) => {
  const pin = event.target.closest?.("[data-kb-pin]");
  if (!dragged || !pin || pin === dragged || pin.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  const { top, height } = pin.getBoundingClientRect();
  event.clientY < top + height / 2 ? pin.before(dragged) : pin.after(dragged);
});
document.addEventListener("dragend", async () => {
  const list = dragged?.parentElement;
  dragged = null;
  if (list) await keepOrder(list);
});

async function keepOrder(list) {
  const ids = new URLSearchParams(all("[data-kb-pin]", list).map((pin) => ["id", pin.dataset.kbPin]));
  const answer = await send("/kb/favourites/order", ids);
  if (!answer.ok) refused(answer);
}

// Alt with an arrow moves a pin for those who use no mouse.
document.addEventListener("keydown", (event) => {
  const pin = event.altKey && event.target.closest?.("[data-kb-pin]");
  const by = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
  if (!pin || !by || !pin[by]?.matches("[data-kb-pin]")) return;
  event.preventDefault();
  by === "previousElementSibling" ? pin[by].before(pin) : pin[by].after(pin);
  event.target.focus();
  keepOrder(pin.parentElement);
});

// --- clicks and keys ---------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const { target } = event;
  const panel = target.closest("[data-kb-panel]");
  const asked = target.closest("[data-kb-ask]");
  if (asked) return ask(asked.closest("[data-kb-panel], .kb-page"), asked.dataset.kbAsk);
  if (target.closest("[data-kb-star]")) return star(target.closest("[data-kb-star]"));
  if (!panel) return;
  const link = target.closest("a[data-kb-article]");
  const opener = target.closest("[data-kb-open]");
  if (link || opener) {
    event.preventDefault();
    return show(panel, link ? link.dataset.kbArticle : opener.dataset.kbOpen);
  }
  if (target.closest("[data-kb-back]")) back(panel);
  const tab = target.closest(".kb-tabs [role=tab]");
  if (tab) choose(tab);
  const article = target.closest(".kb-article");
  if (target.closest("[data-kb-use]")) use(article, { section: find('.kb-tabs [aria-selected="true"]', article)?.dataset.kbSection || "" });
  if (target.closest("[data-kb-use-selected]")) use(article, { selected: selected() });
});

document.addEventListener("input", ({ target }) => {
  const panel = target.matches(".kb-words") && target.closest("[data-kb-panel]");
  if (panel && find(".kb-list", panel).hidden) back(panel);
});

document.addEventListener("keydown", (event) => {
  const root = event.target.closest?.("[data-kb-panel], .kb-page");
  if (!root || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape" && find(".kb-view:not([hidden])", root)) return back(root);
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const tab = event.target.closest(".kb-tabs [role=tab]");
  if (tab && ["ArrowLeft", "ArrowRight"].includes(event.key)) return step(tab, event.key === "ArrowRight" ? 1 : -1);
  if (!by || !event.target.matches(".kb-words, .kb-line, .kb-row")) return;
  const places = [find(".kb-words", root), ...all(".kb-line, .kb-row", root).filter((line) => line.checkVisibility())];
  event.preventDefault();
  places[Math.min(places.length - 1, Math.max(0, places.indexOf(event.target) + by))].focus();
});

function step(tab, by) {
  const tabs = all("[role=tab]", tab.parentElement);
  const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
  choose(next);
  next.focus();
}
