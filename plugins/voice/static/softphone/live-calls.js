// <okno-live-calls>: the calls of a supervisor's teams as they go on; listening, whispering, joining.
import { find } from "/static/js/app.js";
import { later, pieces } from "/static/js/refresh.js";
import { morph } from "./rows.js";

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
    if (part) morph(this, "[data-live-rows]", part);
  }

  #pressed(button) {
    const row = button?.closest("[data-call]");
    if (!row || row.ariaBusy === "true") return;
    const mode = button.ariaPressed === "true" ? null : button.dataset.mode;
    row.ariaBusy = "true";
    const done = () => {
      row.ariaBusy = "false";
      this.#fresh();
    };
    document.dispatchEvent(new CustomEvent("voice:do", { detail: { what: "supervise", key: row.dataset.call, body: { mode }, done } }));
  }
}
customElements.define("okno-live-calls", LiveCalls);
