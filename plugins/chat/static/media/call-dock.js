// The dock: an incoming call, the call that is held, and visitors who want to show their page. It stays through all tabs.
import { csrf, find, send, toast } from "/static/js/app.js";
import * as devices from "/chat/static/widget/devices.js";
import { Line, pageName } from "/chat/static/widget/peer.js";

const own = pageName();

async function post(path, body = {}, more = {}) {
  const headers = { "X-CSRF-Token": csrf(), "Content-Type": "application/json", Accept: "application/json" };
  const answer = await fetch(`/chat/${path}`, { method: "POST", headers, body: JSON.stringify(body), ...more });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error?.text || ""), { code: said.error?.code });
  return said;
}

class CallDock {
  constructor(element) {
    this.element = element;
    this.words = JSON.parse(element.dataset.words);
    this.call = this.line = this.joining = this.recorder = null;
    const press = { answer: () => this.answer(false), video: () => this.answer(true), end: () => this.end(), mic: () => this.toggle("audio"), camera: () => this.toggle("video"), back: () => this.enter(this.call, false), wide: () => element.toggleAttribute("data-wide") };
    element.addEventListener("click", ({ target }) => press[target.closest("[data-call]")?.dataset.call]?.());
    element.addEventListener("change", ({ target }) => target.dataset.device && this.pick(target.dataset.device, target.value));
    find("details", element).addEventListener("toggle", ({ target }) => target.open && this.listDevices());
    addEventListener("pagehide", () => this.leave());
  }

  // --- what comes ----------------------------------------------------------------------------------
  restore(calls, pages) {
    for (const call of calls) this.hear({ kind: call.state === "offered" ? "offered" : "restored", call });
    for (const page of pages) if (page.state === "offered") this.hearPage({ kind: "offered", cobrowse: page });
  }

  hear({ kind, call, ...more }) {
    if (kind === "offered" && call.offered_by === "visitor" && !this.line) this.show(call, "ringing");
    if (kind === "restored" && !this.line) this.show(call, "away");
    if (this.call?.id !== call.id) return;
    if (kind === "ended") return this.over(call);
    if (kind === "signal") return own === more.to ? (this.line || this.joining)?.hear(more) : undefined;
    this.call = call;
    // Another page of this agent has the call now.
    if (this.line && call.peer && call.peer !== own) return this.show(call, "away", this.close());
    // Answered, or somebody has joined: what is not in this page yet belongs to another of this agent.
    if (kind === "answered" && !this.line && call.offered_by === "visitor") this.show(call, "away");
    if (this.line && call.state === "active") this.line.connect(call.other);
    this.draw();
  }

  // --- what the agent does -------------------------------------------------------------------------
  begin(call) {
    if (this.line) return;
    this.enter(call, call.media === "video");
  }

  async answer(video) {
    try {
      const { call } = await post(`calls/${this.call.id}/answer`);
      await this.enter(call, video);
    } catch (error) {
      this.failed(error);
    }
  }

  async enter(call, video) {
    this.show(call, "entering");
    const [audio, picture] = [await devices.open("audio"), video ? await devices.open("video") : null];
    if (!audio) toast(this.words.no_microphone, "warn");
    if (this.call?.id !== call.id) return [audio, picture].forEach((track) => track?.stop());
    try {
      const line = (this.joining = new Line({
        own,
        polite: false,
        send: (to, body) => post(`calls/${call.id}/signal`, { peer: own, to, body }),
        changed: () => this.draw(),
        lost: () => this.end(true),
      }));
      const joined = await post(`calls/${call.id}/join`, { peer: own });
      // Over while this page was joining.
      if (this.joining !== line) return [audio, picture].forEach((track) => track?.stop());
      line.configuration = joined.configuration;
      this.line = line;
      await this.line.set("audio", audio);
      await this.line.set("video", picture);
      // Told of this page already: that is as new as the answer, or newer.
      if (this.call?.peer !== own) this.call = joined.call;
      if (this.call.state === "active") this.line.connect(this.call.other);
      this.show(this.call, "held");
    } catch (error) {
      for (const track of [audio, picture]) track?.stop();
      this.failed(error);
    }
  }

  failed(error) {
    toast(error.message || this.words.failed, "error");
    if (error.code === "call-over") this.over({});
  }

  async end(lost = false) {
    const { id } = this.call;
    // Before the recording is complete, so that it is named after a call that is over.
    await post(`calls/${id}/end`, { lost }).catch((error) => error.code !== "call-over" && toast(error.message || this.words.failed, "error"));
    if (this.call?.id === id) this.over({ reason: lost ? "lost" : "" });
  }

  // A page that goes leaves the call to the next one: the other side waits for it a little while.
  leave() {
    this.recorder?.stop();
    this.line?.drop();
  }

  async toggle(kind) {
    const { line } = this;
    const track = line.tracks[kind];
    if (kind === "audio" && track) {
      track.enabled = !track.enabled;
      line.tellMedia();
    } else if (track) {
      track.stop();
      await line.set(kind, null);
    } else {
      const opened = await devices.open(kind);
      if (!opened) return toast(kind === "audio" ? this.words.no_microphone : this.words.no_camera, "warn");
      await line.set(kind, opened);
    }
    this.recorder?.follow();
    this.draw();
  }

