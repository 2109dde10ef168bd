// <okno-sound>: a waveform to listen by. Space pauses, arrows move; with `digits` the keys of a telephone do:
// 1 −30 s, 4 −10, 5 pause, 6 +10, 3 +30, 0 from the start.
const RU = document.documentElement.lang === "ru";
const WORDS = RU
  ? { play: "Слушать", pause: "Пауза", place: "Место в записи", speed: "Скорость", failed: "Запись не проигрывается" }
  : { play: "Play", pause: "Pause", place: "Place in the recording", speed: "Speed", failed: "This recording cannot be played" };
const DIGITS = { 1: -30, 4: -10, 6: 10, 3: 30 };
const SPEEDS = [1, 1.25, 1.5, 2];
const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 40;

const make = (tag, values = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
};
const icon = (name) => {
  const known = document.querySelector("svg.icon use")?.getAttribute("href") || "";
  const picture = document.createElementNS(NS, "svg");
  picture.setAttribute("class", "icon icon-sm");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(NS, "use");
  use.setAttribute("href", `${known.split("#")[0]}#icon-${name}`);
  picture.append(use);
  return picture;
};
const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

// One channel stands on the middle line; of two the first goes up, the second down.
function wave(peaks) {
  const channels = Array.isArray(peaks[0]) ? peaks : [peaks];
  const bars = channels[0]?.length || 1;
  const path = document.createElementNS(NS, "path");
  const middle = HEIGHT / 2;
  let drawn = "";
  for (let at = 0; at < bars; at++) {
    const first = Math.max(0.8, ((channels[0][at] || 0) / 100) * (middle - 1));
    const second = channels[1] ? Math.max(0.8, ((channels[1][at] || 0) / 100) * (middle - 1)) : first;
    drawn += `M${at + 0.5} ${(middle - first).toFixed(1)}V${(middle + second).toFixed(1)}`;
  }
  path.setAttribute("d", drawn);
  const picture = document.createElementNS(NS, "svg");
  picture.setAttribute("viewBox", `0 0 ${bars} ${HEIGHT}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  picture.append(path);
  return picture;
}

const data = (element, name) => {
  try {
    return JSON.parse(element.getAttribute(name) || "[]");
  } catch {
    return [];
  }
};

export function mount(element) {
  const audio = element.querySelector("audio") || make("audio", { preload: "none", src: element.getAttribute("src") });
  audio.controls = false;
  const length = () => (Number.isFinite(audio.duration) && audio.duration) || Number(element.getAttribute("seconds")) || 0;
  const label = element.getAttribute("label") || "";
  const peaks = data(element, "peaks");
  const button = make("button", { type: "button", className: "btn btn-icon sound-play" });
  const track = make("div", { className: "sound-wave", tabIndex: 0, role: "slider" });
  const played = make("div", { className: "sound-played" });
  const time = make("span", { className: "num small sound-time" });
  const speed = make("button", { type: "button", className: "btn btn-ghost btn-sm num sound-speed", textContent: "1×" });
  track.setAttribute("aria-label", `${WORDS.place}: ${label}`);
  track.setAttribute("aria-valuemin", "0");
  speed.setAttribute("aria-label", `${WORDS.speed}: 1×`);
  played.append(wave(peaks));
  track.append(wave(peaks), played);
  for (const [from, to] of data(element, "pauses")) {
    const gap = make("span", { className: "sound-gap" });
    gap.style.left = `${(100 * from) / length()}%`;
    gap.style.width = `${(100 * Math.max(to - from, 0.2)) / length()}%`;
    track.append(gap);
  }
  element.replaceChildren(button, track, time, speed, audio);
  element.classList.add("sound-ready");

  const show = () => {
    const at = audio.currentTime || 0;
    const share = length() ? Math.min(1, at / length()) : 0;
    played.style.clipPath = `inset(0 ${(100 - 100 * share).toFixed(2)}% 0 0)`;
    time.textContent = `${clock(at)} / ${clock(length())}`;
    track.setAttribute("aria-valuemax", String(Math.round(length())));
    track.setAttribute("aria-valuenow", String(Math.round(at)));
    track.setAttribute("aria-valuetext", `${clock(at)} / ${clock(length())}`);
  };
  const state = () => {
    const words = audio.paused ? WORDS.play : WORDS.pause;
    button.replaceChildren(icon(audio.paused ? "player-play" : "player-pause"));
    button.title = words;
    button.setAttribute("aria-label", `${words}: ${label}`);
  };
  const go = (seconds) => {
    const wanted = Math.min(Math.max(0, seconds), Math.max(0, length() - 0.05));
    if (audio.readyState) audio.currentTime = wanted;
    else audio.addEventListener("loadedmetadata", () => (audio.currentTime = wanted), { once: true });
    if (!audio.readyState) audio.load();
    show();
  };
  const toggle = () => {
    if (!audio.paused) return audio.pause();
    for (const other of document.querySelectorAll("okno-sound audio")) if (other !== audio) other.pause();
    audio.play().catch(() => audio.error && fail());
  };
  const fail = () => {
    time.textContent = WORDS.failed;
    button.disabled = true;
  };
  const hear = () => {
    const place = element.getAttribute("heard");
    element.removeAttribute("heard");
    if (!place) return;
    const token = document.querySelector("meta[name=csrf-token]")?.content || "";
    fetch(place, { method: "POST", headers: { "X-CSRF-Token": token } }).then((answer) => {
      if (answer.ok) element.closest("li")?.querySelector(".dot")?.remove();
    });
  };

  button.addEventListener("click", toggle);
  speed.addEventListener("click", () => {
    audio.playbackRate = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
    speed.textContent = `${String(audio.playbackRate).replace(".", RU ? "," : ".")}×`;
    speed.setAttribute("aria-label", `${WORDS.speed}: ${speed.textContent}`);
  });
  const seek = (event) => {
    const box = track.getBoundingClientRect();
    go(((event.clientX - box.left) / box.width) * length());
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    track.setPointerCapture(event.pointerId);
    seek(event);
  });
  track.addEventListener("pointermove", (event) => track.hasPointerCapture(event.pointerId) && seek(event));
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const digits = element.hasAttribute("digits");
    const onTrack = event.target === track;
    const by = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
    if (onTrack && by) go(audio.currentTime + by);
    else if (onTrack && event.key === " ") toggle();
    else if (onTrack && event.key === "Home") go(0);
    else if (onTrack && event.key === "End") go(length());
    else if (digits && event.key in DIGITS) go(audio.currentTime + DIGITS[event.key]);
    else if (digits && event.key === "5") toggle();
    else if (digits && event.key === "0") go(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  for (const name of ["timeupdate", "loadedmetadata", "seeked"]) audio.addEventListener(name, show);
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, state);
  audio.addEventListener("playing", hear);
  audio.addEventListener("error", fail);
  element.unmount = () => audio.pause();
  show();
  state();
}
