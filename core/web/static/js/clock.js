// Everything that shows time passing: one tick a second, no request.
//   <time datetime data-since [data-warn-after]>  counts up, data-late after so many seconds;  <time datetime data-ago>  "5 min ago";  <okno-due due warn>  counts down.
const words = JSON.parse(document.getElementById("texts")?.textContent || "{}");
const meta = document.querySelector("meta[name=server-now]");
// The server's clock decides: a wrong clock on the agent's machine must not shift deadlines.
const skew = meta ? Date.parse(meta.content) - Date.now() : 0;

export const serverNow = () => Date.now() + skew;

export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  const two = (number) => String(number).padStart(2, "0");
  const gap = document.documentElement.lang === "ru" ? " " : "";
  if (days) return `${days}${gap}${words.days} ${hours % 24}${gap}${words.hours}`;
  if (hours) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

// Coarse: "2 h 10 min", for deadlines, where seconds only matter at the end.
function coarse(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} ${words.days} ${hours % 24} ${words.hours}`;
  if (hours) return `${hours} ${words.hours} ${minutes % 60} ${words.minutes}`;
  return minutes >= 10 ? `${minutes} ${words.minutes}` : span(Math.abs(milliseconds));
}

function ago(milliseconds) {
  const minutes = Math.floor(milliseconds / 60000);
  if (minutes < 1) return words.just_now;
  return minutes < 60 ? `${minutes} ${words.minutes} ${words.ago}` : null;
}

const put = (element, text) => element.textContent !== text && (element.textContent = text);

class Due extends HTMLElement {
  tick(moment) {
    const due = Date.parse(this.getAttribute("due"));
    const warn = Date.parse(this.getAttribute("warn"));
    const place = this.querySelector("span");
    this.base ??= place.textContent.trim();
    if (this.hasAttribute("paused") || !due) return;
    const left = due - moment;
    this.classList.toggle("badge-bad", left <= 0);
    this.classList.toggle("badge-warn", left > 0 && moment >= warn);
    const label = this.base.replace(/[\s:]*(\d+[:\d]*)?\s*$/, "") && !/\d/.test(this.base) ? `${this.base} ` : "";
    put(place, left <= 0 ? `${label}+${coarse(left)}` : label + coarse(left));
  }
}
customElements.define("okno-due", Due);

function tick() {
  if (document.hidden) return;
  const moment = serverNow();
  for (const element of document.querySelectorAll("time[data-since]")) {
    const passed = moment - Date.parse(element.dateTime);
    put(element, span(passed));
    if (!element.dataset.warnAfter) continue;
    const part = passed / (1000 * element.dataset.warnAfter);
    element.toggleAttribute("data-late", part >= 1);
    element.style.setProperty("--waited", Math.min(1, Math.max(0, part)).toFixed(3));
  }
  for (const element of document.querySelectorAll("okno-due")) element.tick?.(moment);
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = ago(moment - Date.parse(element.dateTime));
    if (text) put(element, text);
  }
  for (const element of document.querySelectorAll("[data-zone]")) {
    put(element, new Date(moment).toLocaleTimeString("ru", { timeZone: element.dataset.zone, hour: "2-digit", minute: "2-digit" }));
  }
}
setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
tick();
