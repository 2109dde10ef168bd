// The sign-in page looks whether the server can be reached, and how quickly, before anybody types.
const line = document.getElementById("link-check");
const words = line.dataset;

async function look() {
  const began = performance.now();
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    const took = Math.round(performance.now() - began);
    if (!answer.ok) return show("bad", words.busy);
    show("good", `${words.fine} · ${took} ${words.ms}`);
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
