// <okno-voice-devices>: choosing and trying microphone and loudspeaker, in the agent's own settings.
import { all, find } from "/static/js/app.js";
import * as devices from "./devices.js";
import { meter } from "./meter.js";

const TRIED = 4000;
const MELODY = [523, 659, 784, 1047];

class VoiceDevices extends HTMLElement {
  #track = null;
  #stop = null;

  connectedCallback() {
    this.words = JSON.parse(this.dataset.words);
    this.addEventListener("change", (event) => this.#changed(event));
    this.addEventListener("click", ({ target }) => this.#pressed(target.closest("[data-try]")?.dataset.try));
    find("[name=processing]", this).checked = devices.chosen().processing;
    this.#list();
    devices.permission(() => this.#list()).then((state) => (this.dataset.permission = state));
    navigator.mediaDevices?.addEventListener?.("devicechange", this.#list);
    // The browser names its devices once a call has opened one.
    document.addEventListener("voice:opened", this.#list);
  }

  disconnectedCallback() {
    navigator.mediaDevices?.removeEventListener?.("devicechange", this.#list);
    document.removeEventListener("voice:opened", this.#list);
    this.#close();
  }

  #list = async () => {
    if (!this.isConnected) return;
    for (const select of all("select[data-kind]", this)) {
      const found = await devices.list(select.dataset.kind);
      const now = devices.chosen()[select.name];
      const named = found.filter(({ id }) => id !== "default").map(({ id, label }, place) => new Option(label || `${select.dataset.unnamed} ${place + 1}`, id, false, id === now));
      select.replaceChildren(new Option(this.words.default, "", false, !now), ...named);
    }
    find("[data-speaker]", this).hidden = !("setSinkId" in HTMLMediaElement.prototype);
  };

  #changed({ target }) {
    if (target.name === "processing") devices.choose({ processing: target.checked });
    else if (target.dataset.kind) devices.choose({ [target.name]: target.value });
    if (this.#track) this.#listen();
  }

  #pressed(what) {
    if (what === "microphone") this.#track ? this.#close() : this.#listen();
    if (what === "speaker") this.#play();
    if (what === "echo") this.#echo();
  }

  async #open() {
    this.#close();
    const { track, hindrance } = await devices.open();
    this.#tell(hindrance ? this.words[`no_microphone_${hindrance}`] : "", Boolean(hindrance));
    return track || null;
  }

  async #listen() {
    const track = await this.#open();
    if (!track) return;
    if (!this.isConnected) return track.stop();
    this.#track = track;
    const bar = find("[data-level]", this);
    this.#stop = meter(new MediaStream([track]), (level) => bar.style.setProperty("--level", level.toFixed(2)));
    this.#press(true);
    this.#tell(this.words.speak);
  }

  #close() {
    this.#stop?.();
    this.#track?.stop();
    [this.#stop, this.#track] = [null, null];
    find("[data-level]", this)?.style.setProperty("--level", 0);
    this.#press(false);
  }

  #press(on) {
    const button = find("[data-try=microphone]", this);
    button?.setAttribute("aria-pressed", String(on));
    const words = button && find("span", button);
    if (words) words.textContent = on ? button.dataset.on : button.dataset.off;
  }

  #tell(words, bad = false) {
    const place = find("[data-told]", this);
    place.textContent = words;
    place.toggleAttribute("data-bad", bad);
  }

  // Four notes through the chosen loudspeaker.
  async #play() {
    const sound = new AudioContext();
    const out = sound.createMediaStreamDestination();
    MELODY.forEach((frequency, place) => {
      const [tone, volume, start] = [sound.createOscillator(), sound.createGain(), sound.currentTime + 0.05 + place * 0.22];
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(0.25, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
      tone.connect(volume).connect(out);
      tone.start(start);
      tone.stop(start + 0.32);
    });
    await this.#through(out.stream);
    setTimeout(() => sound.close(), 1500);
  }

  // What was said for a few seconds, played back.
  async #echo() {
    const track = await this.#open();
    if (!track) return;
    const button = find("[data-try=echo]", this);
    button.disabled = true;
    this.#tell(this.words.recording);
    const recorder = new MediaRecorder(new MediaStream([track]));
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.onstop = async () => {
      track.stop();
      this.#tell(this.words.playing);
      const audio = find("audio", this);
      audio.srcObject = null;
      audio.src = URL.createObjectURL(new Blob(pieces, { type: recorder.mimeType }));
      audio.onended = () => (this.#tell(""), (button.disabled = false), URL.revokeObjectURL(audio.src));
      await devices.direct(audio);
      audio.play().catch(() => audio.onended());
    };
    recorder.start();
    setTimeout(() => recorder.stop(), TRIED);
  }

  async #through(stream) {
    const audio = find("audio", this);
    audio.removeAttribute("src");
    audio.srcObject = stream;
    await devices.direct(audio);
    await audio.play().catch(() => {});
  }
}
customElements.define("okno-voice-devices", VoiceDevices);
