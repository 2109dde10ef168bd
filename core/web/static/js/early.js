// Presses that come before the page's scripts: kept, and done when the scripts are there. Without this a press on a slow line would do
// nothing, or leave the page by the form's own address. The one script that is not deferred.
{
  const ACTS = "[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete]";
  // The browser itself does what these say.
  const ITSELF = "a[href], summary, label, [popovertarget], [command], [type=checkbox], [type=radio], select";
  const kept = [];
  const keep = (event, act) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    kept.push(act);
  };
  const clicked = (event) => {
    const element = event.target.closest(`${ITSELF}, button, ${ACTS}`);
    if (!element || element.matches(ITSELF) || event.ctrlKey || event.metaKey) return;
    const plain = element.matches("button") && !element.matches(`${ACTS}, [type=button]`);
    // A button of a form: the form's submission is kept, after the browser has checked what is filled in.
    if (plain ? element.form : element.matches(`form, input, textarea`)) return;
    keep(event, () => element.isConnected && element.click());
  };
  const submitted = (event) => {
    const { target: form, submitter } = event;
    if (form.matches(ACTS)) keep(event, () => form.isConnected && form.requestSubmit(submitter?.isConnected ? submitter : null));
  };
  addEventListener("click", clicked, true);
  addEventListener("submit", submitted, true);
  // Deferred scripts and modules have run by then; htmx itself begins at this same event.
  addEventListener("DOMContentLoaded", () => setTimeout(() => {
    removeEventListener("click", clicked, true);
    removeEventListener("submit", submitted, true);
    for (const act of kept.splice(0)) act();
  }));
}
