// Which other pages of this browser are open, so that closing the last one tells the server. Every page has this.
//
// The good-bye is only a hint: the grace begins when the stream ends, and a page that loads again is not gone.
const LEFT = "okno.left";
const room = new BroadcastChannel("okno.pages");
// Not crypto.randomUUID: a house without HTTPS has none.
const me = Math.random().toString(36).slice(2);
const others = new Set();
const token = () => document.querySelector("meta[name=csrf-token]")?.content;
const tell = (url) => navigator.sendBeacon(url, new URLSearchParams({ csrf_token: token() }));

room.onmessage = ({ data: { kind, from } }) => {
  kind === "bye" ? others.delete(from) : others.add(from);
  if (kind === "hello") room.postMessage({ kind: "here", from: me });
};
room.postMessage({ kind: "hello", from: me });

const isDesk = Boolean(document.getElementById("desk"));
addEventListener("pagehide", () => {
  room.postMessage({ kind: "bye", from: me });
  if (!isDesk || others.size) return;
  sessionStorage.setItem(LEFT, "yes");
  tell("/session/bye");
});
if (sessionStorage.getItem(LEFT)) {
  sessionStorage.removeItem(LEFT);
  // A desk shows by its stream that it is there again.
  if (!isDesk) tell("/session/here");
}
