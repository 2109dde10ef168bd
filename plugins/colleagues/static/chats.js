// Chats with colleagues: what comes in goes to its place, what is written is sent once, whatever the line does meanwhile.
import { all, csrf, find, icon, send, signedOut, texts, toast } from "/static/js/app.js";
import { later, merge, pieces } from "/static/js/refresh.js";
import * as tabs from "/static/js/tabs.js";

const PAGE = "/chats";
const desk = document.getElementById("desk");
const me = Number(desk?.dataset.user);
const page = () => find(".chats", tabs.panelFor(PAGE) || document.createElement("i"));
const room = () => find(".chat-room", page() || document.createElement("i"));
const inView = () => Boolean(page()?.checkVisibility()) && !document.hidden;
const lastOf = (shown) => Number(all("[data-post]", shown).at(-1)?.dataset.post || 0);

// --- what is shown, anew ----------------------------------------------------------------------------
const rail = later(async () => {
  if (!page()) return;
  for (const part of await pieces(`${PAGE}/rail?room=${room()?.dataset.room || ""}`)) merge(part);
  if (page()) count();
}, 120);

function count() {
  const unread = Number(find("#chats-rail", page())?.dataset.unread || 0);
  const name = page().dataset.name;
  page().dataset.title = unread ? `${name} (${unread})` : name;
  tabs.rename(PAGE, page().dataset.title);
}

const fresh = later(async () => {
  const shown = room();
  if (!shown?.dataset.room || "behind" in shown.dataset) return;
  const scroll = find(".chat-scroll", shown);
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  for (const part of await pieces(`${PAGE}/${shown.dataset.room}/entries?after=${lastOf(shown)}`)) {
    if (shown !== room() || !part.id || document.getElementById(part.id)) continue;
    find(".empty", scroll)?.remove();
    find(".chat-posts", shown).append(part);
    window.htmx.process(part);
  }
  days(shown);
  if (atEnd) toEnd(shown);
  read();
}, 40);

const head = later(async () => {
  if (!room()?.dataset.room) return;
  for (const part of await pieces(`${PAGE}/${room().dataset.room}/head`)) merge(part);
}, 120);

function days(shown) {
  let before = "";
  for (const post of all("[data-post]", shown)) {
    const day = post.previousElementSibling?.matches(".chat-day") ? post.previousElementSibling : null;
    if (post.dataset.day === before) day?.remove();
    else if (!day) post.before(Object.assign(document.createElement("li"), { className: "chat-day", textContent: post.dataset.day }));
    before = post.dataset.day;
  }
}

const toEnd = (shown) => (find(".chat-scroll", shown).scrollTop = find(".chat-scroll", shown).scrollHeight);

function read() {
  const shown = room();
  const last = shown && lastOf(shown);
  if (!shown?.dataset.room || !inView() || last <= Number(shown.dataset.read)) return;
  shown.dataset.read = last;
  send(`${PAGE}/${shown.dataset.room}/read`, { up_to: last }).catch(() => delete shown.dataset.read);
}
document.addEventListener("visibilitychange", read);

function arrived(panel) {
  const shown = find(".chat-room", panel);
  if (!find(".chats", panel)) return;
  if (shown) {
    days(shown);
    const wanted = find(".chat-posts", shown).dataset.at;
    const post = wanted && document.getElementById(`chat-post-${wanted}`);
    post?.classList.add("chat-post-wanted");
    // Where it leads is said once: the next look at this tab is of the newest.
    if (post) post.scrollIntoView({ block: "center" });
    recall(find("[data-chat-composer]", shown));
    if (matchMedia("(min-width: 700px)").matches && !panel.hidden) find(".chat-text", shown)?.focus({ preventScroll: true });
  }
  count();
  read();
}
document.addEventListener("okno:loaded", ({ target }) => arrived(target));
document.addEventListener("okno:shown", ({ target }) => find(".chats", target) && (rail(0), fresh(0), read()));

