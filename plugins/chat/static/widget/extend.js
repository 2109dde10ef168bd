// What is loaded only when it is used: calls, shared pages. The server lists the modules with their events and buttons
// (plugins/chat/visitor/extensions.py). A module's default export gets the widget and returns { start(), hear(type, payload), state(state) }, each optional:
//
//   widget.ask(method, path, body)   a request with the visitor's token, path below /chat/; gives JSON, throws Refused with the reason
//   widget.on(type, handler)         events whose type begins with `type`; returns a function that ends it
//   widget.panel(element | null)     what stands above the messages, or nothing
//   widget.button({ label, icon, onclick })   a further button in the header; returns it, remove() takes it away
//   widget.notice(text)  widget.open()  widget.state()  widget.words  widget.language  widget.root  widget.host  widget.memory  widget.base

import { iconButton } from "./dom.js";

// What a module left in the tab's memory before the page was loaded anew.
function remembered(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

export class Extensions {
  #listed;
  #widget;
  #loaded = new Map();
  #handlers = new Set();
  #buttons = new Map();

  constructor(listed, panel, more) {
    this.#listed = listed;
    this.#widget = {
      ...more,
      panel: (element) => panel.show(element),
      button: ({ label, icon, onclick }) => panel.addTool(iconButton(icon, label, onclick)),
      on: (type, handler) => {
        const entry = { type, handler };
        this.#handlers.add(entry);
        return () => this.#handlers.delete(entry);
      },
    };
    for (const one of listed.filter(({ label }) => label)) {
      const button = iconButton(one.icon, one.label, () => this.#start(one), { hidden: true });
      this.#buttons.set(one.name, panel.addTool(button));
    }
  }

  async hear(type, payload) {
    for (const { type: start, handler } of [...this.#handlers]) if (type.startsWith(start)) handler(type, payload);
    for (const one of this.#listed.filter(({ events }) => events.some((start) => type.startsWith(start)))) {
      (await this.#load(one))?.hear?.(type, payload);
    }
  }

  // The conversation stands elsewhere: buttons come and go, modules that are there are told.
  async show(state) {
    for (const one of this.#listed) {
      const button = this.#buttons.get(one.name);
      if (button) button.hidden = !one.states.includes(state.state);
      const wakes = one.wakes && state.state === "active" && remembered(one.wakes);
      if (this.#loaded.has(one.name) || wakes) (await this.#load(one))?.state?.(state);
    }
  }

  async #start(one) {
    (await this.#load(one))?.start?.();
  }

  #load({ name, module }) {
    if (!this.#loaded.has(name)) {
      const made = import(`./${module}`)
        .then(({ default: begin }) => begin(this.#widget))
        .catch((error) => {
          this.#loaded.delete(name);
          console.warn(`Okno: ${name} could not be loaded`, error);
        });
      this.#loaded.set(name, made);
    }
    return this.#loaded.get(name);
  }
}
