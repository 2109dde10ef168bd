// The desk: events from the server into fresh parts of the page, focus, keyboard, search, side panel.
import { all, find, openDialog, send, texts, toast } from "./app.js";
import * as composer from "./composer.js";
import * as offers from "./offers.js";
import { connect } from "./stream.js";
import * as tabs from "./tabs.js";

const desk = document.getElementById("desk");
const me = Number(desk.dataset.user);
const line = document.getElementById("link-line");
const side = document.getElementById("side");
let focus = sessionStorage.getItem("okno.focus") || "";

// What scripts have set on an element survives a fresh version of it.
window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !((name === "open" && node.matches("details, dialog")) || name === "data-shown" || (name === "aria-current" && node.matches(".function")));

// --- fresh parts ------------------------------------------------------------------------------------
async function pieces(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (answer.headers.get("HX-Redirect")) location.assign(answer.headers.get("HX-Redirect"));
  const holder = document.createElement("template");
  holder.innerHTML = answer.ok ? await answer.text() : "";
  return [...holder.content.children];
}

function later(act, wait) {
  let timer = null;
  return () => (timer ??= setTimeout(() => ((timer = null), act()), wait));
}

const around = later(async () => {
  for (const part of await pieces(`/desk/around?focus=${focus}`)) {
    const old = document.getElementById(part.id);
    if (!old) continue;
    window.Idiomorph.morph(old, part, { morphStyle: "outerHTML" });
    window.htmx.process(document.getElementById(part.id));
  }
  offers.label();
  await tellFocus();
}, 60);

