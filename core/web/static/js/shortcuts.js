// The desk's keys, in one place. An element that does the thing carries data-shortcut="<name>"; what needs more than a
// press is given with on(name, act). The sheet on «?» is made from the same list.
//
// Letters are read from their place on the keyboard, so that they work in the Russian layout too. Without Ctrl or Alt no
// shortcut fires while somebody is typing or a dialog is open.
import { all, find } from "./app.js";

// [name, group, keys]; keys of the group "talk" belong to controls that plugins contribute (Control.shortcut).
export const SHORTCUTS = [
  ["search", "everywhere", "ctrl+k /"],
  ["knowledge", "everywhere", "alt+k"],
  ["home", "everywhere", "g,h"],
  ["queue", "everywhere", "g,q"],
  ["cases", "everywhere", "g,c"],
  ["directory", "everywhere", "g,d"],
  ["next_tab", "everywhere", "alt+right"],
  ["previous_tab", "everywhere", "alt+left"],
  ["close_tab", "everywhere", "alt+w"],
  ["side", "everywhere", "]"],
  ["close", "everywhere", "esc"],
  ["keys", "everywhere", "?"],
  ["accept", "work", "alt+enter alt+a"],
  ["reject", "work", "alt+x"],
  ["ready", "work", "alt+r"],
  ["not_ready", "work", "alt+n"],
  ["next_interaction", "work", "j alt+down"],
  ["previous_interaction", "work", "k alt+up"],
  ["answer", "work", "r"],
  ["note", "work", "n"],
  ["send", "work", "ctrl+enter"],
  ["send_finish", "work", "ctrl+shift+enter"],
  ["finish", "work", "f"],
  ["ping", "work", "alt+shift+p"],
  ["help", "work", "alt+shift+h"],
  ["hold", "talk", "alt+shift+o"],
  ["mute", "talk", "alt+shift+m"],
  ["transfer", "talk", "alt+shift+t"],
  ["blind_transfer", "talk", "alt+shift+b"],
  ["consult", "talk", "alt+shift+d"],
  ["conference", "talk", "alt+shift+c"],
  ["hang_up", "talk", "alt+q"],
];
// Offers are answered and letters sent from within a dialog too.
const IN_DIALOGS = new Set(["accept", "reject", "send", "send_finish"]);
const SECOND_KEY = 1200;
const APPLE = /Mac|iP(hone|ad)/.test(navigator.userAgentData?.platform || navigator.platform);
const MARKS = { ctrl: APPLE ? "⌘" : "Ctrl", alt: APPLE ? "⌥" : "Alt", shift: APPLE ? "⇧" : "Shift", enter: "Enter", esc: "Esc", left: "←", right: "→", up: "↑", down: "↓" };
const NAMES = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Enter: "enter", NumpadEnter: "enter", Escape: "esc", BracketRight: "]" };
const EDITABLE = "input:not([type=radio], [type=checkbox], [type=button]), textarea, select, [contenteditable]:not([contenteditable=false]), okno-editor";

const acts = new Map();
const byKeys = new Map(SHORTCUTS.flatMap(([name, , keys]) => keys.split(" ").map((combination) => [combination, name])));
const firsts = new Set([...byKeys.keys()].filter((keys) => keys.includes(",")).map((keys) => keys.split(",")[0]));
let first = "";
let firstAt = 0;

export const on = (name, act) => acts.set(name, act);
export const isTyping = (element = document.activeElement) => Boolean(element?.closest?.(EDITABLE));
export const openModal = () => all("dialog[open]:not(.offer)").filter((dialog) => dialog.matches(":modal")).at(-1);

// "ctrl+shift+enter" for an event; symbols stand for themselves, whatever it takes to type them.
function combination(event) {
  const key = NAMES[event.code] || (/^Key[A-Z]$/.test(event.code) ? event.code[3].toLowerCase() : event.key.toLowerCase());
  const symbol = key.length === 1 && !/[a-z]/.test(key);
  const parts = [(event.ctrlKey || event.metaKey) && "ctrl", event.altKey && "alt", event.shiftKey && !symbol && "shift", key];
  return parts.filter(Boolean).join("+");
}

function named(event) {
  const keys = combination(event);
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (modified) return byKeys.get(keys);
  const sequence = Date.now() - firstAt < SECOND_KEY ? byKeys.get(`${first},${keys}`) : null;
  [first, firstAt] = firsts.has(keys) && !sequence ? [keys, Date.now()] : ["", 0];
  return sequence || byKeys.get(keys);
}

function allowed(name, event) {
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (name === "close") return false;
  if (openModal() && !IN_DIALOGS.has(name)) return false;
  if (!isTyping(event.target)) return true;
  // Alt with left and right moves by words where text is edited.
  return modified && !/^Arrow(Left|Right)$/.test(event.code);
}

export function press(name) {
  const buttons = all(`[data-shortcut~="${name}"]`).filter((element) => element.checkVisibility() && !element.disabled);
  const button = buttons[0];
  button?.matches("input, select, textarea") ? button.focus() : button?.click();
  return Boolean(button);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.repeat && event.altKey) return;
  const name = named(event);
  if (!name || !allowed(name, event)) return;
  const done = acts.has(name) ? acts.get(name)(event) !== false : press(name) || acts.get(`${name}:none`)?.();
  if (done) event.preventDefault();
});

// --- the sheet --------------------------------------------------------------------------------------
const shown = (keys) => keys.split("+").map((part) => MARKS[part] || part.toUpperCase()).join(APPLE ? "" : " ");

export function drawSheet() {
  const words = JSON.parse(document.getElementById("key-words").textContent);
  for (const group of all("[data-keys-group]")) {
    const lines = SHORTCUTS.filter(([, where]) => where === group.dataset.keysGroup);
    find("dl", group).replaceChildren(...lines.flatMap(([name, , keys]) => line(words[name], keys)));
  }
  if (APPLE) for (const mark of all(".kbd[data-keys]")) mark.textContent = shown(mark.dataset.keys);
}

function line(words, keys) {
  const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = words;
  for (const one of keys.split(" ")) {
    for (const part of one.split(",")) {
      const mark = document.createElement("kbd");
      mark.className = "kbd";
      mark.textContent = shown(part);
      detail.append(mark);
    }
  }
  return [term, detail];
}
