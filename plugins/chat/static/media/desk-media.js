// Calls and shown pages at the desk: hears of them and loads what they need when there is one.
import { all } from "/static/js/app.js";

let dock = null;
const docked = () => (dock ??= import("/chat/static/media/call-dock.js").then(({ start }) => start()));

document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type === "chat.call") docked().then((calls) => calls.hear(payload));
  if (type === "chat.cobrowse" && payload.kind !== "piece") docked().then((calls) => calls.hearPage(payload));
});
document.addEventListener("okno:call", ({ detail }) => docked().then((calls) => calls.begin(detail.call)));

// The tab with a visitor's page brings its own script.
const shown = () => all("okno-shown-page:not(:defined)").length && import("/chat/static/media/shown-page.js");
document.addEventListener("okno:loaded", shown);
shown();

// What is going on already when the desk loads.
fetch("/chat/calls", { headers: { Accept: "application/json" } }).then(async (answer) => {
  const { calls, pages } = answer.ok ? await answer.json() : { calls: [], pages: [] };
  if (calls.length || pages.length) docked().then((there) => there.restore(calls, pages));
}, () => {});
