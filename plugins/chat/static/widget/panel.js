// The button in the corner and the panel that it opens: a dialog beside the page, which goes on working.

import { fill, h, icon, iconButton } from "./dom.js";

export class Panel {
  #words;
  #launcher;
  #badge;
  #state;
  #tools;
  #slot;
  #alert;
  #body;
  #quiet;
  #viewer;
  #toggled;
  element;
  panel;
  end;

  // toggled(open): the panel was opened or closed; ended(): the visitor ends the chat; dropped(files)
  constructor({ config, toggled, ended, dropped }) {
    const { words } = config;
    [this.#words, this.#toggled] = [words, toggled];
    this.#badge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.#quiet = h("p", { class: "sr", role: "status" });
    const label = config.launcher === "bar" ? h("span", { class: "label" }, config.title) : "";
    this.#launcher = h("button", { type: "button", class: "launcher", "aria-expanded": "false", "aria-label": words.open, onclick: () => this.toggle(true) }, icon("chat"), label, this.#badge);
    this.#state = h("p", { class: "state", role: "status" });
    this.end = iconButton("leave", words.menu, () => this.#sure(ended), { hidden: true });
    this.#tools = h("div", { class: "tools" }, this.end, iconButton("close", words.close, () => this.toggle(false)));
    this.#slot = h("div", { class: "slot", hidden: true });
    this.#body = h("div", { class: "body" });
    this.#alert = h("p", { class: "alert", role: "alert", hidden: true });
    this.panel = h(
      "section",
      { class: "panel", role: "dialog", "aria-label": config.title, hidden: true },
      h("div", { class: "head" }, h("div", { class: "who" }, h("h2", {}, config.title), this.#state), this.#tools),
      this.#slot,
      this.#body,
      this.#alert,
    );
    this.#viewer = this.#makeViewer();
    this.element = h("div", { class: `okno ${config.position} ${config.launcher}`, "data-theme": config.theme }, this.#launcher, this.panel, this.#viewer, this.#quiet);
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false));
    this.#takeDrops(config, dropped);
  }

  get opened() {
    return !this.panel.hidden;
  }

  toggle(open, focus = true) {
    if (open === this.opened) return;
    this.panel.hidden = !open;
    this.#launcher.setAttribute("aria-expanded", String(open));
    this.element.classList.toggle("open", open);
    this.#toggled(open, focus);
    if (!open && focus) this.#launcher.focus();
  }

  state(text) {
    if (this.#state.textContent !== text) this.#state.textContent = text;
  }

  alert(text) {
    this.#alert.textContent = text;
    this.#alert.hidden = !text;
  }

  get alerted() {
    return this.#alert.hidden ? "" : this.#alert.textContent;
  }

  unread(count) {
    const { open, unread, fresh } = this.#words;
    this.#badge.hidden = !count;
    this.#badge.textContent = count > 99 ? "99+" : String(count);
    this.#launcher.setAttribute("aria-label", count ? `${open}, ${unread}: ${count}` : open);
    this.#quiet.textContent = count ? `${fresh}: ${count}` : "";
  }

  fill(...parts) {
    this.#body.replaceChildren(...parts);
  }

  show(element) {
    this.#slot.hidden = !element;
    this.#slot.replaceChildren(...(element ? [element] : []));
  }

  addTool(button) {
    this.#tools.prepend(button);
    return button;
  }

  openPicture(href, name) {
    const [picture] = this.#viewer.children;
    [picture.src, picture.alt] = [href, name];
    this.#viewer.setAttribute("aria-label", name);
    this.#viewer.showModal();
  }

  #makeViewer() {
    const close = () => viewer.close();
    const viewer = h("dialog", { class: "viewer", onclick: close, onkeydown: (event) => event.stopPropagation() }, h("img", { alt: "" }), iconButton("close", this.#words.back, close));
    return viewer;
  }

  #sure(ended) {
    const { sure, yes, no } = this.#words;
    const away = () => {
      ask.remove();
      this.end.focus();
    };
    const ask = h(
      "div",
      { class: "sure", role: "alertdialog", "aria-label": sure, onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); away(); } } },
      h("p", {}, sure),
      h("button", { type: "button", class: "main", onclick: () => { ask.remove(); ended(); } }, yes),
      h("button", { type: "button", class: "plain", onclick: away }, no),
    );
    this.panel.querySelector(".sure")?.remove();
    this.#slot.after(ask);
    ask.querySelector("button").focus();
  }

  #takeDrops(config, dropped) {
    if (!config.features.files) return;
    const hint = h("div", { class: "drop", hidden: true, "aria-hidden": "true" }, fill(this.#words.drop, {}));
    this.panel.append(hint);
    const over = (event, on) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      hint.hidden = !on;
    };
    this.panel.addEventListener("dragover", (event) => over(event, true));
    this.panel.addEventListener("dragleave", (event) => this.panel.contains(event.relatedTarget) || over(event, false));
    this.panel.addEventListener("drop", (event) => {
      over(event, false);
      dropped(event.dataTransfer.files);
    });
  }
}
