// The knowledge panel beside the work: it follows the case in focus, lists and articles take turns in it.
import { all, find } from "/static/js/app.js";

export const panelNow = () => find("#side-kb [data-kb-panel]");
const wordsOf = (panel) => find(".kb-words", panel)?.value.trim() || "";
let wanted = null;

// --- following the case in focus ---------------------------------------------------------------------
document.addEventListener("okno:focus", ({ detail }) => {
  const ids = ["case_id", "interaction_id"].filter((name) => detail[name]).map((name) => [name, detail[name]]);
  wanted = new URLSearchParams(ids).toString();
  follow();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target.id !== "side-kb") return;
  follow();
  // What was typed between the swap and now nobody has heard yet.
  const panel = panelNow();
  if (panel && wordsOf(panel) && !find("[data-kb-found]", panel)) ask(panel, wordsOf(panel));
});

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

export function ask(root, text) {
  const words = find(".kb-words", root);
  words.value = text;
  words.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- list and article --------------------------------------------------------------------------------
export async function show(panel, number) {
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

// --- clicks and keys ---------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const { target } = event;
  const panel = target.closest("[data-kb-panel]");
  const asked = target.closest("[data-kb-ask]");
  if (asked) return ask(asked.closest("[data-kb-panel], .kb-page"), asked.dataset.kbAsk);
  if (!panel || event.defaultPrevented) return;
  const link = target.closest("a[data-kb-article]");
  const opener = target.closest("[data-kb-open]");
  if (link || opener) {
    event.preventDefault();
    return show(panel, link ? link.dataset.kbArticle : opener.dataset.kbOpen);
  }
  if (target.closest("[data-kb-back]")) back(panel);
  const tab = target.closest(".kb-tabs [role=tab]");
  if (tab) choose(tab);
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
  if (!by || !event.target.matches(".kb-words, .kb-line, .kb-row, .kb-pinned, .kb-exact-title")) return;
  const places = [find(".kb-words", root), ...all(".kb-line, .kb-row, .kb-pinned, .kb-exact-title", root).filter((line) => line.checkVisibility())];
  event.preventDefault();
  places[Math.min(places.length - 1, Math.max(0, places.indexOf(event.target) + by))].focus();
});

function step(tab, by) {
  const tabs = all("[role=tab]", tab.parentElement);
  const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
  choose(next);
  next.focus();
}
