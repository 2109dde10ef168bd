// Requests with the visitor's token, and one event stream for all tabs of the site: the tab that holds the lock reads it and passes on
// what it hears. Where there are no locks (pages without TLS) each tab has its own.

const PAUSES = [500, 1000, 2000, 5000, 10_000, 15_000];

export class Refused extends Error {
  constructor(text, code) {
    super(text);
    this.code = code;
  }
}

export class Connection {
  #base;
  #entry;
  #memory;
  #language;
  #heard;
  #changed;
  #source = null;
  #stream = "";
  #channel = null;
  #leads = false;
  #release = null;
  #waiting = null;
  #tries = 0;
  seen = 0;

  // heard(type, payload, id); changed("up" | "down" | "unknown")
  constructor({ base, entry, memory, language, heard, changed }) {
    [this.#base, this.#entry, this.#memory, this.#language, this.#heard, this.#changed] = [base, entry, memory, language, heard, changed];
    addEventListener("online", () => this.#waiting && this.#changed("retry"));
  }

  get known() {
    return Boolean(this.#memory.get("token"));
  }

  async #token() {
    if (this.known) return;
    const { token } = await this.#fetch("POST", "session", { entry: this.#entry });
    // Another tab may have been faster: both are one visitor.
    if (!this.known) this.#memory.set("token", token);
  }

  async ask(method, path, body) {
    await this.#token();
    return this.#fetch(method, path, body);
  }

  async #fetch(method, path, body) {
    const headers = { Accept: "application/json", "Accept-Language": this.#language };
    const token = this.#memory.get("token");
    if (token) headers.Authorization = `Bearer ${token}`;
    const form = body instanceof FormData;
    if (body && !form) headers["Content-Type"] = "application/json";
    const answer = await fetch(new URL(path, this.#base), {
      method, headers, body: form ? body : body && JSON.stringify(body), credentials: "omit", cache: "no-store",
    });
    if (answer.ok) return answer.json();
    if (answer.status === 401) {
      this.#memory.remove("token");
      this.#changed("unknown");
    } else if (answer.status < 500 && answer.status !== 429) {
      const said = await answer.json().catch(() => ({}));
      if (said.error?.code !== "too-often") throw new Refused(said.error?.text ?? "", said.error?.code ?? "");
    }
    throw new Error(String(answer.status));
  }

  // Begin to hear: `stream` is the token of the event stream, `after` where the page's knowledge ends.
  listen(stream, after) {
    this.#stream = stream;
    this.seen = Math.max(this.seen, after);
    this.#tries = 0;
    if (!navigator.locks || !("BroadcastChannel" in globalThis)) this.#leads = true;
    if (this.#leads) return this.#open();
    this.#join();
    this.#changed("up");
  }

  // Named after the token: without storage each tab is a visitor of its own.
  #join() {
    if (this.#channel) return;
    const name = `okno-chat:${this.#memory.get("token", "").slice(-20)}`;
    const channel = (this.#channel = new BroadcastChannel(name));
    channel.onmessage = ({ data }) => {
      if (data.status) this.#changed(data.status);
      else this.#take(data.id, data.text);
    };
    navigator.locks.request(name, () => {
      if (this.#channel !== channel) return undefined;
      this.#leads = true;
      this.#open();
      return new Promise((release) => { this.#release = release; });
    });
  }

  #open() {
    this.#source?.close();
    const url = new URL(`/events?token=${encodeURIComponent(this.#stream)}&after=${this.seen}`, this.#base);
    const source = (this.#source = new EventSource(url));
    source.onmessage = ({ data, lastEventId }) => {
      this.#take(Number(lastEventId), data);
      if (data) this.#channel?.postMessage({ id: Number(lastEventId), text: data });
    };
    source.onopen = () => this.#say("up");
    source.onerror = () => {
      this.#say("down");
      // The browser comes back by itself unless it was refused: then the stream's token is too old.
      if (source.readyState === EventSource.CLOSED) this.later(() => this.#changed("retry"));
    };
  }

  #say(status) {
    this.#changed(status);
    this.#channel?.postMessage({ status });
  }

  #take(id, text) {
    if (id && id <= this.seen && text) return;
    if (id) this.seen = id;
    if (!text) return;
    const { type, payload } = JSON.parse(text);
    this.#heard(type, payload, id);
  }

  forget() {
    this.#source?.close();
    this.#channel?.close();
    this.#release?.();
    [this.#source, this.#channel, this.#release, this.#leads, this.seen] = [null, null, null, false, 0];
  }

  later(call) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => {
      this.#waiting = null;
      call();
    }, PAUSES[Math.min(this.#tries++, PAUSES.length - 1)] * (0.75 + Math.random() / 2));
  }
}
