// The sign-in page looks whether the server can be reached, and how quickly, before anybody types.
const line = document.getElementById("link-check");
const words = line.dataset;

async function look() {
  const began = performance.now();
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    const took = Math.round(performance.now() - began);
    if (!answer.ok) return show("bad", words.busy);
    // The stream refuses whoever is not signed in: that it answers at all is what has to be known.
    const stream = await fetch("/events", { method: "HEAD", cache: "no-store" });
    show(stream.status < 500 ? "good" : "bad", stream.status < 500 ? `${words.fine} · ${took} ${words.ms}` : words.busy);
  } catch {
    show("bad", words.lost);
  }
}

function show(tone, text) {
  line.dataset.tone = tone;
  line.lastElementChild.textContent = text;
}

look();
addEventListener("online", look);
addEventListener("offline", () => show("bad", words.lost));
