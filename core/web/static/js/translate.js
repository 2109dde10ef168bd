// The draft in the contact's language, and back again as long as the translation is as it came.
import { find, send, texts, toast } from "./app.js";

const before = new WeakMap();

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-translate-draft]");
  const editor = button && find("okno-editor", button.closest("form"));
  if (!editor || editor.empty) return;
  const own = before.get(editor);
  if (own && own.translated === editor.value) {
    before.delete(editor);
    put(editor, own.html);
    return;
  }
  const html = editor.value;
  button.disabled = true;
  const answer = await send(button.dataset.translateDraft, { html });
  button.disabled = false;
  const body = await answer.json();
  if (!answer.ok) return toast(body.error?.text || texts.failed, "error");
  // Who wrote on meanwhile keeps what was written.
  if (editor.value !== html) return;
  put(editor, body.html);
  before.set(editor, { html, translated: editor.value });
});

function put(editor, html) {
  editor.setHTML(html);
  editor.changed();
  editor.focus();
}
