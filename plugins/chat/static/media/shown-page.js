// A visitor's page at the desk: fetches what has happened on it, hands it to the frame that draws it, tells where the agent points.
import { csrf, find } from "/static/js/app.js";

const POINT_EVERY = 150;
const RETRY = 2000;

class ShownPage extends HTMLElement {
  connectedCallback() {
    if (this.frame) return;
    this.id_ = this.dataset.page;
    this.last = 0;
    this.ready = false;
    this.frame = find("iframe", this);
    this.quit = new AbortController();
    const { signal } = this.quit;
    addEventListener("message", (event) => event.source === this.frame.contentWindow && this.fromFrame(event.data), { signal });
    document.addEventListener("okno:event", ({ detail }) => detail.type === "chat.cobrowse" && this.hear(detail.payload), { signal });
    this.frame.contentWindow.postMessage({ kind: "hello" }, location.origin);
  }

  disconnectedCallback() {
    this.quit.abort();
    this.frame = null;
  }

  hear({ kind, cobrowse }) {
    if (String(cobrowse.id) !== this.id_) return;
    if (kind === "ended") this.over();
    else this.fetch();
  }

  fromFrame({ kind, ...more }) {
    if (kind === "ready") {
      this.ready = true;
      this.fetch();
    }
    if (kind === "address") find("[data-address]", this).textContent = more.address;
    if (kind === "pointer") this.point(more);
  }

  // One look at a time; news during a look means another.
  async fetch() {
    if (!this.ready || this.dataset.state === "ended") return;
    if (this.looking) return void (this.again = true);
    this.looking = true;
    try {
      do {
        this.again = false;
        const answer = await fetch(`/chat/pages/${this.id_}/pieces?after=${this.last}`, { headers: { Accept: "application/json" } });
        if (answer.status === 422) return this.over();
        if (!answer.ok) throw new Error(String(answer.status));
        const { pieces } = await answer.json();
        for (const { id, events } of pieces) {
          this.last = id;
          this.frame?.contentWindow.postMessage({ kind: "events", events }, location.origin);
        }
        if (pieces.length) this.again = true;
      } while (this.again && this.frame);
    } catch {
      setTimeout(() => this.fetch(), RETRY);
    } finally {
      this.looking = false;
    }
  }

  // The newest place, a few times a second; a press at once.
  point(place) {
    this.place = { ...place, pressed: place.pressed || Boolean(this.place?.pressed) };
    this.timer ??= setTimeout(() => {
      this.timer = null;
      const { place: body } = this;
      this.place = null;
      const headers = { "X-CSRF-Token": csrf(), "Content-Type": "application/json", Accept: "application/json" };
      if (this.dataset.state !== "ended") fetch(`/chat/pages/${this.id_}/point`, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => {});
    }, POINT_EVERY);
  }

  over() {
    this.dataset.state = "ended";
    const end = find("[data-end]", this);
    if (end) end.disabled = true;
  }
}
customElements.define("okno-shown-page", ShownPage);
