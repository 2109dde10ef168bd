// The editor of an article: sections as rich text, saved while one types, held by one window at a time.
import { all, csrf, find, openDialog, send, toast } from "/static/js/app.js";
import { wrapped } from "./details.js";
import { cleanPasted, extensions, marked, plain } from "./nodes.js";
import { chips, movable, showFile, upload, valuesOf } from "./side.js";
import { slashMenu } from "./slash.js";
import { toolbar } from "./tools.js";

const PAUSE = 1200;
const AGAIN = 10_000;

export async function start(form) {
  const tiptap = await import(form.dataset.tiptap);
  if (form.isConnected) form.kbEditor = new Page(form, tiptap);
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

class Page {
  #saving = null;
  #timer = 0;
  #last = null;

  constructor(form, tiptap) {
    this.form = form;
    this.tiptap = tiptap;
    this.words = JSON.parse(find("[data-words]", form).textContent);
    this.number = form.dataset.number;
    this.copyId = Number(form.dataset.copyId) || null;
    this.revision = Number(form.dataset.revision);
    this.token = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.editors = new Map();
    this.mine = !this.number;
    this.touched = false;
    this.bar = toolbar(form, () => this.current());
    this.slash = slashMenu(form, this.bar);
    for (const section of all("[data-section]", form)) this.mount(section);
    chips(form, () => this.changed(), this.words);
    movable(find("[data-sections]", form), () => this.changed());
    this.listen();
    this.showSize();
    this.number ? this.lock() : (form.dataset.ready = "yes");
  }

  // --- sections --------------------------------------------------------------------------------------
  mount(section) {
    const place = find("[data-rich]", section);
    const source = find("template", place)?.innerHTML || "";
    place.replaceChildren();
    const editor = new this.tiptap.Editor({
      element: place,
      extensions: extensions(this.tiptap, { words: this.words, files: (list, view, at) => this.pictures(list, section, at) }),
      content: marked(wrapped(source)),
      injectCSS: false,
      editorProps: {
        attributes: { role: "textbox", "aria-multiline": "true", "aria-label": find(".kb-edit-title", section).value || this.words.untitled },
        transformPastedHTML: (html) => wrapped(cleanPasted(html)),
        handleKeyDown: (_view, event) => this.slash.key(event) || this.shortcut(event),
      },
      onFocus: () => this.chosen(section),
      onUpdate: () => {
        section.dataset.changed = "yes";
        this.slash.look(editor);
        this.changed();
      },
      onSelectionUpdate: () => this.bar.show(editor),
      onTransaction: () => editor.isFocused && this.bar.show(editor),
    });
    section.kbKept = source;
    this.editors.set(section, editor);
    editor.setEditable(this.mine, false);
  }

  shortcut(event) {
    if (!(event.ctrlKey || event.metaKey) || event.code !== "KeyK") return false;
    event.preventDefault();
    event.stopPropagation();
    this.bar.act("link");
    return true;
  }

  chosen(section) {
    this.section = section;
    this.bar.show(this.editors.get(section));
  }

  current() {
    if (!this.section?.isConnected) this.section = find("[data-section]", this.form);
    return this.editors.get(this.section);
  }

  addSection({ addSection: key, sectionTitle: title = "" }) {
    if (key && find(`[data-section="${key}"]`, this.form)) return this.editors.get(find(`[data-section="${key}"]`, this.form)).commands.focus();
    const list = find("[data-sections]", this.form);
    list.append(find("[data-new-section]", this.form).content.cloneNode(true));
    const section = list.lastElementChild;
    section.dataset.section = key || `part-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    find(".kb-edit-title", section).value = title;
    this.mount(section);
    if (title) this.editors.get(section).commands.focus();
    else find(".kb-edit-title", section).focus();
    this.changed();
  }

  removeSection(section) {
    this.editors.get(section).destroy();
    this.editors.delete(section);
    section.remove();
    this.changed();
  }

  async pictures(list, section, at) {
    const editor = this.editors.get(section);
    for (const file of list) {
      try {
        const { url, name } = await upload(this.number, file, true);
        const picture = { type: "image", attrs: { src: url, alt: name.replace(/\.[^.]*$/, "") } };
        if (at === undefined || at === null) editor.chain().focus().insertContent(picture).run();
        else editor.chain().insertContentAt(at, picture).focus().run();
      } catch (error) {
        toast(error.message, "error");
      }
    }
  }

  // --- what is said ----------------------------------------------------------------------------------
  fields() {
    const { form } = this;
    const value = (name) => find(`[name="${name}"]`, form).value;
    return {
      title: value("title"),
      folder_id: Number(value("folder_id")) || null,
      language: value("language"),
      question: value("question"),
      notes: value("notes"),
      owner: value("owner") || null,
      review_at: value("review_at") || null,
      expires_at: value("expires_at") || null,
      public: find("[name=public]", form).checked,
      services: all("[name=services]:checked", form).map((box) => box.value),
      keywords: valuesOf(form, "keywords"),
      tags: valuesOf(form, "tags"),
      products: valuesOf(form, "products"),
      related: valuesOf(form, "related"),
      sections: all("[data-section]", form).map((section) => this.sectionOf(section)),
      files: this.number ? [] : all("[data-file-id]", form).map((line) => Number(line.dataset.fileId)),
    };
  }

  // Markdown that nobody changed here stays Markdown.
  sectionOf(section) {
    const said = { key: section.dataset.section, title: find(".kb-edit-title", section).value };
    if (!section.dataset.changed && section.dataset.markdown !== undefined) return { ...said, markdown: section.dataset.markdown };
    return { ...said, markdown: null, html: section.dataset.changed ? plain(this.editors.get(section).getHTML()) : section.kbKept };
  }

  changed() {
    this.touched = true;
    this.form.dataset.touched = "yes";
    this.say(this.words.unsaved);
    this.showSize();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), PAUSE);
  }

  showSize() {
    const bytes = new TextEncoder().encode(this.fields().sections.map((part) => part.html ?? part.markdown).join("") + find("[name=notes]", this.form).value).length;
    const { limit } = this.form.dataset;
    const place = find("[data-size]", this.form);
    const over = bytes > limit * 1024;
    place.textContent = over ? fill(this.words.size_over, { limit }) : fill(this.words.size, { size: Math.ceil(bytes / 1024), limit });
    place.classList.toggle("kb-size-over", over);
  }

  say(text) {
    find("[data-state]", this.form).textContent = text;
  }

  // --- saving ----------------------------------------------------------------------------------------
  async post(path, values) {
    const body = JSON.stringify({ token: this.token, ...values });
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf(), "HX-Request": "true" }, body });
    return { ok: answer.ok, status: answer.status, ...(await answer.json().catch(() => ({}))) };
  }

  // One after the other: what is typed while one save is on its way goes with the next.
  async keep() {
    clearTimeout(this.#timer);
    while (this.#saving) await this.#saving;
    if (!this.touched || !this.mine || this.met) return !this.touched;
    this.touched = false;
    this.#saving = this.#keep();
    const kept = await this.#saving;
    this.#saving = null;
    return kept;
  }

  async #keep() {
    this.say(this.words.saving);
    const path = this.number ? `/kb/articles/${this.number}/copy` : "/kb/copies";
    let told;
    try {
      told = await this.post(path, { copy_id: this.copyId, revision: this.revision, fields: this.fields() });
    } catch {
      this.touched = true;
      this.say(this.words.offline);
      this.#timer = setTimeout(() => this.keep(), AGAIN);
      return false;
    }
    if (!told.ok) return this.refused(told);
    this.revision = told.revision;
    this.copyId = this.number ? null : told.copy_id;
    this.showError("");
    if (!this.touched) delete this.form.dataset.touched;
    this.say(fill(this.words.saved, { time: told.saved }));
    if (!this.number && !location.search.includes("copy=")) this.address();
    return true;
  }

  // A reload of the page finds what was begun.
  address() {
    const url = `/kb/articles/new?copy=${this.copyId}`;
    if (location.pathname === "/kb/articles/new") history.replaceState({}, "", url);
  }

  refused(told) {
    this.touched = true;
    this.say(this.words.unsaved);
    if (told.theirs) this.meet(told);
    else if (told.status === 423) this.lost(told.holder);
    else this.showError(told.error?.text || this.words.offline);
    return false;
  }

  showError(text) {
    const place = find("[data-error]", this.form);
    place.hidden = !text;
    find("[data-error-words]", place).textContent = text;
    if (text) place.scrollIntoView({ block: "nearest" });
  }

  // Two texts have met: both are shown, nothing is decided for anybody.
  meet(told) {
    this.met = told;
    this.showError(told.error.text);
    const place = find("[data-met]", this.form);
    const body = find("[data-theirs]", place);
    body.replaceChildren(Object.assign(document.createElement("h3"), { textContent: told.theirs.title }));
    for (const part of told.theirs.sections) {
      const text = document.createElement("div");
      text.innerHTML = part.html;
      body.append(Object.assign(document.createElement("h4"), { textContent: part.title }), text);
    }
    place.hidden = false;
    place.scrollIntoView({ block: "nearest" });
  }

  async decide(keepMine) {
    const { met } = this;
    find("[data-met]", this.form).hidden = true;
    this.showError("");
    this.met = null;
    if (!keepMine) return this.reload();
    if (met.revision) this.revision = met.revision;
    this.touched = true;
    if (met.act) return this.finish(met.act, true);
    await this.keep();
  }

  reload() {
    this.touched = false;
    delete this.form.dataset.touched;
    this.leaveTo(this.number ? `/kb/articles/${this.number}/edit` : location.href);
  }

  // --- the lock --------------------------------------------------------------------------------------
  async lock(over = false) {
    const answer = await send(`/kb/articles/${this.number}/lock`, { token: this.token, ...(over && { over: "1" }) });
    if (!answer.ok) return;
    const { holder, revision } = await answer.json();
    // What another window saved since this page was drawn must be seen first.
    if (holder.mine && revision !== this.revision) return this.reload();
    if (holder.mine) this.hold(true);
    else this.wait(holder);
    clearInterval(this.beating);
    this.beating = setInterval(() => this.beat(), this.form.dataset.heartbeat * 1000);
  }

  hold(mine) {
    this.mine = mine;
    this.form.dataset.ready = "yes";
    for (const editor of this.editors.values()) editor.setEditable(mine, false);
    for (const field of all("input, select, textarea, [data-act], [data-add-section], [data-remove-section], [data-discard]", this.form)) {
      if (!field.closest("dialog, .ProseMirror") || field.dataset.act) field.disabled = !mine;
    }
    this.form.classList.toggle("kb-reading", !mine);
    if (mine) find("[data-locked]", this.form).hidden = true;
  }

  wait(holder) {
    this.hold(false);
    this.banner(fill(this.words.edits, holder), this.words.may_read, false);
  }

  // Somebody took the article over: the text stays, nothing of it is written over theirs.
  lost(holder) {
    const written = this.touched;
    this.hold(false);
    this.banner(fill(this.words[holder ? "taken" : "free"], holder || {}), this.words.stays, true);
    if (written) this.say(this.words.unsaved);
  }

  banner(title, help, copying) {
    const place = find("[data-locked]", this.form);
    find("[data-locked-words]", place).textContent = title;
    find("[data-locked-help]", place).textContent = help;
    find("[data-copy-all]", place).hidden = !copying;
    place.hidden = false;
  }

  async beat() {
    if (!this.form.isConnected) return this.gone();
    const answer = await send(`/kb/articles/${this.number}/beat`, { token: this.token }).catch(() => null);
    if (!answer?.ok) return;
    const { holder } = await answer.json();
    if (this.mine && !holder?.mine) this.lost(holder);
    if (!this.mine && !holder) this.banner(this.words.free, this.words.may_read, this.touched);
  }

  heard({ type, payload }) {
    if (String(payload.article_id) !== this.form.dataset.articleId) return;
    if (type === "kb.lock.lost" && payload.token !== this.token && this.mine) this.beat();
    if (type === "kb.lock.free" && !this.mine && !this.touched) this.lock();
  }

  gone() {
    clearInterval(this.beating);
    clearTimeout(this.#timer);
    document.removeEventListener("okno:event", this.hearing);
    document.removeEventListener("okno:leave", this.leaving);
    if (!this.number || !this.mine) return;
    const body = new FormData();
    body.append("token", this.token);
    body.append("csrf_token", csrf());
    navigator.sendBeacon(`/kb/articles/${this.number}/unlock`, body);
    this.mine = false;
  }

  // --- buttons ---------------------------------------------------------------------------------------
  listen() {
    const { form } = this;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", ({ target }) => {
      if (target.closest(".ProseMirror, dialog, [data-chips], [data-toolbar], [data-files]")) return;
      this.changed();
    });
    form.addEventListener("change", ({ target }) => {
      if (target.matches("[data-pick-picture]")) this.pick(target);
      if (target.matches("[data-attach]")) this.attach(target);
      if (target.matches("[data-look-case]")) this.look();
    });
    form.addEventListener("click", ({ target }) => this.pressed(target.closest("button")));
    form.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.code === "KeyS") {
        event.preventDefault();
        this.keep();
      }
      // A title is one line, however many it takes to show it.
      if (event.key === "Enter" && event.target.matches(".kb-edit-name")) event.preventDefault();
    });
    this.hearing = ({ detail }) => this.heard(detail);
    document.addEventListener("okno:event", this.hearing);
    this.leaving = ({ target, detail }) => {
      if (!target.contains(form)) return;
      if (!form.isConnected) return this.gone();
      detail.waits.push(this.keep().then(() => this.gone()));
    };
    document.addEventListener("okno:leave", this.leaving);
    addEventListener("pagehide", () => form.isConnected && this.gone());
  }

  pressed(button) {
    if (!button) return;
    const data = button.dataset;
    if (data.act) this.finish(data.act);
    else if ("addSection" in data) this.addSection(data);
    else if ("removeSection" in data) this.removeSection(button.closest("[data-section]"));
    else if ("takeOver" in data) this.takeOver();
    else if ("copyAll" in data) this.copyAll();
    else if ("keepMine" in data) this.decide(true);
    else if ("keepTheirs" in data) this.decide(false);
    else if ("discard" in data) this.discard();
    else if ("preview" in data) this.look(true);
    else if ("translate" in data) this.translate(data.translate);
    else if ("removeFile" in data) this.removeFile(button.closest("[data-file-id]"));
  }

  async finish(act, over = false) {
    if (this.#saving) await this.#saving;
    // An article still to be written needs its copy first, even an empty one.
    if (!this.number && !this.copyId) this.touched = true;
    if (this.touched && !(await this.keep())) return;
    for (const dialog of all("dialog[open]", this.form)) dialog.close();
    const values = { act, over, copy_id: this.copyId, revision: this.revision, note: find("#kb-review-note", this.form).value, at: find("#kb-publish-at", this.form).value };
    const told = await this.post(this.number ? `/kb/articles/${this.number}/finish` : "/kb/copies/finish", values);
    if (told.ok) return this.done(told.url);
    if (told.theirs) return this.meet({ ...told, act });
    this.showError(told.error?.text || this.words.offline);
  }

  async discard() {
    const path = this.number ? `/kb/articles/${this.number}/discard` : this.copyId && `/kb/copies/${this.copyId}/discard`;
    this.touched = false;
    clearTimeout(this.#timer);
    if (this.#saving) await this.#saving;
    const told = path ? await this.post(path, {}) : { ok: true, url: "/kb" };
    if (told.ok) this.done(told.url);
    else this.showError(told.error?.text || this.words.offline);
  }

  done(url) {
    this.touched = false;
    delete this.form.dataset.touched;
    this.mine = false;
    this.leaveTo(url);
  }

  leaveTo(url) {
    for (const dialog of all("dialog[open]", this.form)) dialog.close();
    document.dispatchEvent(new CustomEvent("kb:saved", { detail: { url } }));
  }

  async takeOver() {
    if (this.touched && !find("[data-copy-all]", this.form).hidden) await this.copyAll();
    this.touched = false;
    const answer = await send(`/kb/articles/${this.number}/lock`, { token: this.token, over: "1" });
    if (!answer.ok) return;
    const { revision } = await answer.json();
    if (revision !== this.revision) return this.reload();
    this.hold(true);
  }

  async copyAll() {
    const text = all("[data-section]", this.form).map((section) => `${find(".kb-edit-title", section).value}\n\n${this.editors.get(section).getText()}`).join("\n\n");
    await navigator.clipboard.writeText(text).catch(() => {});
    toast(this.words.copied, "good");
  }

  async look(open = false) {
    const dialog = find("#kb-look", this.form);
    if (open) openDialog(dialog);
    const told = await this.post("/kb/articles/preview", { fields: { sections: this.fields().sections }, case: find("[data-look-case]", dialog).value });
    if (told.ok) find("[data-look-text]", dialog).innerHTML = told.html;
    else find("[data-look-text]", dialog).textContent = told.error?.text || this.words.offline;
  }

  async translate(language) {
    if (!(await this.keep())) return;
    const answer = await send(`/kb/articles/${this.number}/translation`, { language });
    const told = await answer.json();
    if (answer.ok) this.leaveTo(told.url);
    else this.showError(told.error.text);
  }

  async pick(field) {
    await this.pictures([...field.files], this.section || find("[data-section]", this.form));
    field.value = "";
  }

  async attach(field) {
    for (const file of field.files) {
      try {
        showFile(this.form, await upload(this.number, file, false), this.words);
        if (!this.number) this.changed();
      } catch (error) {
        toast(error.message, "error");
      }
    }
    field.value = "";
  }

  async removeFile(line) {
    const answer = await send(`/kb/files/${line.dataset.fileId}/remove`);
    if (answer.ok) line.remove();
    if (!this.number) this.changed();
  }
}
