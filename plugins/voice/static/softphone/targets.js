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
    this.dialog.addEventListener("htmx:beforeSwap", ({ target }) => target.matches("[data-voice-list]") && (this.kept = this.chosen?.value));
    this.dialog.addEventListener("htmx:afterSwap", ({ target }) => target.matches("[data-voice-list]") && this.found());
  }

  get form() {
    return find("[data-voice-targets]", this.dialog);
  }

  get chosen() {
    return find("input[name=target]:checked", this.form);
  }

  // purpose: consult, transfer, conference, or any
  open(key, purpose) {
    this.key = key;
    window.htmx.ajax("GET", `/voice/softphone/targets?call=${encodeURIComponent(key)}&for=${purpose}`, { target: this.dialog, swap: "innerHTML" }).then(() => this.form && openDialog(this.dialog));
  }

  over(key) {
    if (key === this.key && this.form) this.dialog.close();
  }

  // Who was chosen while the answer was on its way stays chosen.
  found() {
    const same = this.kept && [...this.form.querySelectorAll("input[name=target]")].find((radio) => radio.value === this.kept);
    if (same) same.checked = true;
    this.typed();
  }

  // What was typed may itself be what to dial.
  typed() {
    const value = find("[data-voice-search]", this.form).value.trim();
    const line = find("[data-voice-number]", this.form);
    line.hidden = !DIALLED.test(value);
    find("span", line).textContent = value;
    const radio = find("input", line);
    radio.value = `number:${value}`;
    if (line.hidden) radio.checked = false;
    else if (!this.chosen) radio.checked = true;
  }

  // Down from the field to who was found and through them; Enter does what the first button says.
  pressed(event) {
    if (!this.form || !event.target.matches("[data-voice-search], input[name=target]")) return;
    const typing = event.target.matches("[data-voice-search]");
    if (event.key !== "Enter" && !(typing && event.key === "ArrowDown")) return;
    event.preventDefault();
    const first = [...this.form.querySelectorAll("input[name=target]")].find((radio) => radio.checkVisibility());
    if (!first) return;
    if (!this.chosen) first.checked = true;
    if (event.key === "ArrowDown") this.chosen.focus();
    else find("[data-voice-do].btn-primary", this.form)?.click();
  }

  async act(button) {
    const { chosen } = this;
    if (!chosen) return this.refuse(find("[data-form-error]", this.form).dataset.none);
    const at = chosen.value.indexOf(":");
    const [kind, value] = [chosen.value.slice(0, at), chosen.value.slice(at + 1)];
    const target = kind === "number" ? { number: value } : { [`${kind}_id`]: Number(value) };
    if (await this.phone.command(this.key, button.dataset.voiceDo, { target }, (words) => this.refuse(words))) this.dialog.close();
  }

  refuse(words) {
    const place = this.form && find("[data-form-error]", this.form);
    if (!place) return;
    place.hidden = false;
    place.lastElementChild.textContent = words;
  }
}