async function fresh(caseId) {
  const panel = tabs.panelFor(`/cases/${caseId}`);
  const list = panel && find(".timeline", panel);
  if (!list) return;
  const last = all("[data-entry]", list).at(-1)?.dataset.entry || 0;
  const scroll = find("[data-scroll]", panel);
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  for (const part of await pieces(`/cases/${caseId}/fresh?after=${last}&view=${list.dataset.view}`)) {
    if (part.dataset.append) append(list, part);
    else if (document.getElementById(part.id)) {
      window.Idiomorph.morph(document.getElementById(part.id), part, { morphStyle: "outerHTML" });
      window.htmx.process(document.getElementById(part.id));
    }
  }
  for (const block of all(".about-block [hx-get]", panel)) window.htmx.trigger(block, "okno:refresh");
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function append(list, part) {
  for (const entry of [...part.children]) {
    if (document.getElementById(entry.id)) continue;
    entry.classList.add("arrived");
    list.append(entry);
    window.htmx.process(entry);
  }
}

const queue = later(() => tabs.refresh("queue"), 250);
const cases = later(() => tabs.refresh("cases"), 800);

// --- events -----------------------------------------------------------------------------------------
const HEAR = {
  "queue.changed": () => (around(), queue()),
  "presence.changed": ({ user_id: user }) => user === me && around(),
  "interaction.changed": ({ case_id: id, agent_id: agent, state }) => {
    around();
    cases();
    const panel = tabs.panelFor(`/cases/${id}`);
    const shown = panel && find(".case", panel);
    if (shown && ("mine" in shown.dataset !== (agent === me && ["active", "wrap_up"].includes(state)) || shown.dataset.state !== state)) {
      tabs.reload(`/cases/${id}`);
    }
  },
  "case.changed": ({ case_id: id }) => (fresh(id), cases()),
  "message.added": ({ case_id: id, author, preview, agent_id: agent }) => {
    fresh(id);
    around();
    if (author !== "contact" || agent !== me) return;
    tabs.news(`/cases/${id}`);
    if (!tabs.panelFor(`/cases/${id}`)?.checkVisibility()) toast(preview);
  },
  "outbox.changed": ({ case_id: id }) => id && fresh(id),
  "offer.made": () => offers.fetchOffers(),
  "offer.gone": ({ offer_id: id, why }) => (offers.dropOffer(id), around(), why === "expired" && around()),
  notice: ({ level, text }) => toast(typeof text === "object" ? text[document.documentElement.lang] : text, level),
  "session.ended": () => openDialog(document.getElementById("ended")),
  reset: () => (around(), queue(), cases(), offers.fetchOffers(), all(".case[data-case]").forEach((element) => fresh(element.dataset.case))),
};

let lost = null;
connect({
  after: Number(desk.dataset.after),
  onEvent: ({ type, payload }) => {
    HEAR[type]?.(payload);
    document.dispatchEvent(new CustomEvent("okno:event", { detail: { type, payload } }));
  },
  onStatus: (status) => {
    clearTimeout(lost);
    if (status === "refused") return openDialog(document.getElementById("ended"));
    if (status === "connected") {
      if (!line.hidden) send("/desk/on").then(HEAR.reset);
      line.hidden = true;
    } else lost = setTimeout(() => (line.hidden = false), 1500);
  },
});

// --- focus ------------------------------------------------------------------------------------------
function setFocus(interaction) {
  if (!interaction || String(interaction) === focus) return;
  focus = String(interaction);
  sessionStorage.setItem("okno.focus", focus);
  around();
}

let told = "";
async function tellFocus() {
  const shown = find(".case", tabs.active()?.panel);
  const { case: caseId = "", interaction = "", service = "", channel = "" } = shown?.dataset || {};
  const detail = { case_id: caseId, interaction_id: interaction, service_id: service, channel };
  const key = JSON.stringify(detail);
  if (key === told) return;
  told = key;
  document.dispatchEvent(new CustomEvent("okno:focus", { detail }));
  if (caseId && side) aim(caseId, interaction);
}

// The side panels follow the case in view, unless they do so themselves or somebody is typing there.
function aim(caseId, interaction) {
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
  if (!("collapsed" in side.dataset)) loadSide();
}

document.addEventListener("okno:shown", ({ target }) => arrived(target));
document.addEventListener("okno:loaded", ({ target }) => (toEnd(target), target.hidden || arrived(target)));

function toEnd(panel) {
  const scroll = find("[data-scroll-end]", panel);
  if (scroll) scroll.scrollTop = scroll.scrollHeight;
}

function arrived(panel) {
  const shown = find(".case", panel);
  if (shown && "mine" in shown.dataset) {
    setFocus(shown.dataset.interaction);
    const unread = find(`.active-line[data-focus="${shown.dataset.interaction}"]`)?.dataset.unread;
    if (Number(unread)) send(`/interactions/${shown.dataset.interaction}/read`).then(around);
  }
  tellFocus();
  hidePhoneSheets();
}

// Commands answer with these (HX-Trigger).
document.addEventListener("okno:open", ({ detail }) => {
  for (const dialog of all("dialog[open]:not(.offer)")) dialog.close();
  if (detail.focus) setFocus(detail.focus);
  tabs.open(detail.url, { reload: detail.reload });
});
document.addEventListener("okno:around", around);
document.addEventListener("okno:fresh", ({ detail }) => fresh(detail.case_id));
document.addEventListener("okno:sent", ({ detail }) => composer.clear(tabs.panelFor(`/cases/${detail.case_id}`)));
document.addEventListener("okno:noted", ({ detail }) => composer.clearNote(tabs.panelFor(`/cases/${detail.case_id}`)));
// A plugin puts text into the answer: document.dispatchEvent(new CustomEvent("okno:insert", {detail: {html}})).
document.addEventListener("okno:insert", ({ detail }) => {
  const panel = tabs.active().panel;
  if (composer.compose(panel, "reply")) find("okno-editor", panel).insertHTMLAtCursor(detail.html);
  else detail.refused?.();
  hidePhoneSheets();
});
document.addEventListener("okno:send", () => find(".compose-reply", tabs.active().panel)?.requestSubmit());

// --- clicks -----------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const { target } = event;
  const opener = target.closest("[data-opens]");
  if (opener && !opener.hasAttribute("hx-get") && !opener.hasAttribute("hx-post")) openDialog(document.getElementById(opener.dataset.opens));
  const focused = target.closest("[data-focus]");
  if (focused) setFocus(focused.dataset.focus);
  if (target.closest("[data-sound-toggle]")) offers.sound.toggle();
  if (target.closest("[data-notify]")) offers.askNotifications();
  if (target.closest("#side-toggle")) collapse(!("collapsed" in side.dataset));
  if (target.closest(".side-tab")) pickSide(target.closest(".side-tab"));
  if (target.closest("[data-shows-active]")) sheet(document.getElementById("actives"));
  if (target.closest("[data-shows-side]")) sheet(side);
  if (target.closest("[data-shows-about]")) target.closest(".case").toggleAttribute("data-about");
  const row = target.closest("tr[data-row], tr[data-tab-row]");
  if (row && !target.closest("button, a")) row.dataset.tabRow ? tabs.open(row.dataset.tabRow) : find("[data-opens]", row).click();
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.matches("dialog") && detail.target.childElementCount) openDialog(detail.target);
});
for (const id of ["finish", "preview", "task"]) document.getElementById(id).addEventListener("close", ({ target }) => target.replaceChildren());
document.addEventListener("input", ({ target }) => target.dataset.filter && filter(target));

