// How good the connection is: looked at every few seconds, reported to the call, told to the agent when it is bad for a while.
//
//   const watch = new Watch({ look, report, show });
//   look()        => Promise<{loss_percent, jitter_ms, rtt_ms} | null>
//   report(figures)   every REPORT_EVERY looks, for the call's record: the worst of them, with mean_loss, mean_jitter and samples
//   show(figures, bad)   after each look; bad once two looks one after another were over the limits, until two were not
//   watch.start(); watch.stop()
//   watch.judge(figures)   what was measured elsewhere counts as well

const LIMITS = { loss_percent: 2, jitter_ms: 20 };
const LOOK = 3000;
const REPORT_EVERY = 3;
const TWICE = 2;

const isBad = (figures) => Object.entries(LIMITS).some(([name, limit]) => figures[name] > limit);

export class Watch {
  constructor({ look, report, show }) {
    Object.assign(this, { look, report, show, timer: null });
    this.forget();
  }

  forget() {
    [this.bad, this.against, this.looks, this.worst, this.loss, this.jitter] = [false, 0, 0, null, 0, 0];
  }

  start() {
    this.timer ??= setInterval(() => this.once(), LOOK);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.forget();
  }

  async once() {
    const figures = await this.look();
    if (!figures || !this.timer) return;
    this.judge(figures);
    this.worst = worse(this.worst, figures);
    this.loss += figures.loss_percent;
    this.jitter += figures.jitter_ms;
    if (++this.looks % REPORT_EVERY) return;
    this.report({ ...this.worst, mean_loss: this.loss / REPORT_EVERY, mean_jitter: this.jitter / REPORT_EVERY, samples: REPORT_EVERY });
    [this.worst, this.loss, this.jitter] = [null, 0, 0];
  }

  judge(figures) {
    this.against = isBad(figures) === this.bad ? 0 : this.against + 1;
    if (this.against >= TWICE) [this.bad, this.against] = [!this.bad, 0];
    this.show(figures, this.bad);
  }
}

const worse = (one, other) => (one ? Object.fromEntries(Object.keys(other).map((name) => [name, Math.max(one[name], other[name])])) : other);
