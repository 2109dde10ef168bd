// Imports of articles: the bar moves with the events, the report comes when it is done.
import { all } from "/static/js/app.js";

document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type !== "kb.import") return;
  if (payload.finished) return void document.body.dispatchEvent(new CustomEvent("kb:readers"));
  for (const bar of all("progress[data-kb-import]")) {
    bar.hidden = false;
    bar.max = payload.total;
    bar.value = payload.done;
  }
});
