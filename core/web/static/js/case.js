// The case page: inline edits that never overwrite a colleague's, who else is here, links to entries, mentions, lookups.
import { all, csrf, find, send, toast } from "./app.js";

const RU = document.documentElement.lang === "ru";
export const WORDS = RU
  ? { saved: "сохранено", saving: "Сохраняю…", failed: "Не сохранено", subject: "Тема", undo: "Отменить отправку", sent: "Ответ отправлен", gone: "Такой записи здесь нет", was: "Сейчас здесь: «{0}». Ваш вариант остался в поле." }
  : { saved: "saved", saving: "Saving…", failed: "Not saved", subject: "Subject", undo: "Undo", sent: "Answer sent", gone: "There is no such entry here", was: "It says «{0}» now. Yours is still in the field." };
const SAVE_AFTER = 800;
const PULSE = 30_000;
const LEAST = 15_000;
const landing = location.hash;

// --- inline edits -----------------------------------------------------------------------------------
const caseOf = (element) => element.closest("[data-case]")?.dataset.case;

async function edit(caseId, name, value, before) {
  const values = { name, value };
  if (before !== undefined) values.before = before;
  try {
    const answer = await fetch(`/cases/${caseId}/edit`, { method: "POST", headers: { "X-CSRF-Token": csrf(), Accept: "application/json" }, body: new URLSearchParams(values) });
    if (answer.status === 401) location.assign("/sign-in");
    const said = await answer.json();
    return answer.ok ? {} : { ...said, ...said.error };
  } catch {
    return { text: WORDS.failed, code: "offline" };
  }
}

const timers = new WeakMap();
const saving = new WeakMap();
const valueOf = (field) => (field.type === "checkbox" ? (field.checked ? "true" : "") : field.value);

function saveLater(field, time) {
  clearTimeout(timers.get(field));
  timers.set(field, setTimeout(() => save(field), time));
}

async function save(field) {
  clearTimeout(timers.get(field));
  timers.delete(field);
  await saving.get(field);
  const value = valueOf(field);
  if (value === field.dataset.before || field.validity?.badInput) return;
  state(field, WORDS.saving);
  const request = edit(caseOf(field), field.dataset.editField, value, field.dataset.before);
  saving.set(field, request);
  const { text, code, current } = await request;
  saving.delete(field);
  if (!text) {
    field.dataset.before = value;
    state(field, `${WORDS.saved} ${new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" })}`);
  } else {
    state(field, WORDS.failed);
    if (code === "case-changed") field.dataset.before = current === true ? "true" : current || "";
  }
  wrong(field, code === "case-changed" ? `${text} ${WORDS.was.replace("{0}", shownAs(field, current))}` : text);
  if (code === "offline") saveLater(field, 4000);
}

function shownAs(field, current) {
  if (field.matches("select")) return [...field.options].find((option) => option.value === current)?.textContent || current || "—";
  return typeof current === "boolean" ? (current ? "✓" : "—") : current || "—";
}

function wrong(field, text) {
  const place = find(".case-field-error", field.closest(".case-field"));
  field.toggleAttribute("data-wrong", Boolean(text));
  text ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
  if (!place) return;
  place.textContent = text || "";
  place.hidden = !text;
}

function state(field, text) {
  const place = find("[data-form-state]", field.closest(".case-form"));
  if (place) place.textContent = text;
}

document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-edit-field]")) target.matches("select, [type=checkbox], [type=date]") || saveLater(target, SAVE_AFTER);
  if (target.matches("[data-needed]")) target.closest(".case-field").classList.remove("case-field-missing");
});
document.addEventListener("change", ({ target }) => target.matches("[data-edit-field]") && save(target));
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("[data-edit-field]");
  if (!field) return;
  if (event.key === "Enter" && !field.matches("textarea") && !event.isComposing) (event.preventDefault(), save(field));
  if (event.key === "Escape" && field.dataset.before !== undefined && valueOf(field) !== field.dataset.before) {
    event.stopPropagation();
    field.type === "checkbox" ? (field.checked = field.dataset.before === "true") : (field.value = field.dataset.before);
    wrong(field, "");
  }
});
// What is half typed leaves with the page.
addEventListener("pagehide", () => {
  for (const field of all("[data-edit-field]")) {
    if (!timers.has(field)) continue;
    const body = new URLSearchParams({ name: field.dataset.editField, value: valueOf(field), before: field.dataset.before, csrf_token: csrf() });
    navigator.sendBeacon(`/cases/${caseOf(field)}/edit`, body);
  }
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-edit]");
  if (!button) return;
  button.closest("details")?.removeAttribute("open");
  const before = button.dataset.before ?? button.closest("[data-before]")?.dataset.before;
  const { text } = await edit(caseOf(button), button.dataset.edit, button.dataset.value, before);
  if (text) toast(text, "error");
});

