// The visitor's side of a call: microphone, line to the voice process, what the queue says.
import { chosen, open } from "../softphone/devices.js";
import { Line } from "../softphone/line.js";
import { beep, meter } from "../softphone/meter.js";

const place = document.getElementById("call");
const words = JSON.parse(place.dataset.words);
const far = place.querySelector("[data-far]");
const find = (selector) => place.querySelector(selector);
const MINUTE = 60;
const OVER = ["ended", "promised"];

let call = null;

class Call {
  constructor(track) {
    Object.assign(this, { track, state: "connecting", told: {}, since: 0, keys: Promise.resolve(), key: "", token: "", source: null, meters: [] });
    this.line = new Line({ servers: JSON.parse(place.dataset.servers), changed: () => this.moved() });
  }

  async begin({ name, number }) {
    await this.line.open(this.track, async (sdp) => {
      const made = await post("visitor/calls", { entry: place.dataset.entry, language: place.dataset.language, name, number, sdp });
      Object.assign(this, { key: made.key, token: made.token });
      this.listen(made.stream || made.token, made.after);
      return made;
    });
    far.srcObject = this.line.remote;
    far.play().catch(() => {});
    this.meters = [meter(new MediaStream([this.track]), bar("own"))];
  }

  listen(token, after) {
    const from = Number.isInteger(after) ? `&after=${after}` : "";
    this.source = new EventSource(`/events?token=${encodeURIComponent(token)}${from}`);
    this.source.onmessage = ({ data }) => {
      const { type, payload } = data ? JSON.parse(data) : {};
      if (type === "voice.visitor") this.hear(payload);
    };
  }

  hear(told) {
    if (told.state === "ended") return told.promised ? promised(told.promised) : over(told.cause === "lost" ? words.lost : words.ended);
    this.told = told;
    this.state = told.state;
    if (["talking", "held"].includes(told.state)) this.since ||= Date.now();
    draw();
  }

  moved() {
    if (call !== this) return;
    if (this.line.state === "lost") return over(words.lost);
    if (this.line.state === "up" && this.meters.length === 1) this.meters.push(meter(this.line.remote, bar("far")));
    draw();
  }

  command(what, body = {}) {
    return post(`visitor/calls/${this.key}/${what}`, body, this.token);
  }

  // Keys go one after another, as they were pressed.
  press(digits) {
    this.keys = this.keys.then(() => this.command("dtmf", { digits })).catch((error) => problem(error.message));
  }

  end() {
    this.source?.close();
    for (const stop of this.meters) stop();
    this.line.close();
    this.track.stop();
  }
}

const bar = (name) => (level) => find(`[data-level=${name}]`).style.setProperty("--level", level.toFixed(2));

async function post(path, body, token = "", more = {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "Accept-Language": place.dataset.language };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(`/voice/${path}`, { method: "POST", headers, body: JSON.stringify(body), ...more });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error?.text || words.failed);
  return said;
}

// --- begin and end --------------------------------------------------------------------------------
let opening = false;

find(".call-begin").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (opening || call) return;
  const values = Object.fromEntries(new FormData(event.target));
  opening = true;
  problem("");
  draw();
  const { track, hindrance } = await open(chosen());
  opening = false;
  if (hindrance) {
    problem(words[`microphone_${hindrance}`]);
    return draw();
  }
  const made = (call = new Call(track));
  draw();
  try {
    await made.begin(values);
  } catch (error) {
    if (call === made) over(error.message || words.failed);
  }
});

function over(text, state = "ended") {
  call?.end();
  call = null;
  far.srcObject = null;
  place.dataset.state = state;
  problem(text);
  draw();
}

// The caller is called back: what will happen now.
function promised({ number, position, wait_seconds: seconds }) {
  const turn = position ? words.promised_turn.replace("{position}", position) : words.promised_later;
  const soon = Number.isFinite(seconds) ? words.promised_wait.replace("{minutes}", Math.ceil(seconds / MINUTE)) : "";
  find("[data-promised]").textContent = `${words.promised.replace("{number}", number)} ${turn}`;
  find("[data-promised-turn]").textContent = soon;
  ask(false);
  over("", "promised");
}

function ask(open) {
  find("[data-back-form]").hidden = !open;
  place.toggleAttribute("data-asking", open);
  find("[data-call=ask]").hidden = open;
  find("[data-call=ask]").setAttribute("aria-expanded", String(open));
  if (!open) return;
  const field = find("[data-back-form] [name=number]");
  field.value ||= find(".call-begin [name=number]").value;
  field.focus();
}

