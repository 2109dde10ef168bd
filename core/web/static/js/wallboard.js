// The wallboard: redrawn when something happened, at most every two seconds, and once more when the numbers have settled.
import { find } from "./app.js";
import { serverNow } from "./clock.js";
import { connect } from "./stream.js";

const main = document.getElementById("main");
const lost = document.getElementById("wall-lost");
const SOON = 2000;
const SETTLED = 6000;
const HEARD = new Set(["interaction.changed", "queue.changed", "presence.changed", "reset"]);
let [soon, settled, hiding] = [null, null, null];

async function draw() {
  const answer = await fetch("/wallboard/board", { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status === 401) return location.assign("/sign-in?next=/wallboard");
  if (answer?.ok) window.Idiomorph.morph(find(".wall-board", main), await answer.text(), { morphStyle: "outerHTML" });
}

function changed() {
  soon ??= setTimeout(() => ((soon = null), draw()), SOON);
  clearTimeout(settled);
  settled = setTimeout(draw, SETTLED);
}

connect({
  after: Number(main.dataset.after),
  onEvent: ({ type }) => HEARD.has(type) && changed(),
  onStatus: (status) => {
    clearTimeout(hiding);
    if (status === "connected") {
      if (!lost.hidden) draw();
      lost.hidden = true;
    } else hiding = setTimeout(() => (lost.hidden = false), SOON);
  },
});

const clock = document.getElementById("wall-clock");
const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: clock.dataset.clock, hour: "2-digit", minute: "2-digit" });
const tell = () => (clock.textContent = time.format(serverNow()));
setInterval(tell, 1000);
tell();

document.getElementById("wall-full").addEventListener("click", () => document.documentElement.requestFullscreen());
