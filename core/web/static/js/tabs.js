// The information area: panels fetched into tabs, kept in the address bar's history and across reloads.
import { all, find, icon, texts, toast } from "./app.js";

const MOST = 12;
const strip = document.getElementById("tabs");
const area = document.getElementById("panels");
const memory = `okno.tabs.${document.getElementById("desk").dataset.user}`;
const pathOf = (url) => new URL(url, location).pathname;
const sectionOf = (url) => pathOf(url).split("/")[1];
const tabs = [];
let current = null;

// The page server-rendered into the shell, then what was open before the reload.
export function start() {
  const first = find(".panel", area);
  const here = first.dataset.url.split("#")[0] || "/";
  for (const saved of recall()) if (pathOf(saved.url) !== pathOf(here)) tabs.push({ ...saved, panel: null });
  if (![...tabs, { url: here }].some((tab) => pathOf(tab.url) === "/")) tabs.unshift({ url: "/", title: "", icon: "home", panel: null });
  const tab = { url: here, title: "", icon: "", panel: first };
  const place = recall().findIndex((saved) => pathOf(saved.url) === pathOf(here));
  tabs.splice(place >= 0 ? Math.min(place, tabs.length) : pathOf(here) === "/" ? 0 : tabs.length, 0, tab);
  name(tab);
  show(tab, "replace");
  window.htmx.process(first);
}

export function open(url, { reload = false, history = "push", background = false } = {}) {
  let tab = tabs.find((other) => pathOf(other.url) === pathOf(url));
  const fresh = !tab;
  if (fresh) {
    if (tabs.length >= MOST) return toast(texts.too_many_tabs, "warn");
    tab = { url, title: "", icon: "", panel: null };
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
  if (pathOf(tab.url) === "/") return;
  const place = tabs.indexOf(tab);
  tab.panel?.dispatchEvent(new CustomEvent("okno:leave", { bubbles: true }));
  tab.panel?.remove();
  tabs.splice(place, 1);
  if (tab === current) show(tabs[Math.max(0, place - 1)], "push");
  else draw();
}

export function step(by) {
  const place = tabs.indexOf(current);
  show(tabs[(place + by + tabs.length) % tabs.length], "push");
}

function show(tab, how) {
  current = tab;
  if (!tab.panel) {
    tab.panel = document.createElement("section");
    tab.panel.className = "panel";
    tab.panel.role = "tabpanel";
    tab.panel.tabIndex = -1;
    area.append(tab.panel);
    load(tab);
  }
  for (const other of tabs) if (other.panel) other.panel.hidden = other !== tab;
  delete tab.news;
  if (how === "push" && location.pathname + location.search !== tab.url) history.pushState({}, "", tab.url);
  if (how === "replace") history.replaceState({}, "", tab.url);
  draw();
  tab.panel.dispatchEvent(new CustomEvent("okno:shown", { bubbles: true }));
}

export async function load(tab, { morph = false } = {}) {
  const { panel, url } = tab;
  if (!morph && !panel.childElementCount) panel.replaceChildren(document.getElementById("panel-skeleton").content.cloneNode(true));
  if (!morph) panel.dispatchEvent(new CustomEvent("okno:leave", { bubbles: true }));
  let answer, html;
  try {
    answer = await fetch(url, { headers: { "HX-Request": "true" } });
    html = await answer.text();
  } catch {
    answer = null;
  }
  if (answer?.headers.get("HX-Redirect")) return location.assign(answer.headers.get("HX-Redirect"));
  if (tab.url !== url || tab.panel !== panel) return;
  if (!answer?.ok) {
    const trigger = answer?.headers.get("HX-Trigger");
    if (morph) return;
    panel.replaceChildren(document.getElementById("panel-failed").content.cloneNode(true));
    if (trigger) toast(JSON.parse(trigger).toast?.text, "error");
  } else if (morph) {
    window.Idiomorph.morph(panel, html, { morphStyle: "innerHTML" });
    window.htmx.process(panel);
  } else {
    panel.innerHTML = html;
    window.htmx.process(panel);
  }
  name(tab);
  draw();
  if (!morph) panel.dispatchEvent(new CustomEvent("okno:loaded", { bubbles: true }));
}

// Refreshes what can be refreshed without disturbing: panels that say data-refresh="<name>".
export function refresh(what) {
  for (const tab of tabs) if (tab.panel && find(`[data-refresh~="${what}"]`, tab.panel)) load(tab, { morph: true });
}

export function reload(path) {
  const tab = tabs.find((other) => pathOf(other.url) === path);
  if (tab?.panel) load(tab);
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
}

function draw() {
  strip.replaceChildren(...tabs.map(drawTab));
  find('[aria-selected="true"]', strip)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const link of all(".function[data-tab]")) {
    const on = pathOf(link.dataset.tab) === pathOf(current.url);
    on ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (current.title) document.title = `${current.title} · Okno`;
  sessionStorage.setItem(memory, JSON.stringify(tabs.map(({ url, title, icon: mark }) => ({ url, title, icon: mark }))));
}

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
  if (pathOf(tab.url) !== "/") {
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
  try {
    return JSON.parse(sessionStorage.getItem(memory)) || [];
  } catch {
    return [];
  }
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
