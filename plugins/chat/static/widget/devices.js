// Microphones and cameras: opened with what was chosen last time, and with less where something is missing or refused.

const KEPT = "okno-devices";

export function chosen() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) || "{}");
  } catch {
    return {};
  }
}

export function choose(kind, id) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...chosen(), [kind]: id }));
  } catch {
    // A page without storage asks again next time.
  }
}

const wanted = (kind) => (chosen()[kind] ? { deviceId: { ideal: chosen()[kind] } } : true);

// A track of one kind, or null when there is none or the person has refused.
export async function open(kind) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ [kind]: kind === "video" ? { ...(wanted(kind) === true ? {} : wanted(kind)), width: { ideal: 640 }, height: { ideal: 480 } } : wanted(kind) });
    return stream.getTracks()[0];
  } catch {
    return null;
  }
}

// [{ id, label }] of a kind; labels are empty until one of the kind has been allowed.
export async function list(kind) {
  const all = (await navigator.mediaDevices?.enumerateDevices()) || [];
  return all.filter((device) => device.kind === `${kind}input` && device.deviceId).map(({ deviceId, label }) => ({ id: deviceId, label }));
}
