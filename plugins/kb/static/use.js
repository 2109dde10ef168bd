// «Использовать», «Отправить», «Связать»: an article, or the part of it that is selected, goes where the agent works.
import { all, find, send, toast } from "/static/js/app.js";
import { panelNow } from "/kb/static/panel.js";

const composer = () => find(".panel:not([hidden]) .compose-reply");
const wordsOf = (name) => panelNow()?.dataset[name] || "";
const focusOf = (element) => Object.fromEntries(new URLSearchParams(element.closest("[data-kb-focus]")?.dataset.kbFocus || panelNow()?.dataset.kbFocus || ""));

// --- use and send -------------------------------------------------------------------------------------
export async function use(articleId, about, part, sends = false) {
  const refuse = () => toast(wordsOf("noReply"), "warn");
  const form = composer();
  if (!form) return refuse();
  if (sends && !find("okno-editor", form).empty && !(await agreed())) return;
  const answer = await send(`/kb/articles/${articleId}/use`, { ...about, ...part });
  if (!answer.ok) return refused(answer);
  const { html, uses, empty, unknown } = await answer.json();
  for (const counter of all(`[data-kb-article-id="${articleId}"] [data-kb-uses] .kb-uses`)) counter.lastChild.textContent = uses;
  document.dispatchEvent(new CustomEvent("okno:insert", { detail: { html, articleId, empty, unknown, sends, refused: refuse } }));
}

// Something is typed already: it would go out with the article.
function agreed() {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const body = Object.assign(document.createElement("div"), { className: "dialog-body", textContent: wordsOf("both") });
  const foot = document.createElement("form");
  foot.method = "dialog";
  foot.className = "dialog-foot";
  const cancel = Object.assign(document.createElement("button"), { className: "btn", value: "", textContent: wordsOf("cancel") });
  const go = Object.assign(document.createElement("button"), { className: "btn btn-primary", value: "yes", textContent: wordsOf("send") });
  foot.append(cancel, go);
  dialog.append(body, foot);
  document.body.append(dialog);
  dialog.showModal();
  go.focus();
  return new Promise((resolve) => (dialog.onclose = () => (dialog.remove(), resolve(dialog.returnValue === "yes"))));
}

export function refused(answer) {
  const told = JSON.parse(answer.headers.get("HX-Trigger") || "{}").toast;
  toast(told?.text, "error", told?.help);
}

// --- the selected part of an article ------------------------------------------------------------------
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

// --- link to the case ---------------------------------------------------------------------------------
async function link(articleId, about, how) {
  const answer = await send(`/kb/articles/${articleId}/${how}`, about);
  const events = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
  for (const [name, detail] of Object.entries(events)) document.dispatchEvent(new CustomEvent(name, { detail }));
}

document.addEventListener("kb:linked", ({ detail: { article_id: articleId, linked } }) => {
  for (const button of all(`.kb-article[data-kb-article-id="${articleId}"] [data-kb-link-state]`)) {
    button.ariaPressed = String(linked);
    button.dataset.kbQuick = linked ? "unlink" : "link";
  }
});

function refreshCase(caseId) {
  const place = find(`[data-kb-case-articles="${caseId}"]`)?.parentElement;
  if (place) window.htmx.trigger(place, "okno:refresh");
}
document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type === "case.changed" && payload.changes?.some((name) => name === "articles" || name === "subject")) refreshCase(payload.case_id);
});

// --- one press ----------------------------------------------------------------------------------------
export function quick(name, item) {
  const about = focusOf(item);
  const articleId = item.dataset.kbArticleId;
  if (name === "use") return use(articleId, about, { section: "answer" });
  if (name === "send") return use(articleId, about, { section: "answer" }, true);
  return link(articleId, about, name);
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const article = target.closest(".kb-article");
  const section = () => find('.kb-tabs [aria-selected="true"]', article)?.dataset.kbSection || "";
  const about = () => focusOf(article);
  if (target.closest("[data-kb-use]")) use(article.dataset.kbArticleId, about(), { section: section() });
  if (target.closest("[data-kb-send]")) use(article.dataset.kbArticleId, about(), { section: section() }, true);
  if (target.closest("[data-kb-use-selected]")) use(article.dataset.kbArticleId, about(), { selected: selected() });
  const pressed = target.closest("[data-kb-quick]");
  if (pressed) quick(pressed.dataset.kbQuick, pressed.closest("[data-kb-item]"));
});
