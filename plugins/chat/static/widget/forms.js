// Questions before the chat, the form for when nobody is there, the rating at the end.

import { freshId } from "./conversation.js";
import { fill, h, icon } from "./dom.js";

const EMAIL = /^[^@\s<>"]+@[^@\s<>"]+\.[^@\s<>"]+$/;
const FILLED_IN = { name: "name", email: "email", phone: "tel" };
const TYPES = { email: "email", phone: "tel" };
let numbers = 0;

function field({ key, kind, title, required, options = [] }, words) {
  const id = `okno-${(numbers += 1)}`;
  const common = { id, name: key, required, "aria-describedby": `${id}-e` };
  const more = { autocomplete: FILLED_IN[kind] ?? "off", maxlength: kind === "lines" ? "4000" : "300", type: TYPES[kind] ?? "text" };
  const input =
    kind === "choice"
      ? h("select", common, h("option", { value: "" }, ""), ...options.map((one) => h("option", {}, one)))
      : kind === "lines"
        ? h("textarea", { ...common, rows: "4" })
        : h("input", { ...common, ...more });
  const error = h("p", { class: "wrong", id: `${id}-e`, hidden: true });
  const check = () => {
    const value = input.value.trim();
    const wrong = required && !value ? words.required : kind === "email" && value && !EMAIL.test(value) ? words.bad_email : "";
    error.textContent = wrong;
    error.hidden = !wrong;
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    return !wrong;
  };
  // While it is typed, not when it is left: what stands below must not move under a click.
  input.addEventListener("input", () => error.hidden || check());
  return { key, input, check, element: h("div", { class: "field" }, h("label", { for: id }, title, required ? h("span", { "aria-hidden": "true" }, " *") : ""), input, error) };
}

function form({ config, intro, fields, button, done }) {
  const { words } = config;
  const lines = fields.map((one) => field(one, words));
  const failed = h("p", { class: "wrong", role: "alert", hidden: true });
  const submit = h("button", { class: "main" }, button);
  const send = async (event) => {
    event.preventDefault();
    const wrong = lines.filter((line) => !line.check());
    if (wrong.length) return wrong[0].input.focus();
    submit.disabled = true;
    try {
      await done(Object.fromEntries(lines.map((line) => [line.key, line.input.value.trim()])));
    } catch (error) {
      failed.textContent = error.message && !/^\d+$|fetch/i.test(error.message) ? error.message : words.lost;
      failed.hidden = false;
    }
    submit.disabled = false;
    return undefined;
  };
  const consent = words.consent ? h("p", { class: "consent" }, words.consent) : "";
  const element = h("form", { class: "ask", novalidate: true, onsubmit: send }, h("p", { class: "intro" }, intro), ...lines.map((line) => line.element), failed, submit, consent);
  return { element, focus: () => lines[0]?.input.focus() };
}

export function questions(config, done) {
  const { words, fields } = config;
  return form({ config, intro: words.intro, fields, button: words.start, done });
}

export function offlineForm(config, leave) {
  const { words } = config;
  const asked = config.fields.filter((one) => !["name", "email"].includes(one.key));
  const fields = [
    { key: "name", kind: "name", title: words.name },
    { key: "email", kind: "email", title: words.email, required: true },
    ...asked,
    { key: "text", kind: "lines", title: words.write, required: true },
  ];
  const id = freshId();
  const shown = form({
    config, intro: words.offline, fields, button: words.send,
    done: async ({ name, email, text, ...told }) => {
      await leave({ id, name, email, text, told });
      shown.element.replaceChildren(h("p", { class: "thanks", role: "status", tabindex: "-1" }, words.thanks));
      shown.element.firstElementChild.focus();
    },
  });
  return shown;
}

export function ratingForm(config, rate) {
  const { words } = config;
  const comment = h("textarea", { rows: "2", maxlength: "2000", placeholder: words.comment, "aria-label": words.comment });
  const more = h("div", { class: "more", hidden: true }, comment, h("button", { class: "main" }, words.send));
  const element = h("form", { class: "rating" });
  const group = h("fieldset", {}, h("legend", {}, words.rate));
  let score = 0;
  const name = `okno-${(numbers += 1)}`;
  for (let n = 1; n <= 5; n += 1) {
    const star = h("input", { type: "radio", name, value: String(n), "aria-label": fill(words.stars, { n }) });
    star.addEventListener("change", async () => {
      score = n;
      for (const label of group.querySelectorAll("label")) label.classList.toggle("on", Number(label.firstElementChild.value) <= n);
      more.hidden = false;
      await rate(score, "").catch(() => {});
    });
    group.append(h("label", {}, star, icon("star")));
  }
  element.append(group, more);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await rate(score, comment.value);
      element.replaceChildren(h("p", { class: "thanks", role: "status" }, words.rated));
    } catch (error) {
      element.append(h("p", { class: "wrong", role: "alert" }, error.message || words.lost));
    }
  });
  return element;
}
