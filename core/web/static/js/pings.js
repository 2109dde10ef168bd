// Pings: fresh panels and lists when one moves, fields of the chosen addressee, drafts saved as typed.
import { all, find, send } from "./app.js";
import * as tabs from "./tabs.js";

function refresh() {
  for (const panel of all("[data-pings-of]")) window.htmx.trigger(panel.parentElement, "okno:refresh");
  tabs.refresh("pings");
  document.dispatchEvent(new CustomEvent("okno:around"));
}

document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type !== "ping.changed") return;
  refresh();
  const shown = find(`[data-ping="${payload.ping_id}"]`);
  if (shown && shown.dataset.pingState !== payload.state) tabs.reload(`/pings/${payload.ping_id}`);
});
document.addEventListener("okno:pings", refresh);
document.addEventListener("okno:close", () => all("dialog[open]:not(.offer)").forEach((dialog) => dialog.close()));

document.addEventListener("change", ({ target }) => {
  const form = target.name === "target" && target.closest("[data-ping-form]");
  if (form) for (const fields of all("[data-ping-fields]", form)) fields.hidden = fields.dataset.pingFields !== target.value;
});

let waiting = null;
document.addEventListener("input", ({ target }) => {
  const form = target.matches("textarea") && target.closest("[data-ping-draft]");
  if (!form) return;
  clearTimeout(waiting);
  const save = () => send(form.dataset.pingDraft, { kind: form.dataset.kind, html: find("textarea", form).value });
  waiting = setTimeout(save, 700);
});
document.addEventListener("submit", () => clearTimeout(waiting), true);
