// <okno-recorder>: records into the file field of its form, with a level meter and a player; a file may be chosen instead.
const RU = document.documentElement.lang === "ru";
const WORDS = RU
  ? { record: "Записать", stop: "Остановить", again: "Записать заново", denied: "Браузер не дал доступ к микрофону: разрешите его для этого сайта или выберите файл.", none: "Микрофон не найден: выберите файл.", level: "Громкость" }
  : { record: "Record", stop: "Stop", again: "Record again", denied: "The browser gives no microphone: allow it for this site, or choose a file.", none: "There is no microphone: choose a file.", level: "Level" };
const NS = "http://www.w3.org/2000/svg";
const MOST_SECONDS = 300;
const TYPES = [["audio/webm;codecs=opus", "webm"], ["audio/ogg;codecs=opus", "ogg"], ["audio/mp4", "m4a"]];

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
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export function mount(element) {
  const input = element.querySelector("input[type=file]");
  if (!input || !navigator.mediaDevices || !globalThis.MediaRecorder) return;
  let recorder = null;
  const button = make("button", { type: "button", className: "btn sound-record" });
  const say = (words) => button.replaceChildren(icon(recorder ? "player-stop" : "microphone"), words);
  const meter = make("meter", { className: "sound-level", min: 0, max: 1, value: 0, hidden: true });
  meter.setAttribute("aria-label", WORDS.level);
  const time = make("span", { className: "num small faint" });
  const preview = make("audio", { controls: true, hidden: true, className: "sound-preview" });
  const trouble = make("p", { className: "error small", hidden: true });
  trouble.setAttribute("role", "alert");
  element.append(make("div", { className: "row row-wrap" }, button, meter, time), preview, trouble);

  say(WORDS.record);
  let stop = () => {};
  const complain = (text) => {
    trouble.textContent = text;
    trouble.hidden = !text;
  };
  const show = (file) => {
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.hidden = !file;
    if (file) preview.src = URL.createObjectURL(file);
    else preview.removeAttribute("src");
  };

  async function begin() {
    complain("");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      return complain(error.name === "NotFoundError" ? WORDS.none : WORDS.denied);
    }
    const [type, ending] = TYPES.find(([name]) => MediaRecorder.isTypeSupported(name)) || ["", "webm"];
    recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
    const pieces = [];
    const began = performance.now();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const tick = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const energy = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
      meter.value = Math.min(1, Math.sqrt(energy) * 4);
      const seconds = (performance.now() - began) / 1000;
      time.textContent = clock(seconds);
      if (seconds > MOST_SECONDS) stop();
    }, 100);
    recorder.addEventListener("dataavailable", ({ data }) => data.size && pieces.push(data));
    recorder.addEventListener("stop", () => {
      clearInterval(tick);
      context.close();
      for (const track of stream.getTracks()) track.stop();
      const file = new File(pieces, `recording.${ending}`, { type: type.split(";")[0] || "audio/webm" });
      const box = new DataTransfer();
      box.items.add(file);
      input.files = box.files;
      recorder = null;
      meter.hidden = true;
      say(WORDS.again);
      button.classList.remove("btn-danger");
      show(file);
    });
    stop = () => recorder?.state === "recording" && recorder.stop();
    recorder.start();
    meter.hidden = false;
    preview.hidden = true;
    say(WORDS.stop);
    button.classList.add("btn-danger");
  }

  button.addEventListener("click", () => (recorder ? stop() : begin()));
  input.addEventListener("change", () => show(input.files[0]));
  element.unmount = () => stop();
}
