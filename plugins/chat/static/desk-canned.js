// Canned replies: «/» and a few letters in an answer, arrows, Enter; /ban.
const RU = document.documentElement.lang === "ru";
const WORDS = RU
  ? { title: "Заготовленные ответы", none: "Ничего не найдено", own: "Свои", team: "Группы", all: "Общие", manage: "Все заготовленные ответы…", ban: "Заблокировать контакт", banText: "Чат завершится, и ни один канал не примет сообщений этого контакта. Снять блокировку может администратор.", reason: "Причина", cancel: "Отмена", failed: "Не получилось. Повторите." }
  : { title: "Canned replies", none: "Nothing found", own: "Mine", team: "Groups", all: "Everybody's", manage: "All canned replies…", ban: "Ban the contact", banText: "The chat ends, and no channel takes anything in from this contact. An administrator can lift the ban.", reason: "Reason", cancel: "Cancel", failed: "That failed. Try again." };
const BEGUN = /(?:^|\s)\/([^/\n]{0,40})$/u;
const find = (selector, root = document) => root.querySelector(selector);
const csrf = () => find("meta[name=csrf-token]").content;
const make = (tag, values = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
};

let menu = null;
let asked = 0;

const editorOf = (element) => element.closest?.(".compose-reply okno-editor") || null;

// The words after the slash before the cursor, with the range that they and the slash fill.
function begun(editor) {
  const selection = getSelection();
  const node = selection.anchorNode;
  if (!selection.isCollapsed || node?.nodeType !== Node.TEXT_NODE || !editor.root.contains(node)) return null;
  const match = node.data.slice(0, selection.anchorOffset).replaceAll("\u00a0", " ").match(BEGUN);
  if (!match) return null;
  const range = document.createRange();
  range.setStart(node, selection.anchorOffset - match[1].length - 1);
  range.setEnd(node, selection.anchorOffset);
  return { words: match[1], range };
}

document.addEventListener("input", ({ target }) => {
  const editor = editorOf(target);
  if (editor?.squire) seek(editor);
});

