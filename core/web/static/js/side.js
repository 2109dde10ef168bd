// The panels beside the work (knowledge and the like): loaded when they come into view, following the case in view.
import { all, find } from "./app.js";

const side = document.getElementById("side");
const isCollapsed = () => "collapsed" in side.dataset;

export function pick(tab) {
  for (const other of all(".side-tab")) {
    other.ariaSelected = String(other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
  collapse(false);
}

export function collapse(on = !isCollapsed(), kept = true) {
  if (!side) return;
  side.toggleAttribute("data-collapsed", on);
  document.getElementById("side-toggle").ariaExpanded = String(!on);
  if (kept) localStorage.setItem("okno.side", on ? "closed" : "open");
  if (!on) load();
}

export function load() {
  for (const panel of all(".side-panel[data-url]", side)) {
    if (panel.hidden || panel.dataset.loaded) continue;
    panel.dataset.loaded = "yes";
    window.htmx.ajax("GET", panel.dataset.url, { target: panel, swap: "innerHTML" });
  }
}

// Alt+K: into the first panel's search field.
export function seek() {
  if (!side) return false;
  pick(find(".side-tab", side));
  const field = () => find(".side-panel:not([hidden]) input[type=search], .side-panel:not([hidden]) input:not([type=hidden])", side);
  field() ? field().focus() : side.addEventListener("htmx:afterSettle", () => field()?.focus(), { once: true });
  return true;
}

// The panels follow the case in view, unless they do so themselves or somebody is typing there.
export function aim(caseId, interaction) {
  if (!side || !caseId) return;
  for (const panel of all(".side-panel[data-url]", side)) {
    const url = new URL(panel.dataset.url, location);
    if (url.searchParams.get("case_id") === caseId && (url.searchParams.get("interaction_id") || "") === interaction) continue;
    if (find("[data-follows-focus]", panel)) continue;
    if (panel.contains(document.activeElement) && document.activeElement.matches("input, textarea")) continue;
    url.searchParams.set("case_id", caseId);
    interaction ? url.searchParams.set("interaction_id", interaction) : url.searchParams.delete("interaction_id");
    panel.dataset.url = url.pathname + url.search;
    delete panel.dataset.loaded;
  }
  if (!isCollapsed()) load();
}

export function start() {
  if (!side) return;
  const kept = localStorage.getItem("okno.side");
  if (kept === "closed" || (!kept && innerWidth < 1400)) collapse(true, false);
  else load();
}

side?.addEventListener("click", ({ target }) => {
  if (target.closest("#side-toggle")) collapse();
  if (target.closest(".side-tab")) pick(target.closest(".side-tab"));
});
side?.addEventListener("keydown", (event) => {
  const tab = event.target.closest(".side-tab");
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !by) return;
  const tabs = all(".side-tab", side);
  const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
  pick(next);
  next.focus();
});
