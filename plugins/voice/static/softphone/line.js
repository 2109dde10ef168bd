// The way of sound between this page and the voice process: one connection, one track each way, all candidates in the offer.
//
//   const line = new Line({ servers, changed });
//   await line.open(track, exchange)   exchange(sdp) => Promise<{sdp}> carries the offer there and the answer back
//   line.replace(track)                another microphone
//   line.state                         "connecting", "up", "shaken" (nothing comes for a moment), "lost"
//   line.remote                        the MediaStream that is heard
//   await line.figures()               {loss_percent, jitter_ms, rtt_ms} since the last call of it, null while nothing is known
//   line.close()
//
// The default of RTCPeerConnection asks no server; candidates are gathered for a moment and travel with the offer.

const GATHERED = 2500;
const CONNECTED = 10_000;
const SHAKEN = 5000;

export class Line {
  constructor({ servers = [], changed = () => {} }) {
    Object.assign(this, { servers, changed, state: "connecting", remote: new MediaStream(), seen: null, timer: null });
  }

  async open(track, exchange) {
    const pc = (this.pc = new RTCPeerConnection({ iceServers: this.servers, bundlePolicy: "max-bundle" }));
    this.transceiver = pc.addTransceiver(track, { direction: "sendrecv", streams: [new MediaStream([track])] });
    pc.ontrack = ({ track: heard }) => {
      this.remote.addTrack(heard);
      this.changed();
    };
    pc.onconnectionstatechange = () => this.moved(pc);
    await pc.setLocalDescription();
    await gathered(pc);
    const answer = await exchange(pc.localDescription.sdp);
    if (pc.signalingState === "closed") return;
    await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.moved(pc);
  }

  moved(pc) {
    if (pc !== this.pc) return;
    const state = { connected: "up", disconnected: "shaken", failed: "lost", closed: "lost" }[pc.connectionState] || this.state;
    clearTimeout(this.timer);
    // A browser may try for half a minute; a line made anew is quicker.
    const patience = { connecting: CONNECTED, shaken: SHAKEN }[state];
    if (patience) this.timer = setTimeout(() => pc === this.pc && this.tell("lost"), patience);
    this.tell(state);
  }

  tell(state) {
    if (state === this.state) return;
    this.state = state;
    this.changed();
  }

  replace(track) {
    return this.transceiver?.sender.replaceTrack(track);
  }

  async figures() {
    if (this.state !== "up") return null;
    const now = { lost: 0, received: 0, jitter: 0, rtt: 0, farLoss: 0 };
    for (const one of (await this.pc.getStats()).values()) {
      if (one.type === "inbound-rtp") Object.assign(now, { lost: one.packetsLost, received: one.packetsReceived, jitter: one.jitter });
      if (one.type === "remote-inbound-rtp") Object.assign(now, { farLoss: one.fractionLost || 0, farJitter: one.jitter || 0 });
      if (one.type === "candidate-pair" && one.nominated && one.currentRoundTripTime) now.rtt = one.currentRoundTripTime;
    }
    const before = this.seen;
    this.seen = now;
    if (!before) return null;
    const [lost, received] = [Math.max(0, now.lost - before.lost), Math.max(0, now.received - before.received)];
    const loss = lost + received ? lost / (lost + received) : 0;
    return {
      loss_percent: round(100 * Math.max(loss, now.farLoss)),
      jitter_ms: round(1000 * Math.max(now.jitter || 0, now.farJitter || 0)),
      rtt_ms: round(1000 * now.rtt),
    };
  }

  close() {
    clearTimeout(this.timer);
    const pc = this.pc;
    this.pc = null;
    this.state = "lost";
    pc?.close();
  }
}

const round = (number) => Math.round(10 * number) / 10;

function gathered(pc) {
  if (pc.iceGatheringState === "complete") return null;
  return new Promise((done) => {
    setTimeout(done, GATHERED);
    pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && done());
  });
}
