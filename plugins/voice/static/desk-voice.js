// Calls at the desk: hears of them and loads the softphone when there is one, or when a page wants to make one.
import { all } from "/static/js/app.js";

let phone = null;
export const softphone = () => (phone ??= import("/voice/static/softphone/phone.js").then(({ start }) => start()));

document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type.startsWith("voice.")) softphone().then((there) => there.hear(type, payload));
  else if (type === "reset" && phone) softphone().then((there) => there.restore());
});
// A page of this plugin asks: document.dispatchEvent(new CustomEvent("voice:do", {detail: {what: "call", …}})).
document.addEventListener("voice:do", ({ detail }) => softphone().then((there) => there.wish(detail)));

// Pages in tabs bring elements whose scripts are loaded with them.
const ELEMENTS = {
  "okno-voice-devices": "devices-panel.js",
  "okno-phone": "phone-page.js",
  "okno-live-calls": "live-calls.js",
  "okno-callbacks": "callbacks-page.js",
};
function define() {
  for (const [name, file] of Object.entries(ELEMENTS)) if (all(`${name}:not(:defined)`).length) import(`/voice/static/softphone/${file}`);
}
for (const moment of ["okno:loaded", "htmx:afterSwap"]) document.addEventListener(moment, define);
define();

// Calls that are in hand already when the desk loads.
fetch("/voice/state", { headers: { Accept: "application/json" } }).then(async (answer) => {
  const state = answer.ok ? await answer.json() : { calls: [] };
  if (state.calls.length) softphone().then((there) => there.restore(state));
}, () => {});
