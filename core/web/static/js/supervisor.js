// The supervisor's agents: rows are drawn anew when something happens to their agents; nothing is asked for otherwise.
import { all, find, signedOut } from "./app.js";

class Agents extends HTMLElement {
  #ids = new Set();
  #timer = null;
  #hear = ({ detail: { type, payload } }) => this.#news(type, payload);
  #out = () => find("dialog", this).close();

  connectedCallback() {
    document.addEventListener("okno:event", this.#hear);
    document.addEventListener("okno:out", this.#out);
  }
  disconnectedCallback() {
    document.removeEventListener("okno:event", this.#hear);
    document.removeEventListener("okno:out", this.#out);
    clearTimeout(this.#timer);
  }
  #news(type, payload) {
    if (type === "reset") for (const row of all("[data-agent]", this)) this.#ids.add(Number(row.dataset.agent));
    if (type === "presence.changed") this.#ids.add(payload.user_id);
    if (type === "interaction.changed") {
      if (payload.agent_id) this.#ids.add(payload.agent_id);
      const held = find(`[data-interaction="${payload.interaction_id}"]`, this)?.closest("[data-agent]");
      if (held) this.#ids.add(Number(held.dataset.agent));
    }
    if (this.#ids.size) this.#timer ??= setTimeout(() => this.#fetch(), 300);
  }
  async #fetch() {
    this.#timer = null;
    const ids = [...this.#ids].filter((id) => find(`#agent-${id}`, this));
    this.#ids.clear();
    if (!ids.length) return;
    const query = ids.map((id) => `&id=${id}`).join("");
    const answer = await fetch(`${this.dataset.rows}${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.status === 401) signedOut();
    if (!answer?.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    for (const part of all("tr[data-agent], .agents-counts", holder.content)) {
      const old = document.getElementById(part.id);
      if (!old) continue;
      window.Idiomorph.morph(old, part, { morphStyle: "outerHTML" });
      window.htmx.process(document.getElementById(part.id));
    }
  }
}
customElements.define("okno-agents", Agents);