  async pick(kind, id) {
    devices.choose(kind, id);
    const old = this.line?.tracks[kind];
    if (!old) return;
    const opened = await devices.open(kind);
    if (!opened) return;
    opened.enabled = old.enabled;
    old.stop();
    await this.line.set(kind, opened);
    this.recorder?.follow();
    this.draw();
  }

  async listDevices() {
    for (const select of this.element.querySelectorAll("[data-device]")) {
      const now = devices.chosen()[select.dataset.device];
      const found = await devices.list(select.dataset.device);
      select.replaceChildren(...found.map(({ id, label }, place) => new Option(label || `${place + 1}`, id, false, id === now)));
    }
  }

  // --- what is seen --------------------------------------------------------------------------------
  show(call, stage) {
    this.call = call;
    this.stage = stage;
    this.element.hidden = false;
    this.ring(call, stage === "ringing");
    this.draw();
  }

  // With the desk's own bell, as the agent's settings wish it.
  ring({ id, media }, on) {
    const detail = { tag: `chat-call-${id}`, on, title: this.words.incoming, body: this.words[media] };
    document.dispatchEvent(new CustomEvent("okno:ring", { detail }));
  }

  draw() {
    const { element, call, line, words } = this;
    if (!call) return;
    const held = Boolean(line);
    const connected = line?.state === "connected";
    element.dataset.stage = this.stage;
    find("[data-title]", element).textContent = call.media === "video" ? words.video : words.audio;
    find("[data-case]", element).href = `/cases/${call.case_id}`;
    const waiting = call.state === "offered" ? words.ringing : connected ? "" : words.connecting;
    find("[role=status]", element).textContent = { ringing: words.incoming, away: words.away, entering: words.opening }[this.stage] || waiting;
    const [far, mine] = [find(".call-far", element), find(".call-own", element)];
    if (far.srcObject !== (line?.remote || null)) far.srcObject = line?.remote || null;
    element.toggleAttribute("data-far", Boolean(connected && line.far.video));
    element.toggleAttribute("data-far-muted", Boolean(connected && !line.far.audio));
    const picture = line?.tracks.video || null;
    if ((mine.srcObject?.getTracks()[0] || null) !== picture) mine.srcObject = picture ? new MediaStream([picture]) : null;
    element.toggleAttribute("data-own", Boolean(picture));
    this.press("mic", held && Boolean(line.tracks.audio?.enabled));
    this.press("camera", held && Boolean(picture));
    const since = find("[data-call-since]", element);
    if (call.answered_at && since.dateTime !== call.answered_at) since.setAttribute("datetime", call.answered_at);
    since.hidden = !connected;
    element.toggleAttribute("data-records", Boolean(this.recorder));
    if (connected && call.recorded && !this.recorder) this.record();
  }

  press(name, on) {
    const button = find(`[data-call=${name}]`, this.element);
    button.setAttribute("aria-pressed", String(on));
    button.title = button.ariaLabel = button.dataset[on ? "off" : "on"];
  }

  record() {
    this.recorder = { follow() {}, stop() {} };
    import("./recorder.js").then(async ({ Recorder }) => {
      if (!this.line) return;
      this.recorder = new Recorder(this.call.id, this.line, () => toast(this.words.not_recorded, "warn"));
      await this.recorder.begin(post);
      this.draw();
    });
  }

  async stopRecording() {
    const recorder = this.recorder;
    this.recorder = null;
    await recorder?.stop();
  }

  close() {
    this.stopRecording();
    for (const track of Object.values(this.line?.tracks || {})) track?.stop();
    this.line?.drop();
    this.line = this.joining = null;
  }

  over({ reason, ended_by: by }) {
    if (by === "visitor" || reason === "lost" || reason === "missed") toast(this.words[reason] || this.words.over);
    this.close();
    if (this.call) this.ring(this.call, false);
    this.call = null;
    this.element.hidden = true;
  }

  // --- pages that visitors want to show --------------------------------------------------------------
  hearPage({ kind, cobrowse: { id, case_id: caseId, page } }) {
    const list = find("[data-pages]", this.element.parentElement);
    find(`[data-page="${id}"]`, list)?.remove();
    if (kind === "ended") document.dispatchEvent(new CustomEvent("okno:page-ended", { detail: { id } }));
    if (kind !== "offered") return;
    const card = find("template", list).content.firstElementChild.cloneNode(true);
    card.dataset.page = id;
    find("[data-address]", card).textContent = page;
    find("[data-case]", card).href = `/cases/${caseId}`;
    card.addEventListener("click", ({ target }) => {
      const act = target.closest("[data-answer]")?.dataset.answer;
      if (act) this.answerPage(id, act, card);
    });
    list.append(card);
  }

  async answerPage(id, act, card) {
    const answer = await send(`/chat/pages/${id}/${act}`);
    const raised = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
    for (const [name, detail] of Object.entries(raised)) document.dispatchEvent(new CustomEvent(name, { detail }));
    if (answer.ok || answer.status === 422) card.remove();
  }
}

export async function start() {
  const answer = await fetch("/chat/calls/dock", { headers: { "HX-Request": "true" } });
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  document.body.append(holder.content);
  return new CallDock(document.getElementById("call-dock"));
}
