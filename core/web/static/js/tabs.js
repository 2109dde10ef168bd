// The information area: panels fetched into tabs, kept in the address bar's history and across reloads.
import { all, find, icon, signedOut, texts, toast } from "./app.js";

const MOST = 30;
// So many panels stay in the page; those not looked at for longest are let go and fetched again when they are.
const LOADED = 8;
const strip = document.getElementById("tabs");
const area = document.getElementById("panels");
const memory = `okno.tabs.${document.getElementById("desk").dataset.user}`;
// Chosen in one's settings: always open, never closed.
const pinnedUrl = document.getElementById("bell")?.dataset.pinned;
const pathOf = (url) => new URL(url, location).pathname;
const sectionOf = (url) => pathOf(url).split("/")[1];
const stays = (tab) => pathOf(tab.url) === "/" || (pinnedUrl && pathOf(tab.url) === pathOf(pinnedUrl));
const tabs = [];
let current = null;
let looks = 0;

// The page server-rendered into the shell, then what was open before the reload.
export function start() {
  const first = find(".panel", area);
  const here = first.dataset.url.split("#")[0] || "/";
  for (const saved of recall()) if (pathOf(saved.url) !== pathOf(here)) tabs.push({ ...saved, panel: null });
  if (![...tabs, { url: here }].some((tab) => pathOf(tab.url) === "/")) tabs.unshift({ url: "/", title: "", icon: "home", panel: null });
  const kept = recall().find((saved) => pathOf(saved.url) === pathOf(here));
  const tab = { url: here, title: "", icon: "", panel: first, scroll: kept?.scroll };
  const place = recall().findIndex((saved) => pathOf(saved.url) === pathOf(here));
  tabs.splice(place >= 0 ? Math.min(place, tabs.length) : pathOf(here) === "/" ? 0 : tabs.length, 0, tab);
  if (pinnedUrl && !tabs.some((other) => pathOf(other.url) === pathOf(pinnedUrl))) tabs.splice(1, 0, { url: pinnedUrl, title: "", icon: "pin", panel: null });
  name(tab);
  show(tab, "replace");
  window.htmx.process(first);
  rescroll(tab);
}

export function open(url, { reload = false, history = "push", background = false, title = "", icon: mark = "" } = {}) {
  let tab = tabs.find((other) => pathOf(other.url) === pathOf(url));
  const fresh = !tab;
  if (fresh) {
    if (tabs.length >= MOST) return toast(texts.too_many_tabs, "warn");
    tab = { url, title, icon: mark, panel: null };
    tabs.push(tab);
  } else if (tab.url !== url && new URL(url, location).search !== new URL(tab.url, location).search && url.includes("?")) {
    tab.url = url;
    reload = true;
  }
  if (reload && tab.panel) load(tab);
  if (!background) show(tab, history);
  else draw();
}

export function here(url) {
  current.url = url;
  history.replaceState({}, "", url);
  load(current);
}

export const active = () => current;
export const panelFor = (path) => tabs.find((tab) => pathOf(tab.url) === path)?.panel;
export const panels = () => tabs.filter((tab) => tab.panel).map((tab) => tab.panel);

export function close(tab = current) {
  if (stays(tab)) return;
  const place = tabs.indexOf(tab);
  unload(tab);
  tabs.splice(place, 1);
  if (tab === current) show(tabs[Math.max(0, place - 1)], "push");
  else draw();
}

export function step(by) {
  const place = tabs.indexOf(current);
  show(tabs[(place + by + tabs.length) % tabs.length], "push");
}

function unload(tab) {
  if (!tab.panel) return;
  remember(tab);
  leave(tab.panel);
  tab.panel.remove();
  tab.panel = null;
}

// Never what is in view, nor where a letter has files that only this page has.
function letGo() {
  const loaded = tabs.filter((tab) => tab.panel && tab !== current).sort((one, other) => one.looked - other.looked);
  const free = loaded.filter(({ panel }) => !all("input[type=file]", panel).some((field) => field.files.length));
  for (const tab of free.slice(0, Math.max(0, loaded.length + 1 - LOADED))) unload(tab);
}

// --- where a panel was scrolled to, across reloads ---------------------------------------------------
const scroller = (panel) => find("[data-scroll]", panel) || panel;

