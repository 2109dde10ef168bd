// <okno-phone>: the page «Telephone»: dial pad, service for the record, redial, recent calls, lines.
import { find } from "/static/js/app.js";
import { beep } from "./meter.js";

const KEPT = "okno.voice.service";
const NOT_DIALLED = /[^\d+*#,]/g;

class PhonePage extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.#pressed(event));
    this.addEventListener("submit", (event) => this.#submitted(event));
    this.addEventListener("input", ({ target }) => target.name === "number" && this.#typed(target));
    this.addEventListener("change", ({ target }) => target.name === "service_id" && sessionStorage.setItem(KEPT, target.value));
    const service = find("[name=service_id]", this);
    const kept = sessionStorage.getItem(KEPT);
    if (service && kept && find(`option[value="${kept}"]`, service)) service.value = kept;
  }

  get field() {
    return find("[name=number]", this);
  }

  #typed(field) {
    const plain = field.value.replace(/[\s().\-–—/]/g, "").replace(NOT_DIALLED, "").replace(/(?!^)\+/g, "");
    if (plain !== field.value) field.value = plain;
    this.#lookUp();
  }

  #lookUp() {
    clearTimeout(this.asked);
    const value = this.field.value.split(",")[0];
    const known = find("[data-known]", this);
    if (value.length < 3) return void (known.textContent = "");
    this.asked = setTimeout(async () => {
      const answer = await fetch(`/directory/number?value=${encodeURIComponent(value)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok || this.field.value.split(",")[0] !== value) return;
      const { formatted, name } = await answer.json();
      known.textContent = name ? `${formatted} · ${name}` : formatted;
    }, 200);
  }

  #pressed({ target }) {
    const key = target.closest("[data-key]");
    if (key) {
      beep(key.dataset.key, 0.09);
      this.field.value += key.dataset.key;
      this.#lookUp();
    }
    if (target.closest("[data-back]")) {
      this.field.value = this.field.value.slice(0, -1);
      this.#lookUp();
    }
    const dial = target.closest("[data-dial-number]");
    if (dial) this.#call({ number: dial.dataset.dialNumber });
    const line = target.closest("[data-dial-line]");
    if (line) this.#call({ line_id: Number(line.dataset.dialLine) });
    const user = target.closest("[data-dial-user]");
    if (user) this.#call({ user_id: Number(user.dataset.dialUser) });
  }

  #submitted(event) {
    event.preventDefault();
    const last = this.field.dataset.last;
    // An empty field with «Call» brings the last number back, as on a telephone.
    if (!this.field.value && last) return void ((this.field.value = last), this.#lookUp());
    if (this.field.value) this.#call({ number: this.field.value });
  }

  #call(target) {
    // A key that is disabled would lose the focus: a second press does nothing instead.
    if (this.ariaBusy === "true") return;
    const service = find("[name=service_id]", this)?.value;
    const done = () => (this.ariaBusy = "false");
    this.ariaBusy = "true";
    if (service) target.service_id = Number(service);
    document.dispatchEvent(new CustomEvent("voice:do", { detail: { what: "call", target, done } }));
  }
}
customElements.define("okno-phone", PhonePage);
