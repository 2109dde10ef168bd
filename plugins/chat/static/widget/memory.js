// What the browser keeps for the widget, under names of its own; where storage is blocked it lasts as long as the page.

export class Memory {
  #prefix;
  #own = new Map();
  #store = null;

  constructor(entry) {
    this.#prefix = `okno-chat:${entry}:`;
    try {
      localStorage.setItem(`${this.#prefix}?`, "1");
      localStorage.removeItem(`${this.#prefix}?`);
      this.#store = localStorage;
    } catch {
      this.#store = null;
    }
  }

  get(name, otherwise = null) {
    const text = this.#store ? this.#read(name) : this.#own.get(name);
    if (text === null || text === undefined) return otherwise;
    try {
      return JSON.parse(text);
    } catch {
      return otherwise;
    }
  }

  set(name, value) {
    const text = JSON.stringify(value);
    this.#own.set(name, text);
    try {
      this.#store?.setItem(this.#prefix + name, text);
    } catch {
      // Full: what the page itself remembers has to do.
      this.#store = null;
    }
  }

  remove(name) {
    this.#own.delete(name);
    try {
      this.#store?.removeItem(this.#prefix + name);
    } catch {
      this.#store = null;
    }
  }

  // Names that begin with `start`, in the order of their names.
  names(start) {
    if (!this.#store) return [...this.#own.keys()].filter((name) => name.startsWith(start)).sort();
    const whole = this.#prefix + start;
    return Object.keys(this.#store).filter((name) => name.startsWith(whole)).map((name) => name.slice(this.#prefix.length)).sort();
  }

  #read(name) {
    try {
      return this.#store.getItem(this.#prefix + name);
    } catch {
      return this.#own.get(name);
    }
  }
}
