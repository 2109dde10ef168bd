// Draws a visitor's page from its events, in a document that may run nothing else and reach nothing of the desk.
//
// From the desk: {kind: "events", events}. To it: {kind: "ready"}, {kind: "address", address}, {kind: "pointer", x, y, pressed}.
import { Replayer } from "/static/vendor/rrweb-replay.js";

const [META, FULL] = [4, 2];
const view = document.getElementById("view");
const tell = (kind, more = {}) => parent.postMessage({ kind, ...more }, location.origin);
let replayer = null;
let size = null;

function begin(first) {
  replayer = new Replayer([], { root: view, liveMode: true, mouseTail: false, showWarning: false, triggerFocus: false, pauseAnimation: false });
  replayer.on("resize", (now) => {
    size = now;
    fit();
  });
  replayer.startLive(first.timestamp);
  view.removeAttribute("aria-busy");
}

function take(events) {
  for (const event of events) {
    if (event.type === META) tell("address", { address: event.data.href });
    // Without a whole picture there is nothing to draw upon.
    if (!replayer && event.type !== META && event.type !== FULL) continue;
    if (!replayer) begin(event);
    replayer.addEvent(event);
  }
}

function fit() {
  if (!size) return;
  const scale = Math.min(1, innerWidth / size.width, innerHeight / size.height);
  replayer.wrapper.style.transform = `scale(${scale})`;
  replayer.wrapper.dataset.scale = String(scale);
  view.style.inlineSize = `${size.width * scale}px`;
  view.style.blockSize = `${size.height * scale}px`;
}
addEventListener("resize", fit);

function point(event, pressed) {
  if (!size) return;
  const box = view.getBoundingClientRect();
  const scale = Number(replayer.wrapper.dataset.scale || 1);
  const [x, y] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
  if (x >= 0 && y >= 0 && x <= size.width && y <= size.height) tell("pointer", { x, y, pressed });
}
addEventListener("pointermove", (event) => point(event, false));
addEventListener("pointerdown", (event) => point(event, true));
addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || origin !== location.origin) return;
  if (data.kind === "hello") tell("ready");
  if (data.kind === "events") take(data.events);
});
tell("ready");
