// Suggestions follow what the customer writes; text that is selected in a message is searched with one press.
import { all, find, icon } from "/static/js/app.js";
import { ask, panelNow } from "/kb/static/panel.js";

const MOST = 300;
const RU = document.documentElement.lang === "ru";
const WORDS = RU ? "Найти в базе знаний" : "Search the knowledge base";

// --- the customer wrote again -------------------------------------------------------------------------
document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  const panel = panelNow();
  const caseId = panel && new URLSearchParams(panel.dataset.kbFocus).get("case_id");
  if (!caseId) return;
  const wrote = type === "message.added" && payload.author === "contact";
  const renamed = type === "case.changed" && payload.changes?.includes("subject");
  if ((wrote || renamed) && String(payload.case_id) === caseId) refresh(panel);
});

async function refresh(panel) {
  const place = find("[data-kb-suggested]", panel);
  if (!place) return;
  const asked = panel.dataset.kbFocus;
  const answer = await fetch(`/kb/panel/suggested?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || panel.dataset.kbFocus !== asked || place.contains(document.activeElement)) return;
  place.innerHTML = await answer.text();
}

// --- selected text ------------------------------------------------------------------------------------
let button = null;
let words = "";

function offer(text, box) {
  gone();
  words = text.replace(/\s+/g, " ").trim().slice(0, MOST);
  if (!words || !panelNow() && !find("#side-kb")) return;
  button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm kb-find-selected";
  button.append(icon("book"), WORDS);
  button.title = `${WORDS} (Alt K)`;
  button.onmousedown = (event) => event.preventDefault();
  button.onclick = search;
  button.popover = "manual";
  document.body.append(button);
  button.showPopover();
  const { width, height } = button.getBoundingClientRect();
  const above = box.top - height - 6;
  button.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
  button.style.top = `${above > 8 ? above : Math.min(innerHeight - height - 8, box.bottom + 6)}px`;
}

function gone() {
  button?.remove();
  button = null;
  words = "";
}

function search() {
  const text = words;
  gone();
  const toggle = document.getElementById("side-toggle");
  const phone = find("[data-shows-side]");
  if (phone?.checkVisibility()) phone.click();
  else if (toggle?.ariaExpanded === "false") toggle.click();
  const tab = find('[aria-controls="side-kb"]');
  if (tab?.ariaSelected === "false") tab.click();
  const go = () => panelNow() && (ask(panelNow(), text), find(".kb-words", panelNow()).focus());
  panelNow() ? go() : document.addEventListener("htmx:afterSettle", go, { once: true });
}

function boxOf(selection, frame) {
  const box = selection.getRangeAt(0).getBoundingClientRect();
  const place = frame?.getBoundingClientRect() || { left: 0, top: 0 };
  return { left: box.left + place.left, top: box.top + place.top, bottom: box.bottom + place.top };
}

const inMessage = (node) => (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.(".message .words, .case-subject");

function look() {
  const selection = getSelection();
  const chosen = selection.rangeCount && !selection.isCollapsed && inMessage(selection.anchorNode);
  chosen ? offer(selection.toString(), boxOf(selection)) : gone();
}
document.addEventListener("mouseup", ({ target }) => target.closest?.(".kb-find-selected") || setTimeout(look));
document.addEventListener("keyup", (event) => event.shiftKey && setTimeout(look));
document.addEventListener("scroll", gone, true);

// Letters are pages of their own in frames.
function watch(frame) {
  const page = frame.contentDocument;
  // A frame that has only begun to load has a page without anything in it; its load event comes later.
  if (!page?.documentElement || page.documentElement.dataset.kbWatched) return;
  page.documentElement.dataset.kbWatched = "";
  const lookInside = () => {
    const selection = page.getSelection();
    selection.rangeCount && !selection.isCollapsed ? offer(selection.toString(), boxOf(selection, frame)) : gone();
  };
  page.addEventListener("mouseup", () => setTimeout(lookInside));
  page.addEventListener("keyup", (event) => event.shiftKey && setTimeout(lookInside));
  page.addEventListener("keydown", seek, true);
}
document.addEventListener("load", ({ target }) => target.matches?.("okno-letter iframe") && watch(target), true);
for (const frame of all("okno-letter iframe")) watch(frame);

// Alt+K with something selected searches for it; without, it goes to the search field as always.
function seek(event) {
  if (event.code !== "KeyK" || !event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.view === window && !words) look();
  if (!words) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  search();
}
document.addEventListener("keydown", seek, true);
document.addEventListener("keydown", (event) => event.key === "Escape" && gone());
