// Every page: tokens on requests, toasts, dialogs, menus, copying, theme, times.
import "./clock.js";
import "./pages.js";

export const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");
export const csrf = () => document.querySelector("meta[name=csrf-token]").content;
export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const ICONS = document.querySelector("link[rel=icon]").href.replace(/img\/okno\.svg.*/, "vendor/icons.svg");
const TOASTS = 5;
const TONES = { error: "bad", bad: "bad", warning: "warn", warn: "warn", success: "good", good: "good" };

export function icon(name, size = "sm") {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="icon icon-${size}" aria-hidden="true"><use href="${ICONS}#icon-${name}"></use></svg>`;
  return holder.content.firstChild;
}

export function toast(text, level = "info", help = "") {
  const place = document.getElementById("toasts");
  const tone = TONES[level] || "";
  if (!text || all(".toast span", place).some((other) => other.firstChild.textContent === text)) return;
  const line = document.createElement("div");
  line.className = `toast ${tone && `toast-${tone}`}`;
  const words = document.createElement("span");
  words.textContent = text;
  if (help && help !== text) words.append(Object.assign(document.createElement("small"), { className: "toast-help", textContent: help }));
  const close = document.createElement("button");
  close.className = "btn btn-ghost btn-icon btn-sm";
  close.ariaLabel = texts.dismiss;
  close.append(icon("x"));
  close.onclick = () => end();
  line.append(icon(tone === "bad" ? "alert-circle" : tone === "good" ? "circle-check" : "info-circle"), words, close);
  place.append(line);
  for (const old of [...place.children].slice(0, -TOASTS)) old.remove();
  // Shown anew so that it lies above any dialog.
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover();
  const end = () => {
    line.remove();
    if (!place.childElementCount && place.matches(":popover-open")) place.hidePopover();
  };
  setTimeout(end, tone === "bad" ? 9000 : 5000);
}

export async function send(url, values = {}, method = "POST") {
  const answer = await fetch(url, { method, headers: { "X-CSRF-Token": csrf(), "HX-Request": "true" }, body: new URLSearchParams(values) });
  if (answer.status === 401) signedOut();
  return answer;
}

// The desk asks for the password in place (session.js); other pages have nothing to lose by leaving.
export const signedOut = () => document.dispatchEvent(new CustomEvent("okno:signed-out"));
document.addEventListener("okno:signed-out", () => document.getElementById("session-over") || location.assign("/sign-in"));

export function openDialog(dialog) {
  if (dialog && !dialog.open) dialog.showModal();
  find("[autofocus]", dialog)?.focus();
}

// --- requests ---------------------------------------------------------------------------------------
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb === "get") return;
  detail.headers["X-CSRF-Token"] = csrf();
  // The same attempt repeated after a failure carries the same key, so nothing is sent twice.
  // Not crypto.randomUUID: a house without HTTPS has none.
  detail.elt.dataset.attempt ||= crypto.getRandomValues(new Uint32Array(4)).join("-");
  detail.headers["Idempotency-Key"] = detail.elt.dataset.attempt;
});
// News may take the pressed button away before its answer comes: then the answer's events are raised on the page itself.
document.addEventListener("htmx:beforeSend", ({ detail: { xhr, elt } }) => {
  xhr.addEventListener("load", () => {
    if (elt.isConnected) return;
    const events = JSON.parse(xhr.getResponseHeader("HX-Trigger") || "{}");
    for (const [name, detail] of Object.entries(events)) document.dispatchEvent(new CustomEvent(name, { detail }));
  });
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.elt.dataset) delete detail.elt.dataset.attempt;
});
document.addEventListener("htmx:sendError", () => toast(texts.offline, "warn"));
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (!detail.xhr.getResponseHeader("HX-Trigger")) toast(texts.failed, "error");
});
document.addEventListener("toast", (event) => {
  const place = event.target.closest?.("form")?.querySelector("[data-form-error]");
  if (!place || event.detail.level !== "error") return toast(event.detail.text, event.detail.level, event.detail.help);
  place.hidden = false;
  place.lastElementChild.textContent = event.detail.text;
});

// --- clicks -----------------------------------------------------------------------------------------
const CLICKS = {
  "[data-copy]": (element) => copy(element.dataset.copy),
  "[data-copy-link]": (element) => copy(new URL(element.dataset.copyLink, location).href),
  "[data-close-dialog]": (element) => element.closest("dialog").close(),
  "[data-dialog]:not(tr)": (element) => openDialog(document.getElementById(element.dataset.dialog)),
  "[data-theme-toggle]": () => toggleTheme(),
  "[data-reload]": () => location.reload(),
  "[data-reveal]": (element) => reveal(element),
  "[data-fill-login]": (element) => fill(element.dataset),
};

document.addEventListener("click", (event) => {
  for (const [selector, act] of Object.entries(CLICKS)) {
    const element = event.target.closest(selector);
    if (element) act(element);
  }
  for (const menu of all("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest(".menu-item")) menu.open = false;
  }
  if (event.target.matches("dialog:not(.offer)") && event.target.open && outside(event)) event.target.close();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of all("details.menu[open]")) {
    event.preventDefault();
    menu.open = false;
    find("summary", menu).focus();
  }
});

function outside({ target, clientX, clientY }) {
  const box = target.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast(`${texts.copied}: ${text}`, "good");
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `okno_theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
  for (const frame of all("okno-letter iframe")) frame.contentDocument.documentElement.dataset.theme = root.dataset.theme;
}

function reveal(button) {
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.ariaPressed = String(!shown);
}

function fill({ fillLogin, fillPassword }) {
  document.getElementById("login").value = fillLogin;
  document.getElementById("password").value = fillPassword;
  find("form button[type=submit]").focus();
}
