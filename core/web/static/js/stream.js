// What happens in the house, told to this page.
//
//   import { connect } from "./stream.js";
//   const close = connect({ after, onEvent, onStatus, url });
//
//   after     the event id this page was rendered at (a number): what happened since then is told first. Without it: from now
//   onEvent   called with {id, type, topic, payload} for each event, in order and once. Types: "queue.changed",
//             "offer.made", … and "reset": too much was missed, load again what you show
//   onStatus  called with "connected", "reconnecting" (what is shown may be old) or "refused" (sign in again)
//   url       another stream than /events, for instance a visitor's with its token
//
// Gives a function that ends it. All tabs share one connection where the browser knows SharedWorker; elsewhere each
// page has its own.

const WORKER = new URL("./stream-worker.js", import.meta.url);

export function connect({ after = null, onEvent = () => {}, onStatus = () => {}, url = "/events" } = {}) {
  const port = open(url);
  port.onmessage = ({ data }) => {
    if (data.kind === "status") onStatus(data.status);
    else onEvent({ id: data.id, type: data.type, topic: data.topic, payload: data.payload });
  };
  const join = () => port.postMessage({ kind: "join", after });
  const leave = () => port.postMessage({ kind: "leave" });
  // A page in the back/forward cache must not hold the stream; it loads again when it comes back.
  const hide = () => leave();
  const show = (event) => event.persisted && location.reload();
  addEventListener("pagehide", hide);
  addEventListener("pageshow", show);
  join();
  return () => {
    removeEventListener("pagehide", hide);
    removeEventListener("pageshow", show);
    leave();
  };
}

function open(url) {
  if (typeof SharedWorker === "undefined") return openHere(url);
  const address = new URL(WORKER);
  if (url !== "/events") address.searchParams.set("url", url);
  const { port } = new SharedWorker(address, { type: "module", name: `okno ${url}` });
  port.start();
  return port;
}

function openHere(url) {
  const { port1, port2 } = new MessageChannel();
  import(WORKER).then(({ SharedStream }) => new SharedStream(url).add(port2));
  port1.start();
  return port1;
}
