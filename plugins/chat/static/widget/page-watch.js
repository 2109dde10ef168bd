// Where the visitor is: told at the beginning and whenever the address or the title changes without a new page.

const PAUSE = 400;

export function watchPage(tell) {
  let told = "";
  let timer = null;
  const report = () => {
    const seen = `${location.href}\n${document.title}`;
    if (seen === told) return;
    told = seen;
    const { width, height } = screen;
    tell({
      url: location.href,
      title: document.title,
      referrer: document.referrer,
      screen: `${width}×${height}`,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "",
    });
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(report, PAUSE);
  };
  for (const type of ["popstate", "hashchange", "pageshow"]) addEventListener(type, soon);
  // Single-page sites change the address in silence; their title or content follows.
  globalThis.navigation?.addEventListener("navigatesuccess", soon);
  const head = document.head && new MutationObserver(soon);
  head?.observe(document.head, { subtree: true, childList: true, characterData: true });
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name];
    history[name] = function changed(...values) {
      soon();
      return original.apply(this, values);
    };
  }
  return { report: () => { told = ""; report(); } };
}