// --- the subject ------------------------------------------------------------------------------------
document.addEventListener("click", ({ target }) => {
  const pencil = target.closest("[data-edit-subject]");
  if (pencil) editSubject(find(".case-subject", pencil.closest(".case-head")));
});
document.addEventListener("dblclick", ({ target }) => target.matches?.(".case-subject[data-edits]") && editSubject(target));

function editSubject(heading) {
  if ("editing" in heading.dataset) return;
  const field = document.createElement("input");
  Object.assign(field, { className: "input subject-input", value: heading.dataset.subject, maxLength: 300, ariaLabel: WORDS.subject });
  heading.dataset.editing = "";
  heading.replaceChildren(field);
  field.select();
  let done = false;
  const end = async (keep) => {
    if (done) return;
    done = true;
    const before = heading.dataset.subject;
    const value = field.value.trim();
    if (keep && value !== before) {
      const { text } = await edit(caseOf(heading), "subject", value, before);
      if (text) toast(text, "error");
      else heading.dataset.subject = value;
    }
    delete heading.dataset.editing;
    heading.textContent = heading.dataset.subject;
    heading.title = heading.dataset.subject;
  };
  field.onkeydown = (event) => {
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") (event.stopPropagation(), end(false));
  };
  field.onblur = () => end(true);
}

// A fresh version of the page leaves alone what is being edited.
const callbacks = () => window.Idiomorph?.defaults.callbacks;
function guardEdits() {
  if (!callbacks()) return;
  const others = callbacks().beforeNodeMorphed;
  callbacks().beforeNodeMorphed = (old, fresh) => {
    if (others(old, fresh) === false) return false;
    if (!old.matches) return true;
    if (old.matches("[data-editing], [data-wrong], .case-organisation[open], .case-viewers-place")) return false;
    if (old.matches("[data-edit-field]") && (timers.has(old) || saving.has(old) || valueOf(old) !== old.dataset.before)) return false;
    // What the server says now is what the next save compares with, and what a field nobody touches shows.
    if (old.matches("[data-edit-field]") && fresh.dataset) {
      if (old.type === "checkbox") old.checked = fresh.hasAttribute("checked");
      else if (old.matches("select")) old.value = fresh.dataset.before;
      else if (!old.matches("textarea")) old.value = fresh.getAttribute("value") ?? "";
      else old.value = fresh.value;
    }
    return true;
  };
}
document.addEventListener("DOMContentLoaded", guardEdits);

// --- the blocks beside the timeline -----------------------------------------------------------------
const aside = {};
function freshAside(caseId) {
  clearTimeout(aside[caseId]);
  aside[caseId] = setTimeout(async () => {
    const old = document.getElementById(`case-${caseId}-parts`);
    if (!old) return;
    const answer = await fetch(`/cases/${caseId}/aside`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    const open = Boolean(find(".about-files[open]", old));
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const parts = find(".case-parts", holder.content);
    if (!parts || !document.contains(old)) return;
    if (open) find(".about-files", parts)?.setAttribute("open", "");
    window.Idiomorph.morph(old, parts, { morphStyle: "outerHTML" });
    window.htmx.process(document.getElementById(`case-${caseId}-parts`));
  }, 120);
}
document.addEventListener("okno:aside", ({ detail }) => freshAside(detail.case_id));
document.addEventListener("okno:close", () => all("dialog[open]").forEach((dialog) => dialog.close()));

document.addEventListener("okno:event", ({ detail: { type, payload } }) => {
  if (type === "case.changed") freshAside(payload.case_id);
  if (type === "message.added") freshAside(payload.case_id);
  if (type === "case.viewers") freshViewers(payload.case_id);
  if (type === "reset") all(".case[data-case]").forEach(({ dataset }) => (freshAside(dataset.case), freshViewers(dataset.case)));
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-new-organisation]");
  if (!button) return;
  const box = button.closest(".organisation-new");
  const values = { name: find("[data-new-name]", box).value, tax_id: find("[data-new-tax]", box).value };
  const answer = await fetch(`/cases/${caseOf(button)}/organisation`, { method: "POST", headers: { "X-CSRF-Token": csrf(), Accept: "application/json" }, body: new URLSearchParams(values) });
  const said = await answer.json();
  if (!answer.ok) {
    const place = find(".case-field-error", box);
    place.textContent = said.error.text;
    place.hidden = false;
    return;
  }
  button.closest("details").open = false;
  if (said.warning) toast(said.warning, "warn");
});
document.addEventListener("toggle", ({ target }) => target.matches?.("details.menu[open]") && find("input", target)?.focus(), true);

// --- who else is here -------------------------------------------------------------------------------
const signs = new Map();
const shownCase = () => [...document.querySelectorAll(".case[data-case]")].find((element) => element.checkVisibility());