find("[data-back-form]").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asking = call;
  const button = find("[data-back-form] [type=submit]");
  if (!asking || button.disabled) return;
  button.disabled = true;
  problem("");
  try {
    const { state } = await asking.command("callback", { number: new FormData(event.target).get("number") });
    if (call === asking) asking.hear(state ?? { state: "ended" });
  } catch (error) {
    if (call !== asking) return;
    problem(error.message);
    find("[data-problem]").scrollIntoView({ block: "nearest" });
    find("[data-back-form] [name=number]").setAttribute("aria-invalid", "true");
    find("[data-back-form] [name=number]").focus();
  } finally {
    button.disabled = false;
  }
});

function hangUp() {
  const ended = call;
  over(words.ended);
  if (ended?.key) ended.command("hangup").catch(() => {});
}

addEventListener("pagehide", () => {
  if (!call?.key) return;
  post(`visitor/calls/${call.key}/hangup`, {}, call.token, { keepalive: true }).catch(() => {});
  call.end();
});

// --- buttons --------------------------------------------------------------------------------------
const PRESS = {
  hangup: hangUp,
  mute: () => {
    call.track.enabled = !call.track.enabled;
    call.command("mute", { on: !call.track.enabled }).catch(() => {});
    draw();
  },
  pad: () => {
    find("[data-pad]").hidden = !find("[data-pad]").hidden;
    find("[data-call=pad]").setAttribute("aria-expanded", String(!find("[data-pad]").hidden));
  },
  ask: () => ask(true),
  again: () => {
    place.dataset.state = "idle";
    draw();
    find(".call-begin [type=submit]").focus();
  },
  close: () => parent.postMessage({ okno: "close" }, "*"),
};

place.addEventListener("click", ({ target }) => {
  const act = target.closest("button[data-call]")?.dataset.call;
  if (["close", "again"].includes(act) || (act && call)) PRESS[act]();
  const key = target.closest("button[data-key]")?.dataset.key;
  if (!key || !call) return;
  beep(key);
  call.press(key);
});

// --- what is seen ---------------------------------------------------------------------------------
// Where the focus goes when what had it is not shown any more; in a call to what the queue says.
const FOCUS = { idle: ".call-begin [type=submit]", ended: ".call-begin [type=submit]", promised: "[data-call=again]" };

function problem(text) {
  const line = find("[data-problem]");
  line.hidden = !text;
  line.textContent = text;
}

function status() {
  if (opening) return words.opening;
  const { told, state, line } = call;
  if (line.state === "shaken") return words.shaken;
  if (state === "queued") return told.position ? words.queued.replace("{position}", told.position) : words.queued_unplaced;
  if (state === "talking") return told.agent ? words.talking.replace("{agent}", told.agent) : words.talking_unnamed;
  return words[state] || words.connecting;
}

function wait() {
  const seconds = call?.state === "queued" ? call.told.wait_seconds : null;
  if (!Number.isFinite(seconds)) return "";
  return seconds < MINUTE ? words.soon : words.wait.replace("{minutes}", Math.ceil(seconds / MINUTE));
}

function draw() {
  const state = opening ? "opening" : call ? call.state : OVER.includes(place.dataset.state) ? place.dataset.state : "idle";
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  place.dataset.state = state;
  for (const part of place.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
  if (focused && !focused.checkVisibility()) find(FOCUS[state] || "[data-status]").focus();
  if (!call && !opening) return tell(state);
  const offered = Boolean(call?.told.callback);
  find("[data-back]").hidden = !offered;
  if (!offered) ask(false);
  find("[data-status]").textContent = status();
  find("[data-wait]").textContent = wait();
  const mute = find("[data-call=mute]");
  const muted = Boolean(call) && !call.track.enabled;
  mute.setAttribute("aria-pressed", String(muted));
  mute.title = mute.ariaLabel = muted ? mute.dataset.on : mute.dataset.off;
  find("[data-time]").hidden = !call?.since;
  find("[data-recording]").hidden = !call?.told.recording;
  return tell(state);
}

setInterval(() => {
  if (!call?.since) return;
  const seconds = Math.floor((Date.now() - call.since) / 1000);
  find("[data-time]").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}, 500);

// The page around the frame shows that a call goes on.
const tell = (state) => parent !== window && parent.postMessage({ okno: "call", going: !["idle", ...OVER].includes(state) }, "*");
draw();
