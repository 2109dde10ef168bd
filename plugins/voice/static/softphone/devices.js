// Microphone and loudspeaker: opened with what was chosen in this browser; what stands in the way is told by name.

const KEPT = "okno.voice";
const DEFAULTS = { microphone: "", speaker: "", processing: true };

export function chosen() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEPT) || "{}") };
  } catch {
    return { ...DEFAULTS };
  }
}

export function choose(values) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...chosen(), ...values }));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  document.dispatchEvent(new CustomEvent("voice:devices"));
}

// Why there is no microphone: insecure (a page without HTTPS), denied, missing, busy, failed.
const HINDRANCES = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing", NotReadableError: "busy", AbortError: "busy" };

// Gives {track} or {hindrance}.
export async function open({ microphone, processing } = chosen()) {
  if (!navigator.mediaDevices?.getUserMedia) return { hindrance: "insecure" };
  const clean = { echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing };
  const audio = microphone ? { ...clean, deviceId: { ideal: microphone } } : clean;
  try {
    const track = (await navigator.mediaDevices.getUserMedia({ audio })).getAudioTracks()[0];
    document.dispatchEvent(new CustomEvent("voice:opened"));
    return { track };
  } catch (error) {
    return { hindrance: HINDRANCES[error.name] || "failed" };
  }
}

// "granted", "denied", "prompt", or "" where the browser does not say.
export async function permission(told = () => {}) {
  try {
    const status = await navigator.permissions.query({ name: "microphone" });
    status.onchange = () => told(status.state);
    return status.state;
  } catch {
    return "";
  }
}

// [{id, label}] of "audioinput" or "audiooutput"; labels are empty until the microphone has been allowed.
export async function list(kind) {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) || [];
  return all.filter((device) => device.kind === kind && device.deviceId).map(({ deviceId, label }) => ({ id: deviceId, label }));
}

export async function direct(element, speaker = chosen().speaker) {
  if (!element.setSinkId || (element.sinkId || "") === speaker) return;
  // A headset that has been unplugged must not make the call silent.
  await element.setSinkId(speaker).catch(() => element.setSinkId(""));
}
