// Requests for help and «report a problem»: dialogs that a command asks the page to open (okno:task), and the log that goes along.
import { find } from "./app.js";
import { browserLog } from "./browser-log.js";
import { later } from "./refresh.js";
import * as tabs from "./tabs.js";

const task = document.getElementById("task");
document.addEventListener("okno:task", ({ detail }) => window.htmx.ajax("GET", detail.url, { target: task, swap: "innerHTML" }));
document.addEventListener("okno:task-done", () => task.close());

document.addEventListener("htmx:afterSwap", () => {
  const form = find("[data-problem]", task);
  if (!form || form.dataset.filled) return;
  form.dataset.filled = "yes";
  const log = browserLog();
  find("[name=log]", form).value = JSON.stringify(log);
  find("[name=page]", form).value = location.pathname + location.search;
  find("[data-problem-log]", form).textContent = log.join("\n");
  find("[data-problem-count]", form).textContent = `(${log.length})`;
});

const wanted = later(() => tabs.refresh("help-wanted"), 300);
document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type === "interaction.changed" || type === "reset") wanted();
  if (type === "interaction.changed" && payload.help) document.dispatchEvent(new CustomEvent("okno:around"));
});
document.addEventListener("okno:help", () => wanted());
