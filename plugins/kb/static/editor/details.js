// A part that unfolds is stored as <details><summary>…</summary><p>…</p></details>; TipTap wants what follows in a <div>.
export function wrapped(html) {
  if (!html.includes("<details")) return html;
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const details of page.querySelectorAll("details")) {
    const body = page.createElement("div");
    body.dataset.type = "detailsContent";
    body.append(...[...details.childNodes].filter((child) => child.nodeName !== "SUMMARY"));
    if (!body.childElementCount) body.append(page.createElement("p"));
    if (!details.querySelector("summary")) details.prepend(page.createElement("summary"));
    details.append(body);
  }
  return page.body.innerHTML;
}
