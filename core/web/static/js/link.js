// Whether the server is there. What is pressed while it is not is refused in words, before anything is lost.
import { texts, toast } from "./app.js";

const SHOWN_AFTER = 2000;
const line = document.getElementById("link-line");
let timer = null;
let away = false;
let met = false;

// Gives true when the connection has come back after a break that may have lost something.
export function tell(status) {
  if (status === "connected") {
    clearTimeout(timer);
    const back = met && away;
    [met, away, line.hidden] = [true, false, true];
    return back;
  }
  if (status === "refused") {
    // The server is there: it asks who we are (session.js).
    clearTimeout(timer);
    [away, line.hidden] = [true, true];
    return false;
  }
  // Each failed attempt says so again; the line appears two seconds after the first.
  if (!away) timer = setTimeout(() => (line.hidden = false), SHOWN_AFTER);
  away = true;
  return false;
}

// While the line is shown a command would only hang or fail: the page says so at once and keeps every word.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb === "get" || line.hidden || event.target.closest("#session-over")) return;
  event.preventDefault();
  event.detail.elt.dispatchEvent(new CustomEvent("okno:unsent", { bubbles: true }));
  toast(texts.refused_offline, "warn");
});
