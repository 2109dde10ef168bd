// The list of active interactions: one stop for Tab, arrows inside, next and previous from anywhere.
import { all, find } from "./app.js";
import { isTyping } from "./shortcuts.js";

const lines = () => all("#actives .active-line");

export function step(by) {
  const list = lines();
  if (!list.length) return false;
  const at = list.findIndex((line) => line.hasAttribute("aria-current"));
  const next = list[at < 0 ? 0 : (at + by + list.length) % list.length];
  const inside = document.activeElement?.closest("#actives");
  next.click();
  if (inside || !isTyping()) next.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || !event.target.closest?.("#actives .active-line")) return;
  const list = lines();
  const at = list.indexOf(event.target.closest(".active-line"));
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const line = list[Math.max(0, Math.min(list.length - 1, next))];
  for (const other of list) other.tabIndex = other === line ? 0 : -1;
  line.focus();
});

// The line whose case is in view is the current one at once, before the server says so.
export function mark(interaction) {
  for (const line of lines()) {
    const on = line.dataset.focus === String(interaction);
    on ? line.setAttribute("aria-current", "true") : line.removeAttribute("aria-current");
    line.tabIndex = on ? 0 : -1;
  }
  if (!find('#actives .active-line[tabindex="0"]') && lines()[0]) lines()[0].tabIndex = 0;
}
