// Own settings: the photo cut square before it is sent, trying sound and notification, the browser's time zone.
import { all, csrf, find, toast } from "./app.js";

const SIDE = 320;
const LARGEST = 2 << 20;
const KINDS = ["image/png", "image/jpeg", "image/webp"];

// --- photo ------------------------------------------------------------------------------------------
async function sendPhoto(card, file) {
  const problem = find("[data-photo-error]", card);
  problem.hidden = true;
  if (!file) return;
  if (!KINDS.includes(file.type)) return refuse(problem, problem.dataset.kind);
  let photo;
  try {
    photo = await square(file);
  } catch {
    return refuse(problem, problem.dataset.kind);
  }
  if (photo.size > LARGEST) return refuse(problem, problem.dataset.large);
  const form = new FormData();
  form.append("photo", photo, "photo");
  const answer = await fetch("/settings/photo", { method: "POST", headers: { "X-CSRF-Token": csrf(), "HX-Request": "true" }, body: form });
  const told = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
  if (!answer.ok) return refuse(problem, told.toast?.text || String(answer.status));
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const fresh = holder.content.firstElementChild;
  card.replaceWith(fresh);
  window.htmx.process(fresh);
  toast(told.toast.text, "good");
  document.dispatchEvent(new CustomEvent("okno:around"));
}

function refuse(place, text) {
  place.textContent = text;
  place.hidden = false;
}

async function square(file) {
  const picture = await createImageBitmap(file);
  const side = Math.min(picture.width, picture.height);
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const [x, y] = [(picture.width - side) / 2, (picture.height - side) / 2];
  canvas.getContext("2d").drawImage(picture, x, y, side, side, 0, 0, SIDE, SIDE);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed()), "image/jpeg", 0.9));
}

document.addEventListener("change", ({ target }) => target.matches("[data-photo-file]") && sendPhoto(target.closest("[data-photo]"), target.files[0]));
document.addEventListener("dragover", (event) => {
  const card = event.target.closest?.("[data-photo]");
  for (const other of all("[data-photo][data-over]")) if (other !== card) delete other.dataset.over;
  if (!card || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  card.dataset.over = "";
});
document.addEventListener("drop", (event) => {
  const card = event.target.closest?.("[data-photo]");
  if (!card || !event.dataTransfer.files.length) return;
  event.preventDefault();
  delete card.dataset.over;
  sendPhoto(card, event.dataTransfer.files[0]);
});

// --- trying out -------------------------------------------------------------------------------------
function beep() {
  const audio = new AudioContext();
  [660, 880].forEach((frequency, index) => {
    const [tone, volume, start] = [audio.createOscillator(), audio.createGain(), audio.currentTime + index * 0.16];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.14, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.24);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.26);
  });
  setTimeout(() => audio.close(), 1000);
}

async function tryNotification({ dataset }) {
  if (!("Notification" in window) || (await Notification.requestPermission()) !== "granted") return toast(dataset.denied, "warn");
  new Notification(dataset.title, { tag: "okno-try", icon: "/static/img/okno.svg" });
  toast(dataset.title, "good");
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-try-sound]")) beep();
  const notification = target.closest("[data-try-notification]");
  if (notification) tryNotification(notification);
  const zone = target.closest("[data-zone-here]");
  if (zone) find("[name=timezone]", zone.form).value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const link = target.closest("[data-settings-link]");
  if (link) {
    event.preventDefault();
    find(link.getAttribute("href"), link.closest(".settings")).scrollIntoView({ block: "start" });
  }
});

// What is kept on the server rules this browser at once.
document.addEventListener("okno:preferences", ({ detail }) => {
  if ("sound" in detail) localStorage.setItem("okno.sound", detail.sound ? "on" : "off");
  if ("notifications" in detail) localStorage.setItem("okno.notices", detail.notifications ? "on" : "off");
});
