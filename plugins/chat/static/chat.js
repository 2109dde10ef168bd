// A visitor's chat box. The server keeps the conversation; this page keeps only the token and what is not sent yet.

const box = document.getElementById("chat");
const words = JSON.parse(box.dataset.words);
const [log, form, stateLine, errorLine] = [".chat-log", ".chat-form", ".chat-state", ".chat-error"].map((name) => box.querySelector(name));
const KEY = "okno-chat";
const RETRY = [1000, 2000, 5000, 10000];

const kept = Object.assign({ token: "", name: "", unsent: [] }, JSON.parse(localStorage.getItem(KEY) || "{}"));
const shown = new Map(); // message id or client id → its line
let last = 0;
let source = null;
let seen = 0;
let state = "new";
let sending = false;
let tries = 0;

const keep = () => localStorage.setItem(KEY, JSON.stringify(kept));
const later = (call) => setTimeout(call, RETRY[Math.min(tries++, RETRY.length - 1)]);

class Refused extends Error {}

async function ask(method, path, body) {
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
  if (kept.token) headers.Authorization = `Bearer ${kept.token}`;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/chat/${path}`, { method, headers, body: body && JSON.stringify(body), credentials: "omit" });
  if (answer.ok) return answer.json();
  if (answer.status === 401) {
    kept.token = "";
    keep();
  } else if (answer.status < 500 && answer.status !== 429) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(said.error?.text || words.failed);
  }
  throw new Error(String(answer.status));
}

async function token() {
  if (kept.token) return;
  kept.token = (await ask("POST", "session")).token;
  keep();
}

async function load(after) {
  const found = await ask("GET", `messages?after=${after}`);
  found.messages.forEach(draw);
  show(found);
  return found;
}

async function begin() {
  try {
    await token();
    const found = await load(0);
    seen = Math.max(seen, found.events_after);
    listen(found.stream);
    tries = 0;
    back();
    send();
  } catch {
    fail(words.lost);
    later(begin);
  }
}

function listen(stream) {
  source?.close();
  source = new EventSource(`/events?token=${encodeURIComponent(stream)}&after=${seen}`);
  source.onmessage = ({ data, lastEventId }) => {
    if (lastEventId) seen = Number(lastEventId);
    if (data) heard(JSON.parse(data));
  };
  source.onopen = () => {
    back();
    send();
  };
  source.onerror = () => {
    fail(words.lost);
    // The browser comes back by itself with the last id, unless it was refused: then the stream's token is too old.
    if (source.readyState === EventSource.CLOSED) later(begin);
  };
}

async function heard({ type, payload }) {
  if (type === "chat.state") return show(payload);
  // An agent's message may be numbered before and stored after one of ours: ask from just below it.
  const after = type === "chat.message" ? Math.min(last, payload.message_id - 1) : 0;
  if (shown.has(payload.message_id)) return;
  try {
    await load(after);
  } catch {
    later(begin);
  }
}

function show({ state: now, agent }) {
  if (now === "active" && state !== "active" && state !== "new") notice(words.joined.replace("{name}", agent));
  if (now === "ended" && state === "active") notice(words.ended);
  state = now;
  stateLine.textContent = (words[now] || "").replace("{name}", agent || "");
  box.dataset.state = now;
}

function line(className) {
  const item = document.createElement("li");
  item.className = className;
  log.append(item);
  return item;
}

function notice(text) {
  line("chat-notice").textContent = text;
  bottom();
}

function draw(message) {
  if (shown.has(message.id)) return;
  const item = shown.get(message.key) || line("");
  shown.set(message.id, item);
  item.className = message.author === "contact" ? "chat-mine" : "chat-theirs";
  item.dataset.id = message.id;
  const at = new Date(message.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  const who = document.createElement("small");
  who.textContent = message.author === "contact" ? at : `${message.name} ${at}`.trim();
  const text = document.createElement("p");
  text.textContent = message.text;
  item.replaceChildren(text, who);
  place(item);
  last = Math.max(last, message.id);
  kept.unsent = kept.unsent.filter((one) => one.id !== message.key);
  keep();
  bottom();
}

function place(item) {
  const later = [...log.querySelectorAll("[data-id]")].find((other) => Number(other.dataset.id) > Number(item.dataset.id));
  if (later) later.before(item);
  else if (item.nextElementSibling?.dataset.id) log.append(item);
}

function drawUnsent(one) {
  if (shown.has(one.id)) return;
  const item = line("chat-mine chat-unsent");
  const text = document.createElement("p");
  text.textContent = one.text;
  item.append(text);
  shown.set(one.id, item);
  bottom();
}

const bottom = () => log.scrollTo({ top: log.scrollHeight });

function fail(text) {
  errorLine.textContent = text;
  errorLine.hidden = !text;
}

// The connection is back: only what was said about it goes, not why a message was refused.
const back = () => errorLine.textContent === words.lost && fail("");

// One at a time and in order; each keeps its id until the server has it, so a repeat is never a second message.
async function send() {
  if (sending || !kept.token) return;
  sending = true;
  try {
    while (kept.unsent.length) {
      const one = kept.unsent[0];
      const entry = box.dataset.entry;
      try {
        draw((await ask("POST", "messages", { ...one, name: kept.name, entry, page: location.href })).message);
        back();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        takeBack(one, error.message);
      }
    }
  } catch {
    fail(words.lost);
    later(begin);
  } finally {
    sending = false;
  }
}

function takeBack(one, why) {
  kept.unsent.shift();
  keep();
  shown.get(one.id)?.remove();
  shown.delete(one.id);
  form.text.value = form.text.value || one.text;
  fail(why);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.text.value.trim();
  if (!text) return;
  const id = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  kept.name = form.name.value.trim();
  kept.unsent.push({ id, text });
  keep();
  drawUnsent({ id, text });
  form.text.value = "";
  fail("");
  send();
});

form.text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

form.name.value = kept.name;
kept.unsent.forEach(drawUnsent);
begin();
