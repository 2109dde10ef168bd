// A colleague's call rings until it is answered, declined or withdrawn; the bell of the desk says whether aloud.
const EVERY = 3000;
const [LOW, HIGH, LONG] = [440, 554, 0.9];

let [timer, audio] = [null, null];

function once() {
  if (document.getElementById("bell")?.dataset.sound === "off") return;
  audio ??= new AudioContext();
  if (audio.state !== "running") return void audio.resume();
  for (const frequency of [LOW, HIGH]) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, audio.currentTime);
    volume.gain.linearRampToValueAtTime(0.08, audio.currentTime + 0.05);
    volume.gain.linearRampToValueAtTime(0, audio.currentTime + LONG);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + LONG);
  }
}

export function ring(on) {
  if (on === Boolean(timer)) return;
  if (!on) return void (timer = clearInterval(timer));
  once();
  timer = setInterval(once, EVERY);
}