function remember(tab) {
  if (!tab.panel || tab.panel.hidden) return;
  const place = scroller(tab.panel);
  // Whoever was at the end of a timeline wants to be there again, even when more has come.
  tab.scroll = place.matches("[data-scroll-end]") && place.scrollHeight - place.scrollTop - place.clientHeight < 80 ? null : place.scrollTop;
}

function rescroll(tab) {
  if (tab.scroll) scroller(tab.panel).scrollTop = tab.scroll;
}
addEventListener("pagehide", () => {
  if (!current) return;
  remember(current);
  keep();
});

function show(tab, how) {
  if (current && current !== tab) remember(current);
  current = tab;
  tab.looked = ++looks;
  if (!tab.panel) {
    tab.panel = document.createElement("section");
    tab.panel.className = "panel";
    tab.panel.role = "tabpanel";
    tab.panel.tabIndex = -1;
    tab.panel.id = idOf(tab);
    area.append(tab.panel);
    load(tab);
  }
  for (const other of tabs) if (other.panel) other.panel.hidden = other !== tab;
  letGo();
  rescroll(tab);
  delete tab.news;
  if (how === "push" && location.pathname + location.search !== tab.url) history.pushState({}, "", tab.url);
  if (how === "replace") history.replaceState({}, "", tab.url);
  draw();
  if (tab.stale) load(tab, { morph: true });
  tab.panel.dispatchEvent(new CustomEvent("okno:shown", { bubbles: true }));
}

export async function load(tab, { morph: merging = false } = {}) {
  const { panel, url } = tab;
  // What has not come yet cannot be merged into.
  const morph = merging && !find(".panel-skeleton", panel);
  delete tab.stale;
  const turn = (tab.turn = (tab.turn || 0) + 1);
  if (!morph && !panel.childElementCount) panel.replaceChildren(document.getElementById("panel-skeleton").content.cloneNode(true));
  if (!morph) await leave(panel);
  tab.missed = new Set();
  let answer, html;
  try {
    answer = await fetch(url, { headers: { "HX-Request": "true" } });
    html = await answer.text();
  } catch {
    answer = null;
  }
  if (answer?.status === 401) signedOut();
  if (tab.url !== url || tab.panel !== panel || tab.turn !== turn) return;
  const missed = [...tab.missed];
  tab.missed = null;
  if (!answer?.ok) {
    const trigger = answer?.headers.get("HX-Trigger");
    if (morph) return;
    panel.replaceChildren(document.getElementById("panel-failed").content.cloneNode(true));
    if (trigger) toast(JSON.parse(trigger).toast?.text, "error");
  } else if (morph) {
    window.Idiomorph.morph(panel, html, { morphStyle: "innerHTML" });
    window.htmx.process(panel);
  } else {
    const back = keepTyped(panel);
    panel.dispatchEvent(new CustomEvent("okno:replacing", { bubbles: true }));
    panel.innerHTML = html;
    window.htmx.process(panel);
    back();
  }
  name(tab);
  draw();
  if (!morph) {
    panel.dispatchEvent(new CustomEvent("okno:loaded", { bubbles: true }));
    rescroll(tab);
  }
  if (answer?.ok) missed.forEach((what) => refreshTab(tab, what));
}

// Whoever saves something of the panel does so before a fresh one is asked for: it would else show what was there before.
const PATIENCE = 2000;
export function leave(panel) {
  const waits = [];
  panel.dispatchEvent(new CustomEvent("okno:leave", { bubbles: true, detail: { waits } }));
  return waits.length && Promise.race([Promise.all(waits), new Promise((go) => setTimeout(go, PATIENCE))]);
}

// What is being typed into fields with data-keep goes over into the fresh page, with the focus.
function keepTyped(panel) {
  const fields = all("[data-keep]", panel).map(({ id, value }) => ({ id, value }));
  const focused = document.activeElement?.matches("[data-keep]") && panel.contains(document.activeElement) && document.activeElement.id;
  return () => {
    for (const { id, value } of fields) if (document.getElementById(id)) document.getElementById(id).value = value;
    if (focused) document.getElementById(focused)?.focus();
  };
}

// Refreshes what can be refreshed without disturbing: panels that say data-refresh="<name>".
export function refresh(what) {
  for (const tab of tabs) if (tab.panel) refreshTab(tab, what);
}

