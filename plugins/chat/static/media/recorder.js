// Records both sides of a call and sends the recording in pieces, each until it has arrived.
//
// Sound: the agent on the left, the visitor on the right. Pictures, when the call has any: side by side.
import { csrf } from "/static/js/app.js";

const PIECE = 3000;
const [WIDTH, HEIGHT, FRAMES] = [640, 480, 12];
const RETRY = [500, 1000, 2000, 5000];
const TYPES = { video: ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"], audio: ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"] };

export class Recorder {
  constructor(callId, line, failed) {
    Object.assign(this, { callId, line, failed, offset: 0, sending: Promise.resolve() });
  }

  async begin(post) {
    this.sound = new AudioContext();
    this.out = this.sound.createMediaStreamDestination();
    this.merger = this.sound.createChannelMerger(2);
    this.merger.connect(this.out);
    this.follow();
    this.line.remote.addEventListener("addtrack", () => this.follow());
    const stream = new MediaStream(this.out.stream.getAudioTracks());
    const kind = this.line.tracks.video || this.line.far.video ? "video" : "audio";
    if (kind === "video") stream.addTrack(this.pictures());
    const type = TYPES[kind].find((one) => MediaRecorder.isTypeSupported(one)) || "";
    try {
      this.id = (await post(`calls/${this.callId}/recording`, { type: type || (kind === "video" ? "video/webm" : "audio/webm") })).id;
    } catch {
      return this.fail();
    }
    if (this.ended) return;
    this.post = post;
    this.media = new MediaRecorder(stream, { ...(type && { mimeType: type }), videoBitsPerSecond: 600_000, audioBitsPerSecond: 48_000 });
    this.media.ondataavailable = ({ data }) => data.size && this.send(data);
    this.media.start(PIECE);
  }

  // Takes up the tracks as they are now: a microphone may change, the visitor's may come later.
  follow() {
    if (!this.sound || this.sound.state === "closed") return;
    const tracks = [this.line.tracks.audio, this.line.remote.getAudioTracks()[0] || null];
    this.sources ??= [null, null];
    tracks.forEach((track, side) => {
      if (this.sources[side]?.track === track) return;
      this.sources[side]?.node.disconnect();
      this.sources[side] = null;
      if (!track) return;
      const node = this.sound.createMediaStreamSource(new MediaStream([track]));
      const mono = new GainNode(this.sound, { channelCount: 1, channelCountMode: "explicit" });
      node.connect(mono).connect(this.merger, 0, side);
      this.sources[side] = { track, node };
    });
  }

  pictures() {
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH * 2, height: HEIGHT });
    const pen = canvas.getContext("2d");
    const views = [".call-own", ".call-far"].map((name) => document.querySelector(`#call-dock ${name}`));
    this.drawing = setInterval(() => {
      pen.fillStyle = "#101216";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      views.forEach((view, side) => {
        if (!view.srcObject?.getVideoTracks().length || !view.videoWidth) return;
        const scale = Math.min(WIDTH / view.videoWidth, HEIGHT / view.videoHeight);
        const [width, height] = [view.videoWidth * scale, view.videoHeight * scale];
        pen.drawImage(view, side * WIDTH + (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
      });
    }, 1000 / FRAMES);
    return canvas.captureStream(FRAMES).getVideoTracks()[0];
  }

  send(piece) {
    this.sending = this.sending.then(() => this.arrive(piece, 0));
  }

  async arrive(piece, tries) {
    if (this.broken) return;
    try {
      const headers = { "X-CSRF-Token": csrf(), "Content-Type": "application/octet-stream", Accept: "application/json" };
      const answer = await fetch(`/chat/recordings/${this.id}/pieces?offset=${this.offset}`, { method: "POST", headers, body: piece });
      if (answer.ok) return void (this.offset = (await answer.json()).offset);
      if (answer.status < 500 && answer.status !== 429) return this.fail();
    } catch {
      // Away for a moment: the same piece again.
    }
    if (tries >= RETRY.length * 3) return this.fail();
    await new Promise((go) => setTimeout(go, RETRY[Math.min(tries, RETRY.length - 1)]));
    return this.arrive(piece, tries + 1);
  }

  fail() {
    this.broken = true;
    this.failed();
    this.stop();
  }

  async stop() {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.drawing);
    if (this.media && this.media.state !== "inactive") {
      await new Promise((done) => {
        this.media.onstop = done;
        this.media.stop();
      });
    }
    await this.sending;
    this.sound?.close();
    if (this.post && !this.broken) await this.post(`recordings/${this.id}/complete`).catch(() => {});
  }
}
