// <okno-live-calls>: the calls of a supervisor's teams as they go on; listening, whispering, joining.
import { all, find } from "/static/js/app.js";
import { later, pieces } from "/static/js/refresh.js";

const HEARD = new Set(["interaction.changed", "voice.changed", "voice.call", "voice.gone", "reset"]);

class LiveCalls extends HTMLElement {
  #hear = ({ detail: { type } }) => HEARD.has(type) && this.#fresh();
  #fresh = later(() => this.#draw(), 400);

  connectedCallback() {
    document.addEventListener("okno:event", this.#hear);
    this.addEventListener("click", ({ target }) => this.#pressed(target.closest("button[data-mode]")));
  }

  disconnectedCallback() {
    document.removeEventListener("okno:event", this.#hear);
  }

  async #draw() {
    const [part] = await pieces(this.dataset.rows);
    const old = find("[data-live-rows]", this);
    if (part && old) window.Idiomorph.morph(old, part, { morphStyle: "outerHTML" });
  }

  #pressed(button) {
    if (!button) return;
    const mode = button.ariaPressed === "true" ? null : button.dataset.mode;
    const row = button.closest("[data-call]");
    const buttons = all("button[data-mode]", row);
    for (const one of buttons) one.disabled = true;
    const done = () => {
      for (const one of buttons) one.disabled = false;
      this.#fresh();
    };
    document.dispatchEvent(new CustomEvent("voice:do", { detail: { what: "supervise", key: row.dataset.call, body: { mode }, done } }));
  }
}
customElements.define("okno-live-calls", LiveCalls);
