// What people search for: a text is counted once, when somebody stopped at it (a hit opened, Enter, four seconds' rest).
// The state of the index: its card is fetched anew when the indexer tells of progress.
import { all, find, send } from "/static/js/app.js";

const REST = 4000;
const told = new WeakSet();
let resting = null;

const shownIn = (root) => find("[data-kb-found]", root);
const words = (found) => found?.dataset.kbFound.trim() || "";

function tell(found, more = {}) {
  if (!words(found)) return;
  const values = { q: found.dataset.kbFound, hits: found.dataset.kbHits, source: found.dataset.kbSource, ...more };
  if (!told.has(found)) values.note = "1";
  told.add(found);
  if (values.note || values.opened) send("/kb/searches", values);
}

function rest(found) {
  clearTimeout(resting);
  if (words(found)) resting = setTimeout(() => found.isConnected && found.checkVisibility() && tell(found), REST);
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const list = detail.target.closest?.(".kb-list");
  if (list) rest(shownIn(list));
});
document.addEventListener("okno:loaded", ({ target }) => rest(shownIn(target === document ? document : target)));

document.addEventListener("click", ({ target }) => {
  const hit = target.closest("[data-kb-found] :is(.kb-line, .kb-row)");
  if (hit) {
    const found = hit.closest("[data-kb-found]");
    tell(found, found.dataset.kbOpened ? {} : { opened: "1" });
    found.dataset.kbOpened = "1";
  }
  const everywhere = target.closest("[data-kb-everywhere]");
  const only = everywhere && find(".kb-only", everywhere.closest("[data-kb-panel]") || document);
  if (only) only.checked = false;
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches(".kb-words")) return;
  const found = shownIn(event.target.closest("[data-kb-panel], .kb-page"));
  if (found && words(found) === event.target.value.trim()) tell(found);
});

document.addEventListener("okno:event", ({ detail: { type } }) => {
  if (type !== "kb.index") return;
  for (const card of all("[data-kb-index]")) window.htmx.ajax("GET", "/kb/index", { target: card, swap: "innerHTML" });
});
