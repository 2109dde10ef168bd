// One event stream for all tabs of a browser. A SharedWorker runs this file; where there is none, a page imports it.
//
// Messages a page sends:    {kind: "join", after}   after: the event id its page was rendered at, or null
//                           {kind: "leave"}         the page goes away
// Messages a page receives: {kind: "event", id, type, topic, payload}
//                           {kind: "status", status}  "connected" | "reconnecting" | "refused"
// An event of type "reset" means: too much was missed, load what you show again.
//
// HTTP/1.1 gives a browser six connections to a server: with a stream in every tab the seventh would hang.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const REFUSED_PAUSE = 60_000;
const REMEMBERED = 2_000;
// A clock that jumps says that the machine slept: its connection is dead, even if nobody has told it yet.
const HEARTBEAT = 5_000;
const SLEPT = 20_000;
const DEFAULT_URL = "/events";

export class SharedStream {
  #ports = new Map();
  #recent = [];
  #forgotten = 0;
  #last = null;
  #source = null;
  #timer = null;
  #pause = FIRST_PAUSE;
  #status = "reconnecting";
  #url;

  constructor(url = DEFAULT_URL) {
    this.#url = url;
    // A network that is back needs no patience.
    globalThis.addEventListener?.("online", () => this.#ports.size && this.#restart());
    let beat = Date.now();
    setInterval(() => {
      if (Date.now() - beat > SLEPT && this.#ports.size) this.#wake();
      beat = Date.now();
    }, HEARTBEAT);
  }

  #wake() {
    this.#tell("reconnecting");
    this.#restart();
  }

  add(port) {
    port.onmessage = ({ data }) => (data.kind === "join" ? this.#join(port, data.after) : this.#leave(port));
    port.start?.();
  }

  #join(port, after) {
    this.#ports.set(port, after);
    port.postMessage({ kind: "status", status: this.#status });
    const known = Number.isInteger(after);
    if (this.#last === null) {
      this.#last = known ? after : null;
    } else if (known && after < this.#last) {
      this.#catchUp(port, after);
    }
    if (!this.#source && !this.#timer) this.#open();
    // The page may come from a new sign-in: what was refused before can be allowed now.
    else if (this.#status === "refused") this.#restart();
  }

  #catchUp(port, after) {
    if (after < this.#forgotten) {
      port.postMessage({ kind: "event", id: this.#last, type: "reset", topic: "", payload: {} });
      return;
    }
    for (const event of this.#recent) if (event.id > after) port.postMessage(event);
  }

  #leave(port) {
    this.#ports.delete(port);
    if (this.#ports.size === 0) this.#close();
  }

  #open() {
    const query = this.#last === null ? "" : `${this.#url.includes("?") ? "&" : "?"}after=${this.#last}`;
    const source = (this.#source = new EventSource(this.#url + query));
    source.onopen = () => {
      this.#pause = FIRST_PAUSE;
      this.#tell("connected");
    };
    source.onmessage = (message) => this.#receive(message);
    source.onerror = () => this.#failed(source);
  }

  #receive(message) {
    const id = Number(message.lastEventId);
    const { type, topic, payload } = JSON.parse(message.data);
    if (type !== "reset" && this.#last !== null && id <= this.#last) return;
    if (this.#recent.length === 0) this.#forgotten = this.#last ?? id - 1;
    this.#last = id;
    const event = { kind: "event", id, type, topic, payload };
    this.#recent.push(event);
    if (this.#recent.length > REMEMBERED) this.#forgotten = this.#recent.shift().id;
    for (const [port, after] of this.#ports) {
      if (type === "reset" || !Number.isInteger(after) || id > after) port.postMessage(event);
    }
  }

  #failed(source) {
    if (source !== this.#source) return;
    this.#tell("reconnecting");
    // While it is connecting the browser retries by itself; any status but 200 closes it for good.
    if (source.readyState === EventSource.CLOSED) {
      this.#source = null;
      this.#later();
    }
  }

  async #later() {
    const refused = await this.#isRefused();
    if (this.#source || this.#ports.size === 0) return;
    if (refused) this.#tell("refused");
    // Jitter: after a restart of the server all browsers would come back in the same moment.
    const pause = (refused ? REFUSED_PAUSE : this.#pause) * (0.5 + Math.random());
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#restart(), pause);
  }

  async #isRefused() {
    try {
      return (await fetch(this.#url, { method: "HEAD", cache: "no-store" })).status === 401;
    } catch {
      return false;
    }
  }

  #restart() {
    this.#close();
    this.#open();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#source?.close();
    this.#source = null;
  }

  #tell(status) {
    this.#status = status;
    for (const port of this.#ports.keys()) port.postMessage({ kind: "status", status });
  }
}

if (typeof SharedWorkerGlobalScope !== "undefined" && globalThis instanceof SharedWorkerGlobalScope) {
  const stream = new SharedStream(new URLSearchParams(globalThis.location.search).get("url") ?? DEFAULT_URL);
  globalThis.addEventListener("connect", (event) => stream.add(event.ports[0]));
}
