// What lies over the desk: sheets on a phone, menus, dialogs. Escape closes the top one; the focus goes back where it was.
import { all, find } from "./app.js";

const sheets = () => all("[data-shown]");
export const hideSheets = () => sheets().forEach((element) => element.removeAttribute("data-shown"));

export function sheet(element, opened = () => {}) {
  const shown = "shown" in element.dataset;
  hideSheets();
  element.toggleAttribute("data-shown", !shown);
  if (!shown) opened();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || find("dialog:modal") || !sheets().length) return;
  hideSheets();
  event.preventDefault();
});

// A menu is walked with the arrows.
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !by || event.altKey) return;
  const items = all(".menu-item", menu).filter((item) => item.checkVisibility());
  const at = items.indexOf(document.activeElement);
  items[(at + by + items.length) % items.length]?.focus();
  event.preventDefault();
});

// The browser gives the focus back to what opened a dialog; news may have taken that away meanwhile.
document.addEventListener("close", () => {
  queueMicrotask(() => document.activeElement === document.body && find(".panel:not([hidden])")?.focus({ preventScroll: true }));
}, true);
