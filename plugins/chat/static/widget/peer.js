// One side of a call: a connection to the page of the other side, negotiated over whatever carries signals.
//
//   const line = new Line({ own, polite, configuration, send, changed, lost });
//   own, polite     the name of this page; one side of the two is polite and gives way when both offer at once
//   configuration   RTCConfiguration
//   send            (to, body) => Promise; signals arrive in the order in which they are sent
//   changed         called when something that is shown has changed: remote, far, state
//   lost            called when the other side has not been heard of for a while
//
//   line.connect(other)        the page of the other side, when it is known; another name begins a new connection
//   line.hear({ from, body })  a signal; one that comes before connect() is kept for it
//   line.set(kind, track)      what goes out: a track of kind "audio" or "video", or null
//   line.remote, line.far, line.state   the stream that comes in, what the other side says is on, "connecting" or "connected"
//
// This is perfect negotiation (W3C WebRTC 1.0, 10.7): either side may add or drop a track at any moment. The first offer is
// always the impolite side's: two first offers that meet cost a rollback, and what it leaves behind differs by browser.

const LOST_AFTER = 25_000;
// Candidates that are found at once travel together.
const GATHER = 60;
const RETRY = 1000;
const MOST_EARLY = 200;

export const pageName = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Line {
  constructor({ own, polite, configuration, send, changed = () => {}, lost = () => {} }) {
    Object.assign(this, { own, polite, configuration, changed, lost });
    this.post = send;
    this.tracks = { audio: null, video: null };
    this.remote = new MediaStream();
    this.far = { audio: false, video: false };
    this.state = "connecting";
    this.other = "";
    this.sent = Promise.resolve();
    this.early = [];
  }

  connect(other) {
    if (!other || other === this.other) return;
    this.drop();
    this.other = other;
    const pc = (this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...this.configuration }));
    this.heard = Promise.resolve();
    this.senders = {};
    this.offering = this.ignoring = false;
    this.offered = !this.polite;
    pc.onnegotiationneeded = () => this.negotiate(pc);
    pc.onicecandidate = ({ candidate }) => candidate && this.found(pc, candidate.toJSON());
    this.candidates = [];
    pc.ontrack = ({ track }) => this.arrived(pc, track);
    pc.onconnectionstatechange = () => this.moved(pc);
    for (const kind of ["audio", "video"]) if (this.tracks[kind]) this.add(kind);
    // Whoever has nothing to send still has to offer: the other side waits for it.
    if (this.offered && !Object.keys(this.senders).length) pc.addTransceiver("audio", { direction: "recvonly" });
    this.tellMedia();
    this.wait();
    for (const signal of this.early.splice(0)) this.hear(signal);
    this.changed();
  }

  async negotiate(pc) {
    if (!this.offered) return;
    try {
      this.offering = true;
      await pc.setLocalDescription();
      if (pc === this.pc) this.tell({ description: pc.localDescription.toJSON() });
    } catch (error) {
      if (pc === this.pc) throw error;
    } finally {
      this.offering = false;
    }
  }

  tell(body) {
    const to = this.other;
    this.sent = this.sent.then(() => this.deliver(to, body));
  }

  // The two pages would wait for each other for good if one signal was lost: it is sent until somebody has answered.
  async deliver(to, body) {
    while (to === this.other) {
      try {
        return await this.post(to, body);
      } catch (error) {
        if (error.code) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }

  found(pc, candidate) {
    if (pc !== this.pc) return;
    this.candidates.push(candidate);
    if (this.candidates.length > 1) return;
    setTimeout(() => {
      if (pc === this.pc) this.tell({ candidates: this.candidates.splice(0) });
    }, GATHER);
  }

  tellMedia() {
    const on = ({ audio, video }) => ({ audio: Boolean(audio?.enabled), video: Boolean(video?.enabled) });
    if (this.other) this.tell({ media: on(this.tracks) });
  }

  hear({ from, body }) {
    const pc = this.pc;
    // The other page may know of this one before this one knows of it: it may be told faster than this one is answered.
    if (from !== this.other) this.early = [...this.early, { from, body }].slice(-MOST_EARLY);
    if (from !== this.other || !pc) return;
    this.heard = this.heard.then(() => pc === this.pc && this.take(pc, body)).catch((error) => pc === this.pc && console.warn("call:", error));
  }

  async take(pc, { description, candidates = [], media }) {
    if (media) {
      this.far = { audio: Boolean(media.audio), video: Boolean(media.video) };
      this.changed();
    }
    if (description) {
      const collision = description.type === "offer" && (this.offering || pc.signalingState !== "stable");
      this.ignoring = !this.polite && collision;
      if (this.ignoring) return;
      this.offered = true;
      await pc.setRemoteDescription(description);
      if (description.type !== "offer") return;
      await pc.setLocalDescription();
      this.tell({ description: pc.localDescription.toJSON() });
    }
    // One that belongs to an offer that was given up does not take the others with it.
    for (const candidate of candidates) await pc.addIceCandidate(candidate).catch((error) => this.ignoring || console.warn("call:", error));
  }

  arrived(pc, track) {
    if (pc !== this.pc) return;
    for (const old of this.remote.getTracks()) if (old.kind === track.kind && old !== track) this.remote.removeTrack(old);
    this.remote.addTrack(track);
    track.onmute = track.onunmute = track.onended = () => this.changed();
    this.changed();
  }

  moved(pc) {
    if (pc !== this.pc) return;
    if (pc.connectionState === "connected") {
      this.state = "connected";
      clearTimeout(this.timer);
      this.timer = null;
    } else if (["disconnected", "failed"].includes(pc.connectionState)) {
      this.state = "connecting";
      if (pc.connectionState === "failed") pc.restartIce();
      this.wait();
    }
    this.changed();
  }

  wait() {
    this.timer ??= setTimeout(() => this.lost(), LOST_AFTER);
  }

  async set(kind, track) {
    this.tracks[kind] = track;
    if (this.senders?.[kind]) await this.senders[kind].replaceTrack(track);
    else if (track && this.pc) this.add(kind);
    this.tellMedia();
  }

  add(kind) {
    this.senders[kind] = this.pc.addTrack(this.tracks[kind], new MediaStream([this.tracks[kind]]));
  }

  drop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.pc?.close();
    this.pc = null;
    this.other = "";
    this.state = "connecting";
    this.far = { audio: false, video: false };
    for (const track of this.remote.getTracks()) this.remote.removeTrack(track);
  }
}
