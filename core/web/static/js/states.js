// The agent's state: signs of a person at the desk, the banner that may be put away.
import { send } from "./app.js";

const TELL_EVERY = 60_000;
const TOLD = "okno.active";
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

// One small request a minute at most, from whichever tab has the input; none while nobody is there.
let told = 0;
function here() {
  const moment = Date.now();
  if (moment - told < TELL_EVERY) return;
  told = Number(localStorage.getItem(TOLD));
  if (moment - told < TELL_EVERY) return;
  told = moment;
  localStorage.setItem(TOLD, String(moment));
  send("/desk/active");
}
for (const type of INPUT) addEventListener(type, here, { passive: true, capture: true });

class StateBanner extends HTMLElement {
  static observedAttributes = ["data-key"];
  attributeChangedCallback() {
    this.hidden = !this.dataset.key || sessionStorage.getItem("okno.banner") === this.dataset.key;
  }
  connectedCallback() {
    this.attributeChangedCallback();
  }
}
customElements.define("okno-state-banner", StateBanner);

document.addEventListener("click", ({ target }) => {
  const banner = target.closest("[data-dismiss-state]")?.closest("okno-state-banner");
  if (!banner) return;
  sessionStorage.setItem("okno.banner", banner.dataset.key);
  banner.attributeChangedCallback();
});
