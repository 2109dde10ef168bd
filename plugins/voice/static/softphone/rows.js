// Rows of a page as they are now; the focus stays where it was, or at the list when its place is gone.
import { find } from "/static/js/app.js";

export function morph(page, selector, fresh) {
  const old = find(selector, page);
  if (!old) return false;
  const focused = old.contains(document.activeElement);
  window.Idiomorph.morph(old, fresh, { morphStyle: "outerHTML" });
  if (focused && !page.contains(document.activeElement)) find(".list-body", page)?.focus();
  return true;
}