async function sign(caseId, how) {
  const last = signs.get(caseId);
  if (last && last.how === how && Date.now() - last.at < LEAST) return;
  signs.set(caseId, { how, at: Date.now() });
  try {
    const answer = await send(`/cases/${caseId}/viewing`, { state: how });
    if (answer.ok) showViewers(caseId, await answer.text());
  } catch {
    signs.delete(caseId);
  }
}

function leave(caseId) {
  if (!signs.delete(caseId)) return;
  navigator.sendBeacon(`/cases/${caseId}/viewing`, new URLSearchParams({ state: "closed", csrf_token: csrf() }));
}

async function freshViewers(caseId) {
  if (!document.getElementById(`case-${caseId}-viewers`)) return;
  const answer = await fetch(`/cases/${caseId}/viewers`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.ok) showViewers(caseId, await answer.text());
}

function showViewers(caseId, html) {
  const place = document.getElementById(`case-${caseId}-viewers`);
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const fresh = find(".case-viewers", holder.content);
  if (place && fresh && place.innerHTML !== fresh.innerHTML) place.replaceChildren(...fresh.childNodes);
}

const present = () => {
  const shown = document.visibilityState === "visible" && shownCase();
  if (shown) sign(shown.dataset.case, writing(shown) ? "writing" : "open");
};
const writers = new Map();
const writing = (shown) => Date.now() - (writers.get(shown.dataset.case) || 0) < 20_000;
document.addEventListener("input", ({ target }) => {
  const form = target.closest?.(".compose-reply");
  // The editor speaks of its own first drawing too; only what somebody types counts.
  if (!form?.contains(document.activeElement)) return;
  const shown = form.closest(".case");
  writers.set(shown.dataset.case, Date.now());
  sign(shown.dataset.case, "writing");
});
document.addEventListener("okno:sent", ({ detail }) => (writers.delete(String(detail.case_id)), present()));
document.addEventListener("okno:shown", present);
document.addEventListener("okno:loaded", present);
document.addEventListener("visibilitychange", present);
document.addEventListener("okno:leave", ({ target }) => {
  const shown = find(".case[data-case]", target);
  if (shown) leave(shown.dataset.case);
});
addEventListener("pagehide", () => [...signs.keys()].forEach(leave));
setInterval(present, PULSE);

// --- places in the timeline -------------------------------------------------------------------------
const listOf = (caseId) => document.getElementById(`case-${caseId}-entries`);

async function showEntry(caseId, entryId) {
  const list = listOf(caseId);
  if (!list) return;
  if (!document.getElementById(`entry-${entryId}`)) await fill(list, `around=${entryId}`);
  const entry = document.getElementById(`entry-${entryId}`);
  if (!entry) return toast(WORDS.gone, "warn");
  entry.scrollIntoView({ block: "center" });
  entry.classList.remove("pointed");
  entry.offsetWidth;
  entry.classList.add("pointed");
}

async function fill(list, asked) {
  const answer = await fetch(`${list.dataset.url}?view=${list.dataset.view}&${asked}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  list.innerHTML = await answer.text();
  window.htmx.process(list);
}

document.addEventListener("click", async (event) => {
  const { target } = event;
  const jump = target.closest("[data-jump]");
  if (jump) {
    const scroll = find("[data-scroll]", jump.closest(".case"));
    const list = find(".timeline", scroll);
    const first = jump.dataset.jump === "first";
    if (first ? find(".earlier", list) : find(".later", list)) await fill(list, first ? "after=0" : "");
    scroll.scrollTop = first ? 0 : scroll.scrollHeight;
    scroll.focus({ preventScroll: true });
  }
  const link = target.closest("a[data-entry-link]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    const [, caseId, entryId] = link.getAttribute("href").match(/cases\/(\d+)#entry-(\d+)/);
    showEntry(caseId, entryId);
    history.replaceState({}, "", `${location.pathname}${location.search}#entry-${entryId}`);
  }
}, true);

