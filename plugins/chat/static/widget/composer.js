// Where the visitor writes: words, emoji, files by button, by drop and from the clipboard.

import { fill, h, icon, iconButton } from "./dom.js";

const EMOJI = "😀 😁 😂 🙂 😉 😊 😍 😘 😎 🤔 😐 😕 😟 😢 😭 😡 😱 🤝 👍 👎 👌 👏 🙏 💪 👋 ❤️ 💔 🔥 ⭐ ✅ ❌ ⚠️ ❓ ❗ 💡 📎 📷 📄 📦 💳 💰 🚚 🕐 📞 📧 🎉 🎁 ☕".split(" ");
const TALLEST = 120;

export class Composer {
  #config;
  #say;
  #typing;
  #warn;
  #files = [];
  #chosen;
  #input;
  #picker;
  #emoji = null;
  element;
  text;

  constructor({ config, say, typing, warn }) {
    [this.#config, this.#say, this.#typing, this.#warn] = [config, say, typing, warn];
    const { words, features, limits } = config;
    this.text = h("textarea", { rows: "1", maxlength: String(limits.characters * 4), placeholder: words.write, "aria-label": words.write, enterkeyhint: "send" });
    this.#chosen = h("ul", { class: "chosen", hidden: true });
    this.#input = h("input", { type: "file", multiple: true, hidden: true, accept: limits.types.map((one) => `.${one}`).join(",") });
    this.#picker = h("div", { class: "emoji", role: "group", "aria-label": words.emoji, hidden: true });
    this.element = h(
      "form",
      { class: "composer", onsubmit: (event) => this.#submit(event) },
      this.#chosen,
      this.#picker,
      h(
        "div",
        { class: "line" },
        features.files ? iconButton("clip", words.attach, () => this.#input.click()) : "",
        features.emoji ? (this.#emoji = iconButton("smile", words.emoji, () => this.#toggle(), { "aria-expanded": "false" })) : "",
        this.text,
        h("button", { class: "send", "aria-label": words.send, title: words.send }, icon("send")),
        this.#input,
      ),
    );
    this.#listen();
  }

  focus() {
    this.text.focus();
  }

  add(list) {
    const { limits, words } = this.#config;
    if (!this.#config.features.files) return;
    for (const file of list) {
      const type = file.name.split(".").at(-1).toLowerCase();
      if (this.#files.length >= limits.files) this.#warn(fill(words.too_many, { n: limits.files }));
      else if (!limits.types.includes(type)) this.#warn(fill(words.wrong_type, { name: file.name }));
      else if (file.size > limits.file_mb * 1024 * 1024) this.#warn(fill(words.too_large, { name: file.name, n: limits.file_mb }));
      else this.#files.push(file);
    }
    this.#show();
  }

  // A message that was refused comes back to be put right.
  put(text, files = []) {
    if (!this.text.value) this.text.value = text;
    this.#files.unshift(...files);
    this.#show();
    this.#grow();
  }

  #listen() {
    this.text.addEventListener("input", () => {
      this.#grow();
      if (this.text.value) this.#typing();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.element.requestSubmit();
    });
    this.text.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    this.#input.addEventListener("change", () => {
      this.add(this.#input.files);
      this.#input.value = "";
    });
    this.#picker.addEventListener("keydown", (event) => this.#walk(event));
  }

  #submit(event) {
    event.preventDefault();
    const text = this.text.value.trim();
    if (!text && !this.#files.length) return;
    this.#warn("");
    this.#say(text, this.#files);
    this.text.value = "";
    this.#files = [];
    this.#show();
    this.#grow();
    this.#close();
    this.focus();
  }

  #grow() {
    this.text.style.blockSize = "auto";
    this.text.style.blockSize = `${Math.min(this.text.scrollHeight + 2, TALLEST)}px`;
  }

  #show() {
    const { words } = this.#config;
    this.#chosen.hidden = !this.#files.length;
    this.#chosen.replaceChildren(
      ...this.#files.map((file) =>
        h("li", {}, icon("file"), h("span", {}, file.name), iconButton("close", `${words.remove}: ${file.name}`, () => {
          this.#files = this.#files.filter((other) => other !== file);
          this.#show();
          this.focus();
        })),
      ),
    );
  }

  #toggle() {
    if (!this.#picker.hidden) return this.#close(true);
    if (!this.#picker.childElementCount) {
      this.#picker.append(...EMOJI.map((sign) => h("button", { type: "button", onclick: () => this.#insert(sign) }, sign)));
    }
    this.#picker.hidden = false;
    this.#emoji.setAttribute("aria-expanded", "true");
    this.#picker.firstElementChild.focus();
  }

  #close(back = false) {
    if (this.#picker.hidden) return;
    this.#picker.hidden = true;
    this.#emoji?.setAttribute("aria-expanded", "false");
    if (back) this.#emoji.focus();
  }

  #insert(sign) {
    const { selectionStart, selectionEnd, value } = this.text;
    this.text.value = value.slice(0, selectionStart) + sign + value.slice(selectionEnd);
    this.text.selectionStart = this.text.selectionEnd = selectionStart + sign.length;
    this.#close();
    this.focus();
  }

  #walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#close(true);
    }
    if (!step) return;
    event.preventDefault();
    const all = [...this.#picker.children];
    const here = all.findIndex((one) => one.matches(":focus"));
    all[Math.max(0, Math.min(all.length - 1, here + step))].focus();
  }
}
