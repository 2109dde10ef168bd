// The conversation as this page knows it: what the server has, what is still on its way, and what the other side does.

import { Connection, Refused } from "./connection.js";

const TYPING_EVERY = 3000;
const TYPING_LASTS = 6000;
const NEW = { state: "new", agent: "", agents: [], position: 0, wait_seconds: null };

const freshId = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Conversation {
  #memory;
  #tell;
  #last = 0;
  #stateAt = 0;
  #sending = false;
  #beginning = null;
  #typedAt = 0;
  #typingEnds = null;
  #began = false;
  messages = new Map();
  unsent = [];
  state = { ...NEW };
  readUpTo = 0;
  rating = 0;
  rateable = false;
  up = true;

  // tell(what, detail): "message", "state", "unsent", "read", "typing", "connection", "refused", "reset", "event"
  constructor({ base, entry, memory, language, tell }) {
    this.#memory = memory;
    this.#tell = tell;
    this.connection = new Connection({
      base, entry, memory, language,
      heard: (type, payload, id) => this.#heard(type, payload, id),
      changed: (status) => this.#changed(status),
    });
    this.unsent = memory.names("unsent:").map((name) => memory.get(name)).filter(Boolean);
  }

  get known() {
    return this.connection.known;
  }

  ask(method, path, body) {
    return this.connection.ask(method, path, body);
  }

  // Load what there is and listen from there; once, and again whenever the connection was refused.
  begin() {
    this.#beginning ??= this.#load(0)
      .then((found) => {
        this.#began = true;
        this.connection.listen(found.stream, found.events_after);
        this.#tell("began");
        this.#send();
      })
      .catch((error) => this.#failed(error, () => this.begin()))
      .finally(() => { this.#beginning = null; });
    return this.#beginning;
  }

  async #load(after) {
    const found = await this.ask("GET", `messages?after=${after}`);
    this.#connected(true);
    for (const message of found.messages) this.#add(message);
    this.readUpTo = Math.max(this.readUpTo, found.read_up_to);
    [this.rating, this.rateable] = [found.rating, found.rateable];
    this.#show(found, found.events_after);
    this.#tell("read");
    return found;
  }

  #heard(type, payload, id) {
    if (type === "chat.message") return this.#fetchMessage(payload.message_id);
    if (type === "chat.state") {
      this.#show(payload, id);
      return payload.state === "ended" ? this.#reload() : undefined;
    }
    if (type === "chat.read") {
      this.readUpTo = Math.max(this.readUpTo, payload.up_to);
      return this.#tell("read");
    }
    if (type === "chat.typing") return this.#type(payload.name ?? "");
    if (type === "reset") return this.#reload();
    this.#tell("event", { type, payload });
  }

  // An agent's message may be numbered before and stored after one of ours: ask from just below it.
  #fetchMessage(id) {
    this.#type("");
    if (this.messages.has(id)) return;
    this.#load(Math.min(this.#last, id - 1)).catch((error) => this.#failed(error, () => this.begin()));
  }

  #reload() {
    this.#load(0).catch((error) => this.#failed(error, () => this.begin()));
  }

  // `at`: the newest event that it knows of. An answer that was long on its way does not undo what has been heard since.
  #show(next, at) {
    if (at < this.#stateAt) return;
    this.#stateAt = at;
    const before = this.state;
    this.state = { ...NEW, ...next };
    this.#tell("state", before);
  }

  #add(message) {
    const fresh = !this.messages.has(message.id);
    this.messages.set(message.id, message);
    this.#last = Math.max(this.#last, message.id);
    if (message.key) this.#settle(message.key);
    this.#tell("message", { message, fresh });
  }

  #settle(id) {
    this.unsent = this.unsent.filter((one) => one.id !== id);
    for (const name of this.#memory.names("unsent:")) if (name.endsWith(`:${id}`)) this.#memory.remove(name);
  }

  #changed(status) {
    if (status === "unknown") return this.#forget();
    if (status === "retry") return this.begin();
    this.#connected(status === "up");
    if (status === "up") this.#send();
  }

  #connected(up) {
    if (this.up === up) return;
    this.up = up;
    this.#tell("connection");
  }

  #forget() {
    this.connection.forget();
    this.messages.clear();
    [this.#last, this.#stateAt, this.readUpTo, this.rating] = [0, 0, 0, 0];
    this.state = { ...NEW };
    this.#tell("reset");
  }

  #failed(error, again) {
    if (error instanceof Refused) return this.#tell("refused", error);
    this.#connected(false);
    this.connection.later(again);
  }

  say(text, files = [], more = {}) {
    const one = { id: freshId(), text, page: location.href, ...more };
    if (files.length) one.files = files;
    // Files cannot be kept over a reload; words can.
    else this.#memory.set(`unsent:${String(Date.now()).padStart(15, "0")}:${one.id}`, one);
    this.unsent.push(one);
    this.#tell("unsent", one);
    if (this.#began) this.#send();
    else this.begin();
  }

  // One at a time and in order; each keeps its id until the server has it, so a repeat is never a second message.
  async #send() {
    if (this.#sending || !this.#began) return;
    this.#sending = true;
    try {
      while (this.unsent.length) {
        const one = this.unsent[0];
        try {
          this.#add((await this.ask("POST", "messages", body(one))).message);
          this.#connected(true);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          this.#settle(one.id);
          this.#tell("taken-back", { one, why: error.message });
        }
      }
    } catch (error) {
      this.#failed(error, () => this.begin());
    } finally {
      this.#sending = false;
    }
  }

  typing() {
    if (this.state.state !== "active" || Date.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = Date.now();
    this.#quietly("typing");
  }

  read(upTo) {
    this.#quietly("read", { up_to: upTo });
  }

  page(facts) {
    this.#quietly("page", facts);
  }

  // Signs are worth nothing later: what does not get through is not repeated.
  #quietly(path, body = {}) {
    if (this.known) this.ask("POST", path, body).catch(() => {});
  }

  #type(name) {
    clearTimeout(this.#typingEnds);
    this.#tell("typing", name);
    if (name) this.#typingEnds = setTimeout(() => this.#tell("typing", ""), TYPING_LASTS);
  }

  async end() {
    await this.ask("POST", "end", {});
  }

  async rate(score, comment) {
    await this.ask("POST", "rating", { score, comment });
    this.rating = score;
  }

  async leave(values) {
    await this.ask("POST", "offline", { page: location.href, ...values });
  }
}

function body({ files, ...message }) {
  if (!files) return message;
  const form = new FormData();
  form.append("message", JSON.stringify(message));
  for (const file of files) form.append("files", file, file.name);
  return form;
}

export { freshId };
