// Fresh parts of the page, fetched and merged into what is there: focus, scroll position and half-typed text stay.
import { all, find, signedOut } from "./app.js";
import * as tabs from "./tabs.js";

// So many entries of a case stay in the page while it grows; earlier ones are fetched on demand.
const ENTRIES = 300;
const KEPT = 200;
const FRESH = 40;
// A panel that somebody is writing in, or has just opened a part of, is left alone until the next news.
const TYPED_IN = "input:focus, textarea:focus, summary:focus, details[open] :focus";

// What scripts have set on an element survives a fresh version of it; data-kept parts are fetched by themselves.
window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !((name === "open" && node.matches("details, dialog")) || name === "data-shown" || name === "data-late" || (name === "style" && node.matches("[data-warn-after]")) || (name === "aria-current" && node.matches(".function")));
window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !(node.dataset && "kept" in node.dataset && node.childElementCount);

export async function pieces(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status === 401) signedOut();
  const holder = document.createElement("template");
  holder.innerHTML = answer?.ok ? await answer.text() : "";
  return [...holder.content.children];
}

export function merge(part) {
  const old = document.getElementById(part.id);
  if (!old) return;
  window.Idiomorph.morph(old, part, { morphStyle: "outerHTML" });
  window.htmx.process(document.getElementById(part.id));
}

// At most one call in `wait` milliseconds, at their end; a quicker wish brings it forward. Never two at once: the answer of
// the slower one would overwrite what the other has brought.
export function later(act, wait) {
  let [timer, due, running, again] = [null, 0, false, false];
  const run = async () => {
    timer = null;
    if (running) return void (again = true);
    running = true;
    try {
      await act();
    } finally {
      running = false;
    }
    if (again) run((again = false));
  };
  return (sooner = wait) => {
    const at = Date.now() + sooner;
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(run, sooner);
  };
}

// A burst of events in one case is answered by one or two looks, not by one each.
const looks = new Map();
export function freshCase(caseId) {
  const id = String(caseId);
  if (!looks.has(id)) looks.set(id, later(() => lookAt(id), FRESH));
  looks.get(id)();
}

async function lookAt(caseId) {
  const panel = tabs.panelFor(`/cases/${caseId}`);
  const list = panel && find(".timeline", panel);
  if (!list) return;
  const last = all("[data-entry]", list).at(-1)?.dataset.entry || 0;
  const scroll = find("[data-scroll]", panel);
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  for (const part of await pieces(`/cases/${caseId}/fresh?after=${last}&view=${list.dataset.view}`)) {
    part.dataset.append ? find(".later", list) || append(list, part) : merge(part);
  }
  if (atEnd) trim(list);
  for (const block of all(".about-block [hx-get]", panel)) {
    if (!find(TYPED_IN, block)) window.htmx.trigger(block, "okno:refresh");
  }
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

function trim(list) {
  const entries = all("[data-entry]", list);
  const button = find(".earlier [hx-get]", list);
  if (entries.length <= ENTRIES || !button) return;
  for (const entry of entries.slice(0, -KEPT)) entry.remove();
  const url = new URL(button.getAttribute("hx-get"), location);
  url.searchParams.set("before", entries.at(-KEPT).dataset.entry);
  button.setAttribute("hx-get", url.pathname + url.search);
  window.htmx.process(button);
}
