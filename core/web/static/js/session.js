// The session of the open desk: over, taken over or expired, entered again in place; leaving with work in hand.
import { all, find, openDialog } from "./app.js";
import * as offers from "./offers.js";
import { connect } from "./stream.js";
import * as tabs from "./tabs.js";

const over = document.getElementById("session-over");
const leave = document.getElementById("leave");
const user = document.getElementById("desk").dataset.user;
const fetchPart = (url) => fetch(url, { headers: { "HX-Request": "true" }, cache: "no-store" });
let asking = null;
let entries = 0;

// Asks the server how the session stands: others of this user's sessions may have ended, not this one.
export function check() {
  asking ??= ask().finally(() => (asking = null));
}

async function ask() {
  const before = entries;
  const answer = await fetchPart(`${over.dataset.url}?user=${user}`);
  // Asked with the old cookie, answered after the page has been entered again.
  if (before !== entries) return ask();
  const away = answer.headers.get("HX-Redirect");
  if (away) return location.assign(away);
  if (answer.headers.get("HX-Refresh")) return location.reload();
  if (answer.status !== 200) return over.open && back();
  for (const offer of all("dialog.offer")) offers.dropOffer(offer.dataset.offer);
  if (over.open && find("input[type=password]", over)?.value) return;
  over.innerHTML = await answer.text();
  window.htmx.process(over);
  openDialog(over);
}

function back() {
  entries += 1;
  over.close();
  over.replaceChildren();
  // Another listener makes the shared worker try at once, instead of after its long pause.
  connect({})();
  document.dispatchEvent(new CustomEvent("okno:around"));
}

over.addEventListener("cancel", (event) => event.preventDefault());
document.addEventListener("okno:signed-out", check);
document.addEventListener("okno:signed-in", back);
document.addEventListener("okno:event", ({ detail }) => detail.type === "session.ended" && check());

// --- leaving ----------------------------------------------------------------------------------------
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches('form[action$="/sign-out"]') || "sure" in form.dataset) return;
  event.preventDefault();
  // What is half written goes to the server before the count of drafts is made.
  await Promise.all(all(".panel").map(tabs.leave));
  const answer = await fetchPart(leave.dataset.url).catch(() => null);
  if (answer?.status !== 200) return form.submit();
  leave.innerHTML = await answer.text();
  openDialog(leave);
});
