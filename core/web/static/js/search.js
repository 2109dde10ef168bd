// The search box: arrows through what was found, Enter opens it.
import { all, find } from "./app.js";

const box = document.getElementById("search-box");

box.addEventListener("keydown", (event) => {
  const hits = all(".search-hit", box);
  const at = hits.findIndex((hit) => hit.ariaSelected === "true");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && hits.length) {
    const next = at < 0 ? (by > 0 ? 0 : hits.length - 1) : (at + by + hits.length) % hits.length;
    hits.forEach((hit, index) => (hit.ariaSelected = String(index === next)));
    hits[next].scrollIntoView({ block: "nearest" });
    find("input", box).setAttribute("aria-activedescendant", hits[next].id);
  } else if (event.key === "Enter" && at >= 0) hits[at].click();
  else return;
  event.preventDefault();
});
