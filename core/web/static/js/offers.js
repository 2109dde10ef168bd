// The offer window (окно уведомления об обращении): a stack of offers, countdown, keyboard, sound, desktop notification.
//
// An offer takes the focus only from who is not typing, so that Enter meant for a text never accepts anything. Whoever types
// answers with Alt+Enter and Alt+X, or goes there with the mouse. A key pressed in the moment an offer appears is not for it.
import { all, find, texts } from "./app.js";
import { serverNow } from "./clock.js";
import { isTyping, on, openModal, press } from "./shortcuts.js";

const place = document.getElementById("offers");
const ARC = 100;
const SOON = 6000;
const LINGER = 1500;
const STARTLE = 600;
const RING_EVERY = 4000;
const announced = new Set();
let ringing = null;
let from = null;
let title = "";

// --- sound and notifications, as the user's settings say (the bell carries them) ---------------------
const wished = (what) => document.getElementById("bell")?.dataset[what] !== "off";
const granted = () => "Notification" in window && Notification.permission === "granted";

let audio = null;
// Browsers play nothing before the first gesture; the first one of the shift unlocks the sound.
function unlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  if (audio.state === "running") for (const gesture of ["pointerdown", "keydown"]) removeEventListener(gesture, unlock, true);
}
for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, unlock, true);

function beep() {
  if (audio?.state !== "running") return;
  [660, 880].forEach((frequency, index) => {
    const [tone, volume, start] = [audio.createOscillator(), audio.createGain(), audio.currentTime + index * 0.16];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.14, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.24);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.26);
  });
}

// Until the last offer is gone and the last caller: the bell, and the title of a page that nobody looks at.
function ring() {
  if (wished("sound")) beep();
  if (!document.hidden) return still();
  title ||= document.title;
  document.title = document.title === title ? `● ${texts.new_offer}` : title;
}

function still() {
  if (title) document.title = title;
  title = "";
}

function announce(tag, title, body) {
  if (announced.has(tag)) return;
  announced.add(tag);
  if (wished("sound")) beep();
  ringing ??= setInterval(ring, RING_EVERY);
  if (document.hidden) ring();
  if (granted() && wished("notifications") && !document.hasFocus()) {
    const notice = new Notification(title, { body, tag, icon: "/static/img/okno.svg" });
    notice.onclick = () => (window.focus(), notice.close());
  }
}

function hush(tag) {
  announced.delete(tag);
  if (announced.size) return;
  ringing = clearInterval(ringing);
  still();
}

// What else rings (a visitor's call) says so: `on`, and again without it when it is answered or over.
document.addEventListener("okno:ring", ({ detail: { tag, on, title, body } }) => (on ? announce(tag, title, body) : hush(tag)));

// --- the stack --------------------------------------------------------------------------------------
const dialogs = () => all("dialog.offer", place);

export async function fetchOffers() {
  const answer = await fetch("/desk/offers", { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const there = new Set(all("dialog", holder.content).map((dialog) => dialog.id));
  for (const dialog of dialogs()) if (!there.has(dialog.id)) drop(dialog);
  for (const dialog of all("dialog", holder.content)) {
    if (document.getElementById(dialog.id)) continue;
    place.append(dialog);
    window.htmx.process(dialog);
  }
  showOffers();
}

export function showOffers() {
  const fresh = dialogs().filter((dialog) => !dialog.open);
  if (fresh.length) lift();
  for (const dialog of fresh) {
    dialog.setAttribute("open", "");
    dialog.dataset.shownAt = Date.now();
    announce(dialog.id, texts.new_offer, dialog.dataset.notice);
  }
  if (fresh.length && !isTyping() && !openModal() && !place.contains(document.activeElement)) {
    from = document.activeElement;
    find("[data-accept]", fresh[0]).focus({ preventScroll: true });
  }
  mark();
  tick();
}

// Above everything, and inside the dialog that is open: what lies outside of one cannot be pressed.
function lift() {
  if (!dialogs().length) return;
  const parent = openModal() || document.body;
  if (place.parentElement !== parent) parent.append(place);
  if (!place.matches(":popover-open")) place.showPopover();
}

const mark = () => place.toggleAttribute("data-typing", isTyping() || Boolean(openModal()));
for (const moment of ["focusin", "focusout"]) document.addEventListener(moment, () => queueMicrotask(mark));
new MutationObserver(() => (home(), lift(), mark())).observe(document.body, { subtree: true, attributeFilter: ["open"] });
// Whatever is put into a dialog must not sweep the offers away with what was there.
document.addEventListener("htmx:beforeSwap", ({ detail }) => detail.target.contains(place) && document.body.append(place));
document.addEventListener("htmx:afterSwap", () => lift());
document.addEventListener("close", () => (home(), lift()), true);
function home() {
  const holder = place.closest("dialog");
  if (holder && holder !== openModal()) document.body.append(place);
}

export const dropOffer = (id) => drop(document.getElementById(`offer-${id}`));

function drop(dialog) {
  if (!dialog) return;
  const focused = dialog.contains(document.activeElement);
  hush(dialog.id);
  dialog.remove();
  const rest = dialogs();
  if (!rest.length) {
    if (place.matches(":popover-open")) place.hidePopover();
    document.body.append(place);
  }
  if (focused) (find("[data-accept]", rest[0] || document.createElement("i")) || from)?.focus?.({ preventScroll: true });
  if (!rest.length) from = null;
}

function tick() {
  for (const dialog of dialogs()) {
    const [since, until] = [Date.parse(dialog.dataset.offered), Date.parse(dialog.dataset.expires)];
    const left = Math.max(0, until - serverNow());
    find("[data-left]", dialog).textContent = Math.ceil(left / 1000);
    find(".ring-left", dialog).style.strokeDashoffset = ARC - (ARC * left) / (until - since);
    find(".offer-ring", dialog).toggleAttribute("data-soon", left < SOON);
    if (serverNow() - until > LINGER) drop(dialog);
  }
}
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => document.hidden || still());

// --- answers ----------------------------------------------------------------------------------------
const startled = (dialog) => Date.now() - Number(dialog.dataset.shownAt) < STARTLE;

place.addEventListener("keydown", (event) => {
  const dialog = event.target.closest("dialog.offer");
  if (!dialog || event.altKey || event.ctrlKey || event.metaKey || !["Enter", " ", "Escape"].includes(event.key)) return;
  event.stopPropagation();
  if (startled(dialog)) return event.preventDefault();
  if (event.key !== "Escape") return;
  event.preventDefault();
  find("[data-reject]", dialog).click();
});
place.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  const dialog = target.closest("dialog");
  if (detail.successful || detail.xhr.status === 422) setTimeout(() => drop(dialog));
});

function answer(what, name) {
  const dialog = place.querySelector("dialog.offer:focus-within") || dialogs()[0];
  if (!dialog) return press(name);
  if (!startled(dialog)) find(what, dialog).click();
  return true;
}
on("accept", () => answer("[data-accept]", "accept"));
on("reject", () => answer("[data-reject]", "reject"));

