// The notification centre: the bell's counter, the panel behind it, toasts and desktop notifications of what is new.
import { all, find, send, toast } from "./app.js";
import { later, pieces } from "./refresh.js";
import * as tabs from "./tabs.js";

const panel = document.getElementById("notices");
const body = document.getElementById("notices-body");
const bell = () => document.getElementById("bell");
const TONES = { bad: "error", warn: "warning", good: "success" };
let newest = 0;

const wanted = () => localStorage.getItem("okno.notices") !== "off";
const away = () => document.hidden || !document.hasFocus();

panel.addEventListener("toggle", ({ newState }) => {
  bell()?.setAttribute("aria-expanded", String(newState === "open"));
  if (newState !== "open") return;
  panel.focus();
  load();
});

async function load() {
  const unread = find("[data-unread-only]", body)?.dataset.unreadOnly;
  const parts = await pieces(`/notices${unread ? "?unread=1" : ""}`);
  if (!parts.length) return;
  window.Idiomorph.morph(body, parts, { morphStyle: "innerHTML" });
  window.htmx.process(body);
  focusFirst();
}

// Whoever opens the panel goes on by keyboard at once; whoever is in it already stays where they are.
function focusFirst() {
  if (panel.matches(":popover-open") && (document.activeElement === panel || !panel.contains(document.activeElement))) find(".notice-title, .notices-list", body)?.focus();
}

function count(unread) {
  const place = find("[data-bell-count]", bell());
  place.textContent = unread ? (unread < 100 ? unread : "99+") : "";
}

const look = later(async () => {
  const answer = await fetch("/notices/news", { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  const { unread, newest: latest } = await answer.json();
  count(unread);
  if (panel.matches(":popover-open")) load();
  if (!latest || latest.id <= newest) return;
  const first = newest === 0;
  newest = latest.id;
  if (!first || look.told) announce(latest);
}, 150);

function announce({ id, title, text, url, tone, toast: shown }) {
  bell().toggleAttribute("data-rings", true);
  setTimeout(() => bell()?.removeAttribute("data-rings"), 600);
  if (shown && !panel.matches(":popover-open")) toast(title, TONES[tone] || "info");
  if (!wanted() || !away() || !("Notification" in window) || Notification.permission !== "granted") return;
  const notice = new Notification(title, { body: text, tag: `notice-${id}`, icon: "/static/img/okno.svg" });
  notice.onclick = () => {
    window.focus();
    notice.close();
    if (url) tabs.open(url);
  };
}

document.addEventListener("okno:event", ({ detail: { type } }) => {
  if (type === "notification.new") {
    look.told = true;
    look();
  } else if (type === "notification.read" || type === "reset") look();
});
document.addEventListener("okno:notices", () => look());

// A notification that is followed is read.
body.addEventListener("click", ({ target }) => {
  const link = target.closest(".notice-title");
  if (!link) return;
  const line = link.closest(".notice");
  if (line.classList.contains("notice-new")) send("/notices/read", { id: line.dataset.notice });
  panel.hidePopover();
});
panel.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const titles = all(".notice-title", body);
  if (!by || !titles.length) return;
  const at = titles.indexOf(document.activeElement);
  titles[Math.max(0, Math.min(titles.length - 1, at + by))].focus();
  event.preventDefault();
});
body.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target === body) focusFirst();
});

// What the settings say rules this browser too.
const wishes = bell()?.dataset;
if (wishes) {
  localStorage.setItem("okno.sound", wishes.sound);
  localStorage.setItem("okno.notices", wishes.notifications);
}
