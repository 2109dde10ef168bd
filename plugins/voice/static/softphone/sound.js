// The agent's sound: microphone, line and loudspeaker of this tab. One tab of a browser holds them at a time.
//
//   const sound = new Sound({ element, changed });
//   await sound.ready()    opens what is missing; gives once the voice process has answered. Throws its refusal.
//   sound.done()           the last call is over: the voice process has ended its side as well
//   sound.told(line)       the voice process has no line of ours any more ({state: "lost", leg}); another telephone rings, is answered
//   sound.state            "off", "opening", "up", "shaken", "lost", "elsewhere" (another tab has it), "aside" (another telephone has it)
//   sound.broken           whether there was sound before what is opened now
//   sound.calling          the number of the agent's own telephone while it rings
//   sound.hindrance        why the microphone is not heard: "", insecure, denied, missing, busy, failed
//   sound.retry()          the agent has mended something
import * as devices from "./devices.js";
import { Line } from "./line.js";
import { silence } from "./meter.js";
import { ask, post } from "./server.js";

const LOCK = "okno-voice-sound";
const PAUSES = [500, 1000, 2000, 5000, 10_000];

export class Sound {
  constructor({ element, changed }) {
    Object.assign(this, { element, changed, line: null, track: null, hindrance: "", opening: null, release: null, elsewhere: false, aside: false, broken: false, calling: "", wanted: false, tries: 0, leaving: null });
    document.addEventListener("voice:devices", () => this.wanted && this.retry());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.wanted && (this.hindrance || this.track?.readyState === "ended") && this.retry());
    addEventListener("online", () => this.state === "lost" && this.again(0));
    // The connection ends at once, not when the voice process has missed it for half a minute.
    addEventListener("pagehide", () => this.line?.close());
  }

  get state() {
    if (this.elsewhere) return "elsewhere";
    if (this.aside) return "aside";
    if (this.line) return { connecting: "opening" }[this.line.state] || this.line.state;
    return this.opening ? "opening" : this.wanted ? "lost" : "off";
  }

  get muffled() {
    return !this.track || Boolean(this.hindrance);
  }

  ready() {
    this.wanted = true;
    if (this.elsewhere || this.aside) return Promise.resolve();
    if (this.line && this.line.state !== "lost") return this.opening || Promise.resolve();
    this.opening ??= this.open().finally(() => {
      this.opening = null;
      this.changed();
    });
    this.changed();
    return this.opening;
  }

  async open() {
    if (!(await this.mine())) return;
    this.line?.close();
    // Asked each time: what a relay is told by expires within a shift, and the agent may have chosen another telephone.
    const { ice_servers: servers = [], way = "browser", leg = "", up = false, address = "" } = await ask("GET", "state");
    this.aside = way !== "browser";
    this.calling = this.aside && leg && !up ? spoken(address) : "";
    if (this.aside) return;
    await this.hear();
    // What ends the line before must not end this one.
    await this.leaving;
    if (!this.wanted) return this.end();
    const line = (this.line = new Line({ servers, changed: () => line === this.line && this.moved() }));
    try {
      await line.open(this.track, async (sdp) => {
        const answer = await post("leg", { sdp });
        line.leg = answer.leg;
        return answer;
      });
    } catch (error) {
      line.close();
      if (this.line === line) this.line = null;
      throw error;
    }
    this.element.srcObject = line.remote;
    await devices.direct(this.element);
    this.element.play().catch(() => {});
  }

  async hear() {
    this.track?.stop();
    const { track, hindrance = "" } = await devices.open();
    this.hindrance = hindrance;
    this.track = track || silence();
    this.track.onended = () => this.retry();
  }

  moved() {
    if (this.line.state === "up") [this.tries, this.broken] = [0, false];
    if (this.line.state === "lost") this.again();
    this.changed();
  }

  // A line that is lost is made anew as long as there is a call for it.
  again(pause = PAUSES[Math.min(this.tries++, PAUSES.length - 1)]) {
    this.broken = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.wanted && this.ready().catch(() => this.again()), pause);
  }

  // What is told of a line before this one, while the network was away, is no news.
  told({ state, leg = "", address = "" }) {
    if (state === "lost" && (!leg || leg === this.line?.leg)) this.renew();
    this.calling = state === "ringing" ? spoken(address) : "";
    this.changed();
  }

  renew() {
    if (!this.line || this.opening) return;
    this.line.close();
    this.line = null;
    this.again(0);
    this.changed();
  }

  async retry() {
    if (this.state === "lost") return this.again(0);
    if (!this.line) return;
    await this.hear();
    await this.line.replace(this.track);
    await devices.direct(this.element);
    this.changed();
  }

  // Whether this tab may hold the line. While another does, this one waits for it.
  mine() {
    if (this.release || !navigator.locks) return Promise.resolve(true);
    return new Promise((known) => {
      navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
        if (lock) return this.hold(() => known(true));
        this.elsewhere = true;
        this.waitForIt();
        known(false);
      });
    });
  }

  hold(held) {
    this.elsewhere = false;
    return new Promise((release) => {
      this.release = release;
      held();
    });
  }

  waitForIt() {
    this.waiting = new AbortController();
    const taken = () => this.hold(() => (this.wanted ? this.ready().catch(() => this.again()) : this.end()));
    navigator.locks.request(LOCK, { signal: this.waiting.signal }, taken).catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
    this.changed();
  }

  done() {
    if (!this.wanted) return;
    this.wanted = false;
    if (this.line) this.leaving = ask("DELETE", "leg").catch(() => {});
    this.end();
    this.changed();
  }

  end() {
    clearTimeout(this.timer);
    this.waiting?.abort();
    this.line?.close();
    this.track?.stop();
    this.release?.();
    Object.assign(this, { line: null, track: null, release: null, waiting: null, elsewhere: false, aside: false, broken: false, calling: "", hindrance: "", tries: 0 });
    this.element.srcObject = null;
  }
}

const spoken = (address) => address.replace(/^tel:/, "");
