// The menu of an article line: by its button, a right click, or Shift+F10; arrows walk it, Escape leads back.
import { all, find } from "/static/js/app.js";
import { panelNow } from "/kb/static/panel.js";
import { change } from "/kb/static/favourites.js";

let holder = null;
let from = null;

async function open(item, x, y, opener) {
  const query = new URLSearchParams(panelNow()?.dataset.kbFocus || "");
  if (item.dataset.kbInSet) query.set("set_id", item.dataset.kbInSet);
  const answer = await fetch(`/kb/panel/menu/${item.dataset.kbItem}?${query}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  close(false);
  from = opener;
  holder = document.createElement("div");
  holder.className = "kb-menu-place";
  holder.popover = "auto";
  holder.dataset.kbFocus = query.toString();
  holder.innerHTML = await answer.text();
  holder.addEventListener("toggle", ({ newState }) => newState === "closed" && close(false));
  document.body.append(holder);
  holder.showPopover();
  const { width, height } = holder.getBoundingClientRect();
  holder.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  holder.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
  opener?.setAttribute("aria-expanded", "true");
  entries()[0]?.focus();
}

const entries = () => (holder ? all("[role^=menuitem]", holder) : []);

function close(back = true) {
  const old = holder;
  holder = null;
  from?.removeAttribute("aria-expanded");
  old?.remove();
  if (back && old) from?.focus();
}

const itemOf = (target) => target.closest?.("[data-kb-panel] [data-kb-item], .kb-page [data-kb-item]");

document.addEventListener("contextmenu", (event) => {
  const item = itemOf(event.target);
  if (!item || event.target.closest("[data-kb-text], input, textarea")) return;
  event.preventDefault();
  const opener = find(".kb-line, .kb-pinned, .kb-more, a", item) || event.target;
  const { left, bottom } = opener.getBoundingClientRect();
  event.clientX || event.clientY ? open(item, event.clientX, event.clientY, opener) : open(item, left + 12, bottom, opener);
});

document.addEventListener("click", (event) => {
  const { target } = event;
  const button = target.closest("[data-kb-menu]");
  const item = button && button.closest("[data-kb-item]");
  if (item) {
    event.preventDefault();
    const { right, bottom } = button.getBoundingClientRect();
    return open(item, right - 240, bottom + 2, button);
  }
  const dialog = target.closest("[data-kb-dialog]");
  if (dialog) window.htmx.ajax("GET", dialog.dataset.kbDialog, { target: "#task", swap: "innerHTML" });
  const pin = target.closest("[data-kb-pin-in]");
  if (pin) pinIn(pin, pin.closest("[data-kb-article-id]").dataset.kbArticleId);
  if (holder?.contains(target) && target.closest("[role^=menuitem]")) setTimeout(close);
});

async function pinIn({ ariaChecked, dataset }, articleId) {
  const values = { article_id: articleId, ...(dataset.kbPinIn ? { set_id: dataset.kbPinIn } : {}) };
  await change(ariaChecked === "true" ? "/remove" : "", values);
  const pinned = Boolean(find(`#side-kb .kb-pins [data-kb-article-id="${articleId}"]`));
  for (const star of all(`[data-kb-article-id="${articleId}"] [data-kb-star]`)) star.ariaPressed = String(pinned);
}

document.addEventListener("keydown", (event) => {
  const item = !holder && event.key === "F10" && event.shiftKey && itemOf(event.target);
  if (item) {
    event.preventDefault();
    const { left, bottom } = event.target.getBoundingClientRect();
    return open(item, left + 12, bottom, event.target);
  }
  if (!holder) return;
  const lines = entries();
  const at = lines.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  } else if (to !== undefined) {
    event.preventDefault();
    event.stopImmediatePropagation();
    lines[(to + lines.length) % lines.length]?.focus();
  }
}, true);
