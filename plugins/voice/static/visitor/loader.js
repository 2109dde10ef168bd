// The one line that sites carry: <script src="https://okno.example/voice/call.js" data-entry="shop" async></script>
// Further attributes: data-lang (ru, en); data-bare: no button of its own. Any element with data-okno-call calls as well.
// The call itself lives in a frame of Okno, which is asked for when it is needed first.
(() => {
  const script = document.currentScript;
  const base = new URL("./", script.src);
  const { entry = "", lang = "" } = script.dataset;
  const language = (lang || document.documentElement.lang).slice(0, 2) === "ru" ? "ru" : "en";
  const WORDS = { ru: { call: "Позвонить", title: "Звонок", going: "Идёт звонок" }, en: { call: "Call", title: "Call", going: "A call is going on" } }[language];
  const STYLE = `
    :host { all: initial; }
    .okno-open { position: fixed; inset: auto 20px 20px auto; z-index: 2147483000; display: flex; align-items: center; gap: 10px; min-height: 52px; padding: 0 22px; border: 0; border-radius: 99px; background: #18804e; color: #fff; font: 600 16px/1 system-ui, sans-serif; cursor: pointer; box-shadow: 0 6px 20px rgb(16 24 40 / 25%); }
    .okno-open:hover { background: #12683f; }
    .okno-open:focus-visible { outline: 3px solid #5d8cf0; outline-offset: 2px; }
    .okno-open svg { width: 20px; height: 20px; }
    .okno-box { position: fixed; inset: auto 20px 20px auto; z-index: 2147483001; width: min(360px, calc(100vw - 24px)); height: min(480px, calc(100dvh - 40px)); border: 0; border-radius: 14px; box-shadow: 0 16px 48px rgb(16 24 40 / 30%); background: #fff; color-scheme: light dark; }
    [hidden] { display: none !important; }
    @media (max-width: 480px) { .okno-box { inset: auto 12px 12px; } }`;
  const PHONE = "M5 4h4l2 5l-2.5 1.5a11 11 0 0 0 5 5l1.5 -2.5l5 2v4a2 2 0 0 1 -2 2a16 16 0 0 1 -15 -15a2 2 0 0 1 2 -2";

  let frame = null;
  let going = false;
  let opener = null;

  function start() {
    const host = document.body.appendChild(document.createElement("okno-call"));
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const button = root.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = "okno-open";
    button.append(drawn(), document.createTextNode(WORDS.call));
    button.hidden = "bare" in script.dataset;
    button.onclick = () => show(button);
    document.addEventListener("click", ({ target }) => {
      const asked = target.closest?.("[data-okno-call]");
      if (asked) show(asked);
    });
    addEventListener("message", ({ source, data }) => {
      if (source !== frame?.contentWindow) return;
      if (data?.okno === "call") going = data.going;
      if (data?.okno === "close") hide();
    });

    function show(from) {
      opener = from;
      if (!frame) {
        frame = document.createElement("iframe");
        const address = new URL("call", base);
        address.search = new URLSearchParams({ framed: 1, entry, lang: language });
        Object.assign(frame, { src: address, className: "okno-box", title: WORDS.title, allow: "microphone; autoplay; speaker-selection" });
        root.append(frame);
      }
      frame.hidden = false;
      button.hidden = true;
      frame.focus();
    }

    // A call that goes on is only put aside; the button says so and brings it back.
    function hide() {
      frame.hidden = true;
      button.lastChild.textContent = going ? WORDS.going : WORDS.call;
      button.hidden = "bare" in script.dataset && !going;
      (button.hidden ? opener : button)?.focus?.();
    }
  }

  function drawn() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(name, value);
    const path = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    path.setAttribute("d", PHONE);
    return svg;
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
