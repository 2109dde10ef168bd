// <okno-callbacks>: who waits to be called back, as it changes.
import { find } from "/static/js/app.js";
import { later, pieces } from "/static/js/refresh.js";
import { morph } from "./rows.js";

const HEARD = new Set(["callback.changed", "interaction.changed", "reset"]);

class Callbacks extends HTMLElement {
  #hear = ({ detail: { type } }) => HEARD.has(type) && this.#fresh();
  #fresh = later(() => this.#draw(), 400);

  connectedCallback() {
    document.addEventListener("okno:event", this.#hear);
  }

  disconnectedCallback() {
    document.removeEventListener("okno:event", this.#hear);
  }

  async #draw() {
    const [part] = await pieces(this.dataset.rows);
    if (part && morph(this, "[data-callback-rows]", part)) window.htmx.process(find("[data-callback-rows]", this));
  }
}
customElements.define("okno-callbacks", Callbacks);
