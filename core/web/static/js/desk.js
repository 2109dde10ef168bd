// The desk: events from the server into fresh parts of the page, the case in focus, what commands answer, keys.
import * as actives from "./actives.js";
import { all, find, openDialog, send, texts, toast } from "./app.js";
import "./case.js";
import * as composer from "./composer.js";
import { hideSheets, sheet } from "./layers.js";
import * as link from "./link.js";
import * as offers from "./offers.js";
import { freshCase, later, merge, pieces } from "./refresh.js";
import "./search.js";
import * as session from "./session.js";
import { drawSheet, on, press } from "./shortcuts.js";
import * as side from "./side.js";
import "./states.js";
import "./supervisor.js";
import { connect } from "./stream.js";
import * as tabs from "./tabs.js";
import "./translate.js";

const AROUND = 60;
// What happens to others only moves a counter here; a house of two hundred agents must not redraw each desk at each step.
const AROUND_OTHERS = 1500;
const NUMBERS = 6000;
const desk = document.getElementById("desk");
const me = Number(desk.dataset.user);
let focus = sessionStorage.getItem("okno.focus") || "";

// --- fresh parts ------------------------------------------------------------------------------------
const around = later(async () => {
  for (const part of await pieces(`/desk/around?focus=${focus}`)) merge(part);
  actives.mark(focus);
  tellFocus();
  readShown();
}, AROUND);
const queue = later(() => tabs.refresh("queue"), 250);
const cases = later(() => tabs.refresh("cases"), 800);
const home = later(() => tabs.refresh("home"), 3000);

// The server keeps its numbers for five seconds: the last event of a burst is answered by a second look.
let counted = null;
let changedAt = 0;
function numbers() {
  changedAt = Date.now();
  counted ??= setTimeout(async () => {
    const since = Date.now();
    for (const part of await pieces("/desk/indicators")) merge(part);
    counted = null;
    if (changedAt > since - NUMBERS + 1000) numbers();
  }, NUMBERS);
}

// --- events -----------------------------------------------------------------------------------------
const mine = (interaction, agent) => agent === me || Boolean(document.getElementById(`active-${interaction}`));
const HEAR = {
  "queue.changed": () => (around(AROUND_OTHERS), queue(), home()),
  "menu.changed": () => around(),
  "presence.changed": ({ user_id: user }) => user === me && (around(), home()),
  "interaction.changed": ({ interaction_id: interaction, case_id: id, agent_id: agent, state }) => {
    around(mine(interaction, agent) ? AROUND : AROUND_OTHERS);
    cases();
    numbers();
    const shown = find(".case", tabs.panelFor(`/cases/${id}`) || document.createElement("i"));
    if (shown && ("mine" in shown.dataset !== (agent === me && ["active", "wrap_up"].includes(state)) || shown.dataset.state !== state)) {
      tabs.reload(`/cases/${id}`);
    }
  },
  "case.changed": ({ case_id: id }) => (freshCase(id), cases()),
  "message.added": ({ case_id: id, author, preview, agent_id: agent }) => {
    freshCase(id);
    if (agent !== me) return;
    around();
    home();
    if (author !== "contact") return;
    tabs.news(`/cases/${id}`);
    if (!tabs.panelFor(`/cases/${id}`)?.checkVisibility()) toast(preview);
  },
  "participants.changed": ({ case_id: id }) => {
    around();
    if (tabs.panelFor(`/cases/${id}`)) tabs.reload(`/cases/${id}`);
  },
  "outbox.changed": ({ case_id: id }) => id && freshCase(id),
  "offer.made": () => (offers.fetchOffers(), around()),
  "offer.gone": ({ offer_id: id }) => (offers.dropOffer(id), around()),
  notice: ({ level, text }) => toast(typeof text === "object" ? text[document.documentElement.lang] : text, level),
  reset,
};

// Too much was missed to go event by event: everything in view is fetched again and merged into what is there.
function reset() {
  around();
  numbers();
  offers.fetchOffers();
  for (const name of new Set(all("[data-refresh]").flatMap((element) => element.dataset.refresh.split(" ")))) tabs.refresh(name);
  for (const element of all(".case[data-case]")) freshCase(element.dataset.case);
}

connect({
  after: Number(desk.dataset.after),
  onEvent: ({ type, payload }) => {
    HEAR[type]?.(payload);
    document.dispatchEvent(new CustomEvent("okno:event", { detail: { type, payload } }));
  },
  onStatus: (status) => {
    if (status === "refused") session.check();
    if (link.tell(status)) send("/desk/on").then(reset, reset);
  },
});

// --- focus ------------------------------------------------------------------------------------------
function setFocus(interaction) {
  if (!interaction || String(interaction) === focus) return;
  focus = String(interaction);
  sessionStorage.setItem("okno.focus", focus);
  actives.mark(focus);
  around();
}

let told = "";
function tellFocus() {
  const shown = find(".case", tabs.active()?.panel || document.createElement("i"));
  const { case: caseId = "", interaction = "", service = "", channel = "" } = shown?.dataset || {};
  const detail = { case_id: caseId, interaction_id: interaction, service_id: service, channel };
  const key = JSON.stringify(detail);
  if (key === told) return;
  told = key;
  document.dispatchEvent(new CustomEvent("okno:focus", { detail }));
  side.aim(caseId, interaction);
}

