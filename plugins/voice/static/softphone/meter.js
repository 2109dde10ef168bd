// How loud a stream is, as the width of a bar: const stop = meter(stream, (level) => …), level between 0 and 1.

const EVERY = 80;
const QUIETEST = -60;

let context = null;

// One context for all meters: a browser gives a page only a few. A page nobody has touched yet cannot start one.
function running() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  return context;
}

export function meter(stream, show) {
  const sound = running();
  const [source, analyser] = [sound.createMediaStreamSource(stream), sound.createAnalyser()];
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    if (document.hidden) return;
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    show(Math.max(0, 1 - (10 * Math.log10(power + 1e-9)) / QUIETEST));
  }, EVERY);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}

// A track that says nothing, for whoever has no microphone: the other side is heard all the same.
export function silence() {
  return running().createMediaStreamDestination().stream.getAudioTracks()[0];
}

// The two tones of a key (ITU-T Q.23), so that whoever presses hears it.
const [ROWS, COLUMNS, KEYS] = [[697, 770, 852, 941], [1209, 1336, 1477, 1633], "123A456B789C*0#D"];

export function beep(key, seconds = 0.14) {
  const at = KEYS.indexOf(key);
  if (at < 0) return;
  const sound = running();
  const volume = sound.createGain();
  volume.gain.value = 0.06;
  volume.connect(sound.destination);
  for (const frequency of [ROWS[at >> 2], COLUMNS[at & 3]]) {
    const tone = sound.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(volume);
    tone.start();
    tone.stop(sound.currentTime + seconds);
  }
}
