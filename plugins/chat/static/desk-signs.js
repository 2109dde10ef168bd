// A conversation at the desk: who is typing, what has been read, on both sides; Enter sends.
const RU = document.documentElement.lang === "ru";
const WORDS = RU ? { typing: "пишет…", visitor: "Посетитель", read: "Прочитано" } : { typing: "is typing…", visitor: "The visitor", read: "Read" };
const EVERY = 4000;
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const csrf = () => find("meta[name=csrf-token]").content;
const post = (url, values = {}) => fetch(url, { method: "POST", headers: { "X-CSRF-Token": csrf(), Accept: "application/json" }, body: new URLSearchParams(values), keepalive: true }).catch(() => null);
const chatOf = (element) => element.closest?.('.case[data-channel="chat"][data-writes]');

// --- the agent types ----------------------------------------------------------------------------------
const told = new Map();
document.addEventListener("input", ({ target }) => {
  const form = target.closest?.(".compose-reply");
  const shown = form && chatOf(form);
  if (!shown || !form.contains(document.activeElement)) return;
  const id = shown.dataset.interaction;
  if (Date.now() - (told.get(id) || 0) < EVERY) return;
  told.set(id, Date.now());
  post(`/chat/interactions/${id}/agent-typing`);
});
document.addEventListener("okno:sent", ({ detail }) => told.delete(String(detail.interaction_id)));

// --- the visitor types --------------------------------------------------------------------------------
const ends = new Map();
function typing({ interaction_id: id, name, until }) {
  const place = find(`[data-typing="${id}"]`);
  if (!place) return;
  place.textContent = `${name || WORDS.visitor} ${WORDS.typing}`;
  place.hidden = false;
  clearTimeout(ends.get(id));
  // The other machine's clock may be off: a sign lives a few seconds, whatever it says.
  const left = Math.min(8000, Math.max(2000, (Date.parse(until) || 0) - Date.now()));
  ends.set(id, setTimeout(() => (place.hidden = true), left));
}
function quiet(id) {
  clearTimeout(ends.get(id));
  const place = find(`[data-typing="${id}"]`);
  if (place) place.hidden = true;
}

// --- read marks ---------------------------------------------------------------------------------------
const marks = new Map();
function mark(id, upTo) {
  marks.set(String(id), Math.max(upTo, marks.get(String(id)) || 0));
  draw(find(`.case[data-interaction="${id}"]`));
}
function draw(shown) {
  const upTo = shown && marks.get(shown.dataset.interaction);
  if (!upTo) return;
  for (const entry of all(".message-out[data-message]:not([data-read])", shown)) {
    if (Number(entry.dataset.message) > upTo) continue;
    entry.dataset.read = "";
    const foot = find(".bubble-foot", entry);
    if (!foot) continue;
    const use = find("use", foot);
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, "#icon-checks"));
    foot.lastChild.textContent = WORDS.read;
  }
}

// What the agent has in view is read; told once for each newest message.
const seen = new Map();
function look() {
  if (document.hidden) return;
  for (const shown of all('.case[data-channel="chat"][data-writes][data-state="active"]')) {
    if (!shown.checkVisibility()) continue;
    const newest = Math.max(0, ...all(".message-in[data-message]", shown).map((entry) => Number(entry.dataset.message)));
    const id = shown.dataset.interaction;
    if (newest <= (seen.get(id) || 0)) continue;
    seen.set(id, newest);
    post(`/chat/interactions/${id}/agent-read`, { up_to: newest });
  }
}
document.addEventListener("visibilitychange", look);
for (const name of ["okno:shown", "okno:loaded"]) document.addEventListener(name, () => (look(), all(".case[data-interaction]").forEach(draw)));
// Entries come one by one as the conversation goes on.
new MutationObserver((changes) => {
  const grown = new Set(changes.filter(({ addedNodes }) => addedNodes.length).map(({ target }) => target.closest?.(".case[data-talks]")).filter(Boolean));
  for (const shown of grown) (draw(shown), look());
}).observe(document.body, { childList: true, subtree: true });

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const panel = find("[data-chat-visitor]", detail.target);
  if (panel) mark(panel.dataset.chatVisitor, Number(panel.dataset.read));
});

document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type === "chat.typing") typing(payload);
  if (type === "chat.read") mark(payload.interaction_id, payload.up_to);
  if (type === "message.added" && payload.author === "contact") quiet(payload.interaction_id);
  if (type === "chat.page") for (const panel of all(`[data-chat-visitor="${payload.interaction_id}"]`)) window.htmx.trigger(panel.parentElement, "okno:refresh");
});

// --- Enter sends, Shift+Enter makes a line ------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  const plain = event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  const form = plain && event.target.closest?.(".case[data-talks] .compose-reply");
  if (!form || !event.target.closest("okno-editor .editor-root") || find(".canned-list", form) || matchMedia("(pointer: coarse)").matches) return;
  const at = getSelection().anchorNode;
  if ((at?.nodeType === Node.TEXT_NODE ? at.parentElement : at)?.closest("li")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  all(".compose-foot [type=submit]", form).at(-1).click();
}, true);
look();
