// The offer window (окно уведомления об обращении): countdown, keyboard, sound, desktop notification.
import { all, find, texts } from "./app.js";
import { serverNow } from "./clock.js";

const place = document.getElementById("offers");
const ARC = 100;
const announced = new Set();
let beeping = null;

export const sound = {
  get on() {
    return localStorage.getItem("okno.sound") !== "off";
  },
  toggle() {
    localStorage.setItem("okno.sound", this.on ? "off" : "on");
    label();
  },
};

export function label() {
  for (const element of all("[data-sound-label]")) element.textContent = sound.on ? texts.sound_on : texts.sound_off;
}

export async function fetchOffers() {
  const answer = await fetch("/desk/offers", { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const wanted = new Set(all("dialog", holder.content).map((dialog) => dialog.id));
  for (const dialog of all("dialog", place)) if (!wanted.has(dialog.id)) drop(dialog);
  for (const dialog of all("dialog", holder.content)) if (!document.getElementById(dialog.id)) place.append(dialog);
  window.htmx.process(place);
  showOffers();
}

export function showOffers() {
  for (const dialog of all("dialog.offer", place)) {
    if (dialog.open) continue;
    for (const other of all("dialog[open]:not(.offer)")) if (other.id === "search-box" || other.id === "help") other.close();
    dialog.showModal();
    find("[data-accept]", dialog).focus();
    announce(dialog);
  }
  tick();
}

export const dropOffer = (id) => drop(document.getElementById(`offer-${id}`));

function drop(dialog) {
  dialog?.close();
  dialog?.remove();
  if (!find("dialog.offer", place)) beeping = clearInterval(beeping);
}

function announce(dialog) {
  if (announced.has(dialog.id)) return;
  announced.add(dialog.id);
  if (sound.on) {
    beep();
    beeping ??= setInterval(() => sound.on && beep(), 4000);
  }
  if ("Notification" in window && Notification.permission === "granted" && !document.hasFocus()) {
    const notice = new Notification(texts.new_offer, { body: dialog.dataset.notice, tag: dialog.id, icon: "/static/img/okno.svg" });
    notice.onclick = () => (window.focus(), notice.close());
  }
}

let audio = null;
function beep() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
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

function tick() {
  for (const dialog of all("dialog.offer", place)) {
    const [from, until] = [Date.parse(dialog.dataset.offered), Date.parse(dialog.dataset.expires)];
    const left = Math.max(0, until - serverNow());
    const ring = find(".offer-ring", dialog);
    find("[data-left]", dialog).textContent = Math.ceil(left / 1000);
    find(".ring-left", dialog).style.strokeDashoffset = ARC - (ARC * left) / (until - from);
    ring.toggleAttribute("data-soon", left < 6000);
    if (left <= -1500 || (left === 0 && serverNow() - until > 2000)) drop(dialog);
  }
}
setInterval(tick, 1000);

place.addEventListener("cancel", (event) => {
  event.preventDefault();
  find("[data-reject]", event.target).click();
}, true);
place.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  const dialog = target.closest("dialog");
  if (detail.successful || detail.xhr.status === 422) setTimeout(() => drop(dialog));
});

export function acceptFirst() {
  find("dialog.offer [data-accept]", place)?.click();
}

export async function askNotifications() {
  if ("Notification" in window) await Notification.requestPermission();
}