async function seek(editor, everything = false) {
  const start = everything ? { words: "", range: null } : begun(editor);
  if (!start) return close();
  const turn = ++asked;
  const answer = await fetch(`/chat/canned/found?q=${encodeURIComponent(start.words)}`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (turn !== asked || !answer?.ok) return;
  const { found, may_ban: mayBan } = await answer.json();
  const shown = editor.closest(".case");
  const bans = mayBan && shown && "talks" in shown.dataset && "mine" in shown.dataset && shown.dataset.state === "active" && "ban".startsWith(start.words.trim().toLowerCase().slice(0, 3));
  draw(editor, start, found, bans && start.words ? shown : null);
}

function draw(editor, start, found, banned) {
  close();
  const list = make("ul", { className: "canned-list", id: "canned-list", role: "listbox", ariaLabel: WORDS.title });
  let head = null;
  for (const one of found) {
    const title = [WORDS[one.scope], ...one.path].join(" · ");
    if (title !== head) list.append(make("li", { className: "canned-list-head", role: "presentation", textContent: (head = title) }));
    const line = make("li", { role: "option", id: `canned-${one.id}`, className: "canned-line" }, make("span", { className: "strong clip", textContent: one.title }), make("span", { className: "faint small clip", textContent: one.text }));
    line.act = () => insert(editor, start.range, one.id);
    list.append(line);
  }
  if (banned) {
    const line = make("li", { role: "option", id: "canned-ban", className: "canned-line canned-danger" }, make("span", { className: "strong", textContent: "/ban" }), make("span", { className: "faint small", textContent: WORDS.ban }));
    line.act = () => (remove(editor, start.range), askBan(banned.dataset.interaction, start.words.replace(/^ban\s*/i, "")));
    list.append(line);
  }
  if (!list.childElementCount) list.append(make("li", { className: "canned-list-head", role: "presentation", textContent: WORDS.none }));
  const link = make("a", { className: "canned-manage small", href: "/chat/canned/all", textContent: WORDS.manage });
  link.dataset.tab = "/chat/canned/all";
  list.append(make("li", { role: "presentation", className: "canned-list-foot" }, link));
  for (const line of list.querySelectorAll(".canned-line")) line.onmousedown = (event) => (event.preventDefault(), choose(line));
  editor.closest("form").append(list);
  menu = { list, editor };
  editor.root.setAttribute("aria-controls", "canned-list");
  select(list.querySelector(".canned-line"));
}

function select(line) {
  if (!menu || !line) return;
  for (const other of menu.list.querySelectorAll(".canned-line")) other.ariaSelected = String(other === line);
  menu.editor.root.setAttribute("aria-activedescendant", line.id);
  line.scrollIntoView({ block: "nearest" });
}

function close() {
  asked++;
  if (!menu) return;
  menu.list.remove();
  menu.editor.root.removeAttribute("aria-activedescendant");
  menu.editor.root.removeAttribute("aria-controls");
  menu = null;
}

function choose(line) {
  const { act } = line;
  close();
  act();
}

// Squire replaces what is selected; an empty insertion would leave it without a line to write on.
function remove(editor, range) {
  if (!range) return;
  range.deleteContents();
  editor.changed();
}

async function insert(editor, range, id) {
  const interaction = editor.closest(".case").dataset.interaction;
  const answer = await fetch(`/chat/canned/${id}/filled?interaction=${interaction}`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return document.dispatchEvent(new CustomEvent("toast", { detail: { level: "error", text: WORDS.failed } }));
  const { html } = await answer.json();
  editor.focus();
  if (range) editor.squire.setSelection(range);
  editor.insertHTMLAtCursor(html);
}

document.addEventListener("keydown", (event) => {
  if (!menu || !menu.editor.contains(event.target)) return;
  const lines = [...menu.list.querySelectorAll(".canned-line")];
  const at = lines.findIndex((line) => line.ariaSelected === "true");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && lines.length) select(lines[(at + by + lines.length) % lines.length]);
  else if ((event.key === "Enter" || event.key === "Tab") && lines[at]) choose(lines[at]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("focusout", ({ target, relatedTarget }) => menu && menu.editor.contains(target) && !menu.list.contains(relatedTarget) && close());
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-canned-open]");
  const editor = button && find("okno-editor", button.closest("form"));
  if (editor?.squire) (editor.focus(), seek(editor, true));
  const ban = target.closest("[data-ban]");
  if (ban) askBan(ban.dataset.ban, "");
});

// --- /ban ---------------------------------------------------------------------------------------------
// What begins with /ban is never sent to the contact.
document.addEventListener("submit", (event) => {
  const form = event.target.closest?.(".case[data-talks] .compose-reply");
  const editor = form && find("okno-editor", form);
  const match = editor?.root?.textContent.trim().match(/^\/ban(?:\s+(.*))?$/is);
  if (!match) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.dispatchEvent(new Event("okno:unsent", { bubbles: true }));
  editor.setHTML("");
  close();
  askBan(form.closest(".case").dataset.interaction, match[1] || "");
}, true);

function askBan(interaction, reason) {
  const field = make("input", { className: "input", name: "reason", maxLength: 500, value: reason, autocomplete: "off" });
  const cancel = make("button", { type: "button", className: "btn", textContent: WORDS.cancel, onclick: () => dialog.close() });
  const go = make("button", { className: "btn btn-danger", textContent: WORDS.ban });
  const trouble = make("p", { className: "error", role: "alert", hidden: true });
  const form = make("form", { method: "dialog" },
    make("div", { className: "dialog-head" }, make("h2", { textContent: WORDS.ban })),
    make("div", { className: "dialog-body stack" }, make("p", { textContent: WORDS.banText }), make("label", { className: "form-row" }, WORDS.reason, field), trouble),
    make("div", { className: "dialog-foot" }, cancel, go));
  const dialog = make("dialog", { className: "dialog", ariaLabel: WORDS.ban, onclose: () => dialog.remove() }, form);
  form.onsubmit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    const answer = await fetch(`/chat/interactions/${interaction}/ban`, { method: "POST", headers: { "X-CSRF-Token": csrf(), Accept: "application/json" }, body: new URLSearchParams({ reason: field.value }) }).catch(() => null);
    go.disabled = false;
    if (!answer?.ok) {
      trouble.textContent = (await answer?.json().catch(() => null))?.error?.text || WORDS.failed;
      trouble.hidden = false;
      return;
    }
    const events = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
    for (const [name, detail] of Object.entries(events)) document.dispatchEvent(new CustomEvent(name, { detail }));
    dialog.close();
  };
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
}