// --- events -----------------------------------------------------------------------------------------
const HEAR = {
  "colleagues.post": async ({ room_id: id, post_id: post, user_id: author }) => {
    rail();
    around();
    if (String(id) === room()?.dataset.room) fresh();
    if (author === me || (inView() && String(id) === room()?.dataset.room)) return;
    tabs.news(PAGE);
    const answer = await fetch(`${PAGE}/news/${post}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    const { name, text } = await answer.json();
    toast(text ? `${name}: ${text}` : name);
  },
  "colleagues.room": ({ room_id: id }) => {
    rail();
    if (String(id) !== room()?.dataset.room) return;
    // Who may write may have changed, so that the whole of it is drawn anew.
    fresh();
    head();
    foot();
  },
  "colleagues.read": () => (rail(), around()),
  "colleagues.star": ({ post_id: post, on }) => all(`[data-chat-star="${post}"]`).forEach((star) => (star.ariaPressed = String(on))),
  reset: () => (rail(), fresh()),
};
document.addEventListener("okno:event", ({ detail: { type, payload } }) => HEAR[type]?.(payload));
const around = () => document.dispatchEvent(new CustomEvent("okno:around"));

const foot = later(async () => {
  const shown = room();
  if (!shown?.dataset.room) return;
  for (const part of await pieces(`${PAGE}?room=${shown.dataset.room}`)) {
    const now = find(".chat-foot", part);
    const old = find(".chat-foot", shown);
    if (now && old && Boolean(find("form", now)) !== Boolean(find("form", old))) {
      old.replaceWith(now);
      window.htmx.process(now);
    }
  }
}, 150);

// --- clicks -----------------------------------------------------------------------------------------
document.addEventListener("click", async ({ target }) => {
  const star = target.closest("[data-chat-star]");
  if (star) {
    const on = star.ariaPressed !== "true";
    star.ariaPressed = String(on);
    const answer = await send(`${PAGE}/posts/${star.dataset.chatStar}/star`, { on: on ? 1 : 0 }).catch(() => null);
    if (!answer?.ok) star.ariaPressed = String(!on);
  }
  const button = target.closest("[data-chat-earlier]");
  if (button) earlier(button);
});

async function earlier(button) {
  const shown = room();
  const scroll = find(".chat-scroll", shown);
  const parts = await pieces(`${PAGE}/${shown.dataset.room}/entries?before=${find("[data-post]", shown).dataset.post}`);
  const below = scroll.scrollHeight - scroll.scrollTop;
  button.closest("li").replaceWith(...parts);
  days(shown);
  scroll.scrollTop = scroll.scrollHeight - below;
}

// --- writing ----------------------------------------------------------------------------------------
// Not in the field: its files and the key under which they go belong to one message until that is sent.
const pending = new WeakMap();
const draftOf = (form) => `okno.chats.${me}.${form.dataset.chatComposer}`;
const state = (form) => pending.get(form) || (pending.set(form, { files: [], key: "" }), pending.get(form));

function recall(form) {
  const field = form && find(".chat-text", form);
  if (field && !field.value) field.value = localStorage.getItem(draftOf(form)) || "";
}
document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-chat-composer]");
  if (!form || !target.matches(".chat-text")) return;
  state(form).key = "";
  target.value ? localStorage.setItem(draftOf(form), target.value) : localStorage.removeItem(draftOf(form));
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-chat-composer]");
  if (!form || event.key !== "Enter" || event.shiftKey || event.isComposing || event.defaultPrevented || !event.target.matches(".chat-text")) return;
  event.preventDefault();
  form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-chat-composer]");
  if (!form) return;
  event.preventDefault();
  say(form);
});

async function say(form) {
  const field = find(".chat-text", form);
  const mine = state(form);
  const text = field.value.trim();
  if (mine.sending || (!text && !mine.files.length)) return;
  // The same attempt repeated after a failure carries the same key, so nothing is sent twice.
  mine.key ||= crypto.getRandomValues(new Uint32Array(4)).join("-");
  mine.sending = true;
  const body = new FormData();
  body.append("text", text);
  for (const file of mine.files) body.append("files", file);
  const headers = { "X-CSRF-Token": csrf(), "HX-Request": "true", "Idempotency-Key": mine.key };
  const answer = await fetch(form.action, { method: "POST", headers, body }).catch(() => null);
  mine.sending = false;
  if (!answer?.ok) return refused(answer);
  const { room: id } = await answer.json();
  if (field.value.trim() === text) field.value = "";
  localStorage.removeItem(draftOf(form));
  pending.delete(form);
  drawFiles(form);
  if (!room()?.dataset.room) return tabs.here(`${PAGE}?room=${id}`);
  if ("behind" in room().dataset) return tabs.here(`${PAGE}?room=${id}`);
  toEnd(room());
  fresh(0);
}

function refused(answer) {
  if (answer?.status === 401) return signedOut();
  const told = JSON.parse(answer?.headers.get("HX-Trigger") || "{}").toast;
  toast(told?.text || texts.offline, "error", told?.help);
}

// --- files ------------------------------------------------------------------------------------------
function pick(form, files) {
  state(form).files.push(...files);
  state(form).key = "";
  drawFiles(form);
}
function drawFiles(form) {
  const list = find(".chat-picked", form);
  const { files } = state(form);
  list.hidden = !files.length;
  list.replaceChildren(...files.map((file, index) => {
    const line = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "file" });
    const name = Object.assign(document.createElement("span"), { className: "clip", textContent: file.name });
    button.append(icon("paperclip"), name, icon("x", "xs"));
    button.onclick = () => (files.splice(index, 1), (state(form).key = ""), drawFiles(form));
    line.append(button);
    return line;
  }));
}
document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("[data-chat-files]")) return;
  pick(target.closest("[data-chat-composer]"), [...target.files]);
  target.value = "";
});
document.addEventListener("paste", (event) => {
  const form = event.target.closest?.("[data-chat-composer]");
  if (!form || !event.clipboardData.files.length) return;
  event.preventDefault();
  pick(form, [...event.clipboardData.files]);
});
const over = (event) => (event.dataTransfer?.types.includes("Files") ? find("[data-chat-composer]", event.target.closest?.(".chat-room") || document.createElement("i")) : null);
document.addEventListener("dragover", (event) => {
  const form = over(event);
  for (const other of all(".chat-room.file-drop")) if (!form || !other.contains(form)) other.classList.remove("file-drop");
  if (!form) return;
  event.preventDefault();
  form.closest(".chat-room").classList.add("file-drop");
});
document.addEventListener("drop", (event) => {
  const form = over(event);
  for (const other of all(".chat-room.file-drop")) other.classList.remove("file-drop");
  if (!form) return;
  event.preventDefault();
  pick(form, [...event.dataTransfer.files]);
});

if (page()) arrived(page().closest(".panel"));