// An address with #entry-5, opened from a notification or a copied link.
let wanted = landing;
document.addEventListener("click", ({ target }) => {
  const link = target.closest("a[href*='#entry-']:not([data-entry-link])");
  if (link) wanted = new URL(link.href).hash;
}, true);
const arrive = () => {
  const entryId = wanted.match(/^#entry-(\d+)$/)?.[1];
  const shown = entryId && shownCase();
  if (!shown) return;
  wanted = "";
  showEntry(shown.dataset.case, entryId);
};
document.addEventListener("okno:loaded", arrive);
document.addEventListener("okno:shown", arrive);

// Earlier entries come by themselves when the top is near; what is in view stays where it is.
document.addEventListener("scroll", ({ target }) => {
  if (!target.matches?.(".case-scroll") || target.scrollTop > 240) return;
  const button = find("[data-load-earlier]:not([data-asked])", target);
  if (!button) return;
  button.dataset.asked = "";
  button.click();
}, true);
let heightBefore = 0;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const scroll = detail.target.matches?.(".earlier") && detail.target.closest(".case-scroll");
  heightBefore = scroll ? scroll.scrollHeight : 0;
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const scroll = heightBefore && find(".case-scroll:has(.timeline)", detail.target.closest?.(".case") || document.querySelector(".panel:not([hidden])"));
  if (!scroll) return;
  scroll.scrollTop += scroll.scrollHeight - heightBefore;
  heightBefore = 0;
  oneDayEach(find(".timeline", scroll));
});
function oneDayEach(list) {
  const seen = new Set();
  for (const day of all(".day", list)) seen.has(day.id) ? day.remove() : seen.add(day.id);
}

// --- mentions ---------------------------------------------------------------------------------------
let list = null;
let asked = 0;
function closeList() {
  list?.remove();
  list = null;
}
const started = (field) => field.value.slice(0, field.selectionStart).match(/(?<![\p{L}\p{N}_@.])@([\p{L}\p{N}_.\-]{0,30})$/u)?.[1];

document.addEventListener("input", async ({ target }) => {
  if (!target.matches("[data-mentions]")) return;
  const words = started(target);
  const turn = ++asked;
  if (words === undefined) return closeList();
  const answer = await fetch(`/colleagues?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true" } });
  if (turn !== asked || !answer.ok) return;
  const { people } = await answer.json();
  closeList();
  if (!people.length) return;
  list = document.createElement("ul");
  list.className = "mention-list";
  list.role = "listbox";
  list.id = "mention-list";
  list.append(...people.map((person, index) => {
    const line = document.createElement("li");
    line.role = "option";
    line.id = `mention-${person.id}`;
    line.ariaSelected = String(index === 0);
    line.dataset.login = person.login;
    const name = document.createElement("span");
    name.textContent = person.name;
    const login = document.createElement("span");
    login.className = "faint small";
    login.textContent = `@${person.login}`;
    line.append(name, login);
    line.onmousedown = (event) => (event.preventDefault(), mention(target, person.login));
    return line;
  }));
  target.parentElement.append(list);
  target.setAttribute("aria-controls", "mention-list");
  target.setAttribute("aria-activedescendant", find("[aria-selected=true]", list).id);
});
document.addEventListener("keydown", (event) => {
  if (!list || !event.target.matches("[data-mentions]")) return;
  const lines = all("li", list);
  const at = lines.findIndex((line) => line.ariaSelected === "true");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    lines.forEach((line, index) => (line.ariaSelected = String(index === (at + by + lines.length) % lines.length)));
    const chosen = find("[aria-selected=true]", list);
    event.target.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
    event.preventDefault();
    event.stopImmediatePropagation();
    mention(event.target, lines[at].dataset.login);
  } else if (event.key === "Escape") {
    event.stopImmediatePropagation();
    closeList();
  }
}, true);
document.addEventListener("focusout", ({ target }) => target.matches?.("[data-mentions]") && closeList());

function mention(field, login) {
  const end = field.selectionStart;
  const start = end - started(field).length;
  field.setRangeText(`${login} `, start, end, "end");
  closeList();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- required fields in the dialog that closes a case -----------------------------------------------
document.addEventListener("toast", ({ target, detail }) => {
  const form = target.closest?.("form[data-outcome]");
  if (!form || detail.level !== "error") return;
  const empty = all("[data-needed]", form).filter((field) => !valueOf(field));
  for (const field of empty) field.closest(".case-field").classList.add("case-field-missing");
  const chosen = find("input[name=disposition]:checked", form);
  if (detail.code === "required-fields" && !all("[data-needed]", form).length) return;
  if (!chosen && all("input[name=disposition]", form).length && detail.code !== "required-fields") find("input[type=search]", form).focus();
  else empty[0]?.focus();
});

// Typing filters, arrows move, Enter takes the choice: in the dialogs of dispositions and of passing on.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("dialog [data-filter]");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!field || !(by || event.key === "Enter")) return;
  const radios = all("[data-filter-text]:not([hidden]) input[type=radio]", find(field.dataset.filter)).filter((radio) => radio.checkVisibility());
  if (!radios.length) return;
  event.preventDefault();
  const at = radios.findIndex((radio) => radio.checked);
  if (by) {
    const next = radios[(at + by + radios.length) % radios.length];
    next.checked = true;
    next.closest("label").scrollIntoView({ block: "nearest" });
  } else if (at >= 0) field.form.requestSubmit();
  else radios[0].checked = true;
});
document.addEventListener("htmx:afterSwap", ({ detail }) => find("[data-wanted]", detail.target)?.scrollIntoView({ block: "start" }));
