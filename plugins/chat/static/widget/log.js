// The messages: what each side has said, its files, and how far it was read. Nothing that was written becomes markup of its own.

import { fill, h, icon } from "./dom.js";

const LINK = /https?:\/\/[^\s<>"«»]+[^\s<>"«».,;:!?)\]]/g;
const KEPT = { B: "b", STRONG: "b", I: "i", EM: "i", U: "u", UL: "ul", OL: "ol", LI: "li", BR: "br", P: "p", DIV: "p", BLOCKQUOTE: "blockquote", CODE: "code", PRE: "pre" };
const SAFE = /^(https?:|mailto:|tel:)/i;

export class Log {
  #config;
  #base;
  #list;
  #lines = new Map();
  #typing;
  #offers = new Map();
  element;

  constructor({ config, base, openPicture, answer }) {
    [this.#config, this.#base] = [config, base];
    this.answer = answer;
    this.openPicture = openPicture;
    this.#list = h("ol", {});
    this.#typing = h("p", { class: "typing", hidden: true });
    this.element = h("div", { class: "log", role: "log", tabindex: "0", "aria-label": config.words.messages }, this.#list, this.#typing);
  }

  clear() {
    this.#lines.clear();
    this.#list.replaceChildren();
  }

  notice(text) {
    const bottom = this.#atBottom();
    this.#list.append(h("li", { class: "notice" }, text));
    if (bottom) this.toBottom();
  }

  // Messages stand in the order of their ids; one that was unsent moves to its place.
  draw(message) {
    const bottom = this.#atBottom();
    const line = this.#lines.get(message.id) ?? this.#lines.get(message.key) ?? h("li", {});
    this.#lines.set(message.id, line);
    if (message.key) this.#lines.delete(message.key);
    line.dataset.id = message.id;
    line.className = { contact: "mine", system: "notice" }[message.author] ?? "theirs";
    line.replaceChildren(...this.#parts(message));
    const later = [...this.#list.querySelectorAll("[data-id]")].find((other) => Number(other.dataset.id) > message.id);
    if (later) later.before(line);
    else if (!line.isConnected || line.nextElementSibling?.dataset.id) this.#list.append(line);
    if (message.buttons?.length) this.#offers.set(String(message.id), message.buttons);
    this.#offer();
    if (bottom || message.author === "contact") this.toBottom();
  }

  // Words that a bot offers to answer with: under the newest message only.
  #offer() {
    this.#list.querySelector(".quick")?.remove();
    const newest = [...this.#list.querySelectorAll("[data-id]")].at(-1);
    const words = this.#offers.get(newest?.dataset.id) ?? [];
    if (!words.length) return;
    newest.append(h("div", { class: "quick" }, ...words.map((text) => h("button", { type: "button", onclick: () => this.answer(text) }, text))));
  }

  drawUnsent(one) {
    if (this.#lines.has(one.id)) return;
    const names = (one.files ?? []).map((file) => h("span", { class: "file" }, icon("file"), file.name));
    const line = h("li", { class: "mine unsent" }, this.#bubble(one.text ? [linked(one.text)] : [], names), this.#meta("", this.#config.words.sending));
    this.#lines.set(one.id, line);
    this.#list.append(line);
    this.#list.querySelector(".quick")?.remove();
    this.toBottom();
  }

  takeBack(id) {
    this.#lines.get(id)?.remove();
    this.#lines.delete(id);
  }

  // The mark under our newest message: sent, or read by the other side.
  mark(readUpTo) {
    const mine = [...this.#list.querySelectorAll("li.mine[data-id]")];
    for (const line of mine) line.querySelector(".mark").textContent = "";
    const newest = mine.at(-1);
    if (!newest) return;
    const { read, sent } = this.#config.words;
    newest.querySelector(".mark").textContent = Number(newest.dataset.id) <= readUpTo ? read : sent;
  }

  typing(name) {
    const bottom = this.#atBottom();
    this.#typing.hidden = !name;
    this.#typing.textContent = name ? fill(this.#config.words.typing, { name }) : "";
    if (bottom) this.toBottom();
  }

  toBottom() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  #atBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 40;
  }

  #parts(message) {
    if (message.author === "system") return [linked(message.text)];
    const words = message.html ? rich(message.html, message.text) : message.text ? linked(message.text) : null;
    const files = message.files.map((file) => this.#file(file));
    const who = message.author === "contact" ? "" : message.name || (message.author === "bot" ? this.#config.words.bot_name : "");
    return [this.#bubble(words ? [words] : [], files), this.#meta(who, "", message.at)];
  }

  #bubble(words, files) {
    return h("div", { class: "bubble" }, ...words, ...(files.length ? [h("div", { class: "files" }, ...files)] : []));
  }

  #meta(who, mark, at) {
    const when = at ? h("time", { datetime: at }, moment(at, this.#config.language)) : "";
    return h("small", { class: "meta" }, who ? h("span", {}, who) : "", when, h("span", { class: "mark" }, mark));
  }

  #file(file) {
    const href = new URL(file.url, this.#base).href;
    if (!file.picture) {
      return h("a", { class: "file", href, target: "_blank", rel: "noopener", download: file.name }, icon("file"), h("span", {}, file.name), h("small", {}, size(file.size)));
    }
    const picture = h("img", { src: href, alt: file.name, loading: "lazy", onload: () => this.#atBottom() && this.toBottom() });
    return h("button", { type: "button", class: "picture", "aria-label": `${this.#config.words.picture}: ${file.name}`, onclick: () => this.openPicture(href, file.name) }, picture);
  }
}

function moment(at, language) {
  const then = new Date(at);
  const clock = { hour: "2-digit", minute: "2-digit" };
  const today = then.toDateString() === new Date().toDateString();
  return then.toLocaleString(language, today ? clock : { day: "numeric", month: "short", ...clock });
}

export function size(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

const linked = (text) => h("p", {}, ...links(text));

function links(text) {
  const parts = [];
  let done = 0;
  for (const { 0: href, index } of text.matchAll(LINK)) {
    parts.push(text.slice(done, index), h("a", { href, target: "_blank", rel: "noopener noreferrer" }, href));
    done = index + href.length;
  }
  return [...parts, text.slice(done)];
}

// What an agent has formatted, rebuilt of the few elements that a chat needs; where a page forbids parsing, the plain text.
function rich(html, text) {
  try {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const words = h("div", { class: "rich" });
    copy(parsed.body, words);
    return words.textContent.trim() ? words : text ? linked(text) : null;
  } catch {
    return linked(text);
  }
}

function copy(from, into) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(...(into.closest("a") ? [node.data] : links(node.data)));
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches("script, style, template")) continue;
    const href = node.tagName === "A" ? node.getAttribute("href") ?? "" : "";
    const name = SAFE.test(href) ? "a" : KEPT[node.tagName];
    const kept = name ? h(name, name === "a" ? { href, target: "_blank", rel: "noopener noreferrer" } : {}) : into;
    copy(node, kept);
    if (name) into.append(kept);
  }
}
