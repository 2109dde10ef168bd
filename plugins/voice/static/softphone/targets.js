// Whom to consult, to pass the call to, to add to it: one dialog over the directory, lines and any number.
import { find, openDialog } from "/static/js/app.js";

const DIALLED = /^[\d+*#,() .\-–]{2,}$/;

export class TargetDialog {
  constructor(phone) {
    this.phone = phone;
    this.key = "";
    this.dialog = document.getElementById("task");
    this.dialog.addEventListener("click", ({ target }) => target.closest("[data-voice-do]") && this.act(target.closest("[data-voice-do]")));
    this.dialog.addEventListener("input", ({ target }) => target.matches("[data-voice-search]") && this.typed(target));
    this.dialog.addEventListener("keydown", (event) => this.pressed(event));
    this.dialog.addEventListener("submit", (event) => this.form && event.preventDefault());
    this.dialog.addEventListener("htmx:afterSwap", ({ target }) => target.matches("[data-voice-list]") && this.number());
  }

  get form() {
    return find("[data-voice-targets]", this.dialog);
  }

  // purpose: consult, transfer, conference, or any
  open(key, purpose) {
    this.key = key;
    window.htmx.ajax("GET", `/voice/softphone/targets?call=${encodeURIComponent(key)}&for=${purpose}`, { target: this.dialog, swap: "innerHTML" }).then(() => this.form && openDialog(this.dialog));
  }

  over(key) {
    if (key === this.key && this.form) this.dialog.close();
  }

  // What was typed may itself be what to dial.
  typed() {
    this.number();
  }

  number() {
    const value = find("[data-voice-search]", this.form).value.trim();
    const line = find("[data-voice-number]", this.form);
    line.hidden = !DIALLED.test(value);
    find("span", line).textContent = value;
    const radio = find("input", line);
    radio.value = `number:${value}`;
    if (line.hidden) radio.checked = false;
    else if (!find("input[name=target]:checked", this.form)) radio.checked = true;
  }

  pressed(event) {
    if (!this.form || !event.target.matches("[data-voice-search]") || !["ArrowDown", "Enter"].includes(event.key)) return;
    event.preventDefault();
    const first = [...this.form.querySelectorAll("input[name=target]")].find((radio) => radio.checkVisibility());
    if (!first) return;
    if (!find("input[name=target]:checked", this.form)) first.checked = true;
    if (event.key === "ArrowDown") first.focus();
    else find("[data-voice-do].btn-primary", this.form)?.click();
  }

  async act(button) {
    const chosen = find("input[name=target]:checked", this.form);
    const problem = find("[data-form-error]", this.form);
    problem.hidden = Boolean(chosen);
    if (!chosen) return void (problem.lastElementChild.textContent = problem.dataset.none);
    const [kind, value] = [chosen.value.split(":")[0], chosen.value.slice(chosen.value.indexOf(":") + 1)];
    const target = kind === "number" ? { number: value } : { [`${kind}_id`]: Number(value) };
    const said = await this.phone.command(this.key, button.dataset.voiceDo, { target });
    if (said) this.dialog.close();
  }
}