function refreshTab(tab, what) {
  // The page on its way may be older than what happened: it is looked at again once it is here.
  if (tab.missed) tab.missed.add(what);
  else if (!find(`[data-refresh~="${what}"]`, tab.panel)) return;
  // What nobody looks at is fetched when somebody does.
  else if (tab === current) load(tab, { morph: true });
  else tab.stale = true;
}

export function reload(path) {
  const tab = tabs.find((other) => pathOf(other.url) === path);
  if (tab?.panel) load(tab);
}

// What a tab is called changes with what is unread in it.
export function rename(path, title) {
  const tab = tabs.find((other) => pathOf(other.url) === path);
  if (!tab || tab.title === title) return;
  tab.title = title;
  if (tab.panel) tab.panel.ariaLabel = title;
  draw();
}

export function news(path) {
  const tab = tabs.find((other) => pathOf(other.url) === path);
  if (tab && tab !== current) tab.news = true;
  draw();
}

function name(tab) {
  const root = find("[data-title]", tab.panel);
  tab.title = root?.dataset.title || find("h1", tab.panel)?.textContent.trim() || tab.title || pathOf(tab.url);
  tab.icon = root?.dataset.icon || tab.icon || "file";
  tab.panel.ariaLabel = tab.title;
}

function draw() {
  strip.replaceChildren(...tabs.map(drawTab));
  find('[aria-selected="true"]', strip)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const link of all(".function[data-tab]")) {
    const on = pathOf(link.dataset.tab) === pathOf(current.url);
    on ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (current.title) document.title = `${current.title} · Okno`;
  keep();
}

const keep = () => sessionStorage.setItem(memory, JSON.stringify(tabs.map(({ url, title, icon: mark, scroll }) => ({ url, title, icon: mark, scroll }))));
const idOf = (tab) => `panel-${pathOf(tab.url).replace(/\W+/g, "-")}`;

function drawTab(tab) {
  const element = document.createElement("div");
  element.className = "tab";
  element.role = "tab";
  element.tabIndex = tab === current ? 0 : -1;
  element.ariaSelected = String(tab === current);
  element.title = tab.title;
  const label = document.createElement("span");
  label.className = "tab-name clip";
  label.textContent = tab.title || find(`.function[data-tab="${pathOf(tab.url)}"] .function-label`)?.textContent || pathOf(tab.url);
  element.append(icon(tab.icon || "file"), label);
  if (tab.news) element.append(Object.assign(document.createElement("span"), { className: "tab-dot" }));
  element.onclick = () => show(tab, "push");
  element.onauxclick = (event) => event.button === 1 && close(tab);
  element.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === " ") show(tab, "push");
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      step(event.key === "ArrowRight" ? 1 : -1);
      find('[aria-selected="true"]', strip).focus();
    }
    if (event.key === "Delete") close(tab);
  };
  if (!stays(tab)) {
    const button = document.createElement("span");
    button.className = "tab-close";
    button.title = texts.close_tab;
    button.append(icon("x", "xs"));
    button.onclick = (event) => (event.stopPropagation(), close(tab));
    element.append(button);
  }
  return element;
}

function recall() {
  return JSON.parse(sessionStorage.getItem(memory) || "[]");
}

addEventListener("popstate", () => open(location.pathname + location.search, { history: "none" }));

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const again = event.target.closest("[data-reload-panel]");
  if (again) return load(current);
  const link = event.target.closest("a[href]");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  const inside = link.closest(".panel");
  if (!(link.dataset.tab || "here" in link.dataset || inside) || sectionOf(link.href) === "admin") return;
  event.preventDefault();
  const url = link.pathname + link.search;
  const same = inside && !link.dataset.tab && sectionOf(url) === sectionOf(current.url);
  "here" in link.dataset || same ? here(url) : open(url);
  link.closest("dialog")?.close();
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-tab-form]");
  if (!form) return;
  event.preventDefault();
  const values = [...new FormData(form)].filter(([, value]) => value !== "");
  const url = `${new URL(form.action).pathname}?${new URLSearchParams(values)}`;
  form.closest("dialog")?.close();
  form.dataset.tabForm === "here" ? here(url) : open(url);
});
document.addEventListener("change", (event) => event.target.closest("form[data-submit-on-change]")?.requestSubmit());
