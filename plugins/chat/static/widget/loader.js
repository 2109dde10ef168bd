// The one line that sites carry: <script src="https://okno.example/chat/widget.js" data-entry="shop" async></script>
// Further attributes: data-lang (ru, en), data-open. Everything else is loaded after the page.
(() => {
  const script = document.currentScript;
  const base = new URL("./", script.src);
  const { entry = "", lang = "", open } = script.dataset;
  const start = () =>
    import(new URL("widget/{version}/main.js", base).href)
      .then(({ default: begin }) => begin({ base, entry, language: lang || document.documentElement.lang.slice(0, 2), open: open !== undefined }))
      .catch((error) => console.warn("Okno: the chat could not be loaded", error));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