function filter(field) {
  const list = find(field.dataset.filter);
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of all("[data-filter-text]", list)) item.hidden = !words.every((word) => item.dataset.filterText.includes(word));
  for (const group of all("[data-filter-group]", list)) group.hidden = !find("[data-filter-text]:not([hidden])", group);
  find("[data-filter-none]", list).hidden = Boolean(find("[data-filter-text]:not([hidden])", list));
}

// --- side panel and sheets on a phone ---------------------------------------------------------------
function pickSide(tab) {
  for (const other of all(".side-tab")) {
    other.ariaSelected = String(other === tab);
    document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
  collapse(false);
}

function collapse(on) {
  side.toggleAttribute("data-collapsed", on);
  document.getElementById("side-toggle").ariaExpanded = String(!on);
  localStorage.setItem("okno.side", on ? "closed" : "open");
  if (!on) loadSide();
}

function loadSide() {
  for (const panel of all(".side-panel[data-url]", side)) {
    if (panel.hidden || panel.dataset.loaded) continue;
    panel.dataset.loaded = "yes";
    window.htmx.ajax("GET", panel.dataset.url, { target: panel, swap: "innerHTML" });
  }
}

function sheet(element) {
  const shown = "shown" in element.dataset;
  hidePhoneSheets();
  element.toggleAttribute("data-shown", !shown);
  if (element === side && !shown) loadSide();
}
const hidePhoneSheets = () => all("[data-shown]").forEach((element) => element.removeAttribute("data-shown"));

// --- keyboard ---------------------------------------------------------------------------------------
const GO = { h: "/", q: "/queue", c: "/cases" };
const state = (name) => find(`#state-menu input[value="${name}"]`).form.requestSubmit();
const ALT = { KeyA: offers.acceptFirst, KeyW: () => tabs.close(), KeyR: () => state("ready"), KeyN: () => state("not_ready"), ArrowRight: () => tabs.step(1), ArrowLeft: () => tabs.step(-1) };
const PLAIN = {
  "?": () => openDialog(document.getElementById("help")),
  "/": () => openDialog(document.getElementById("search-box")),
  "]": () => side && collapse(!("collapsed" in side.dataset)),
  r: () => composer.compose(tabs.active().panel, "reply"),
  n: () => composer.compose(tabs.active().panel, "note"),
};
let prefix = 0;

document.addEventListener("keydown", (event) => {
  const modified = event.ctrlKey || event.metaKey;
  const typing = event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable], okno-editor");
  const act = keyed(event, modified, typing);
  if (!act) return;
  event.preventDefault();
  act();
});

function keyed(event, modified, typing) {
  if (modified && event.code === "KeyK") return () => openDialog(document.getElementById("search-box"));
  if (modified && event.key === "Enter") return sender(event);
  if (event.altKey && !modified && !(typing && event.code.startsWith("Arrow"))) return ALT[event.code];
  if (event.target.closest?.("#search-box")) return searching(event);
  if (typing || modified || event.altKey || find("dialog[open]")) return null;
  if (event.key === "Enter" && event.target.matches?.("tr[data-row]")) return () => event.target.click();
  if (Date.now() - prefix < 1200 && GO[event.key]) return () => ((prefix = 0), tabs.open(GO[event.key]));
  if (event.key === "g") return () => (prefix = Date.now());
  return PLAIN[event.key];
}

function sender(event) {
  const form = event.target.closest("form[data-kind], form[data-outcome]");
  const button = form && (event.shiftKey ? find('[name=then][value="finish"]', form) : all("[type=submit]", form).at(-1));
  return button && (() => form.requestSubmit(button));
}

function searching(event) {
  const hits = all("#search-found .search-hit");
  const at = hits.findIndex((hit) => hit.ariaSelected === "true");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && hits.length) return () => hits.forEach((hit, index) => {
    hit.ariaSelected = String(index === (at + by + hits.length) % hits.length);
    if (hit.ariaSelected === "true") hit.scrollIntoView({ block: "nearest" });
  });
  if (event.key === "Enter" && at >= 0) return () => hits[at].click();
  return null;
}

// --- start ------------------------------------------------------------------------------------------
tabs.start();
all(".panel").forEach(toEnd);
offers.label();
offers.showOffers();
if (side) {
  const kept = localStorage.getItem("okno.side");
  if (kept === "closed" || (!kept && innerWidth < 1400)) collapse(true);
  else loadSide();
}
if (focus) around();