document.addEventListener("okno:shown", ({ target }) => arrived(target));
document.addEventListener("okno:loaded", ({ target }) => (toEnd(target), target.hidden || arrived(target)));

function toEnd(panel) {
  const scroll = find("[data-scroll-end]", panel);
  if (scroll) scroll.scrollTop = scroll.scrollHeight;
}

function arrived(panel) {
  const shown = find(".case", panel);
  if (shown && "writes" in shown.dataset) {
    setFocus(shown.dataset.interaction);
    readShown();
  }
  tellFocus();
  hideSheets();
}

// What is in view of somebody who is there has been read.
function readShown() {
  const shown = find(".case[data-mine]", tabs.active()?.panel || document.createElement("i"));
  const line = shown && find(`.active-line[data-focus="${shown.dataset.interaction}"]`);
  if (document.hidden || !Number(line?.dataset.unread)) return;
  line.dataset.unread = 0;
  send(`/interactions/${shown.dataset.interaction}/read`).then(() => around(), () => {});
}
document.addEventListener("visibilitychange", readShown);

// --- what commands answer (HX-Trigger) ---------------------------------------------------------------
document.addEventListener("okno:open", ({ detail }) => {
  for (const dialog of all("dialog[open]:not(.offer)")) dialog.close();
  if (detail.focus) setFocus(detail.focus);
  tabs.open(detail.url, { reload: detail.reload, background: detail.background });
});
document.addEventListener("okno:around", () => around());
document.addEventListener("okno:pops", ({ detail }) => detail.tabs.forEach(({ url, title, icon }) => tabs.open(url, { background: true, title, icon })));
document.addEventListener("okno:fresh", ({ detail }) => freshCase(detail.case_id));
document.addEventListener("okno:sent", ({ detail }) => composer.clear(tabs.panelFor(`/cases/${detail.case_id}`)));
document.addEventListener("okno:noted", ({ detail }) => composer.clearNote(tabs.panelFor(`/cases/${detail.case_id}`)));
// A plugin puts text into the answer: document.dispatchEvent(new CustomEvent("okno:insert", {detail: {html}})); with
// "sends" the answer goes out at once, unless variables in it are not filled in.
document.addEventListener("okno:insert", ({ detail }) => {
  const panel = tabs.active().panel;
  if (composer.compose(panel, "reply")) find("okno-editor", panel).insertHTMLAtCursor(detail.html, () => detail.sends && composer.sendNow(panel));
  else detail.refused?.();
  hideSheets();
});
document.addEventListener("okno:send", () => find(".compose-reply", tabs.active().panel)?.requestSubmit());

// --- clicks -----------------------------------------------------------------------------------------
const CLICKS = {
  "[data-opens]:not([hx-get], [hx-post])": (element) => openDialog(document.getElementById(element.dataset.opens)),
  "[data-focus]": (element) => setFocus(element.dataset.focus),
  "[data-shows-active]": () => sheet(document.getElementById("actives")),
  "[data-shows-side]": () => sheet(document.getElementById("side"), side.load),
  "[data-shows-about]": (element) => element.closest(".case").toggleAttribute("data-about"),
};
document.addEventListener("click", ({ target }) => {
  for (const [selector, act] of Object.entries(CLICKS)) if (target.closest(selector)) act(target.closest(selector));
  const row = target.closest("tr[data-row], tr[data-tab-row]");
  if (row && !target.closest("button, a, input, label")) row.dataset.tabRow ? tabs.open(row.dataset.tabRow) : find("[data-opens]", row).click();
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

// --- keys that need more than a press ----------------------------------------------------------------
const state = (name) => find(`#state-menu input[value="${name}"]`)?.form.requestSubmit();
on("ready", () => state("ready"));
on("not_ready", () => state("not_ready"));
on("next_tab", () => tabs.step(1));
on("previous_tab", () => tabs.step(-1));
on("close_tab", () => tabs.close());
on("next_interaction", () => actives.step(1));
on("previous_interaction", () => actives.step(-1));
on("side", () => side.collapse());
on("knowledge", () => side.seek());
on("answer", () => composer.compose(tabs.active().panel, "reply"));
on("note", () => composer.compose(tabs.active().panel, "note"));
on("search", () => openDialog(document.getElementById("search-box")));
on("keys", () => openDialog(document.getElementById("keys")));
on("directory", () => tabs.open("/directory"));
for (const name of ["send", "send_finish"]) on(name, (event) => submit(event, name === "send_finish"));
on("finish", () => press("finish"));

function submit({ target }, finish) {
  const form = target.closest?.("form[data-kind], form[data-outcome], dialog form");
  const button = form && (finish ? find('[name=then][value="finish"]', form) : all("[type=submit]", form).at(-1));
  if (!button) return false;
  // htmx sends the value of a button that was clicked, not of a submitter.
  button.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("tr[data-row], tr[data-tab-row]")) event.target.click();
});

// --- start ------------------------------------------------------------------------------------------
all(".panel").forEach(toEnd);
tabs.start();
drawSheet();
offers.showOffers();
side.start();
if (focus) around();
