"""The tree of folders and lists of articles, changed by editors."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, abort, render_template, request, url_for

from core.contracts import Rejected, Text
from core.permissions import allowed, require
from core.web import drawing
from core.web.language import here
from plugins.kb import reading
from plugins.kb.editing.editor_views import moment_of
from plugins.kb.use.focus import asked_id, viewer
from plugins.kb.writing import article_fields, bulk, folders, operations

PUBLISHING = ("publish", "archive")


def _went(folder_id: int | None, text: Text | None = None) -> Response:
    """204 that shows a folder in this tab, with a line of what was done."""
    events: dict[str, object] = {"kb:saved": {"url": url_for("kb.index", folder=folder_id)}}
    if text is not None:
        events["toast"] = {"text": text.to(here()), "level": "success"}
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**events)})


@require("kb.edit")
def folder_form(folder_id: int | None = None) -> str:
    """The dialog for a new folder (in ``parent``), or to rename, move or remove one."""
    folder = article_fields.folder(folder_id) if folder_id else None
    inside = set(folders.below(folder_id)) if folder_id else set()
    places = [(node, depth) for node, depth in reading.flat(reading.tree()) if node.folder.id not in inside]
    articles, inner = folders.contents(folder_id) if folder_id else (0, 0)
    return render_template(
        "kb/folder_form.html",
        folder=folder,
        parent_id=folder.parent_id if folder else asked_id("parent"),
        places=places,
        articles=articles,
        inner=inner,
        icons=ICONS,
    )


ICONS = (
    "folder", "book", "key", "lock", "shield-check", "mail", "phone", "users", "user", "settings", "file-text", "database",
    "cloud", "building", "credit-card", "receipt", "chart-bar", "help", "tool", "bulb", "star", "bolt", "server", "plug",
)  # fmt: skip


@require("kb.edit")
def add_folder() -> Response:
    """A new folder."""
    form = request.form
    row = operations.add_folder(
        asked_id("parent_id"),
        title_en=form.get("title_en", ""),
        title_ru=form.get("title_ru", ""),
        icon=form.get("icon") or "folder",
    )
    return _went(row.id)


@require("kb.edit")
def change_folder(folder_id: int) -> Response:
    """Other titles and icon, and another parent where one is chosen."""
    form = request.form
    operations.rename_folder(
        folder_id, title_en=form.get("title_en", ""), title_ru=form.get("title_ru", ""), icon=form.get("icon")
    )
    parent_id = asked_id("parent_id")
    if "parent_id" in form and article_fields.folder(folder_id).parent_id != parent_id:
        operations.move_folder(folder_id, parent_id)
    return _went(folder_id)


@require("kb.edit")
def move_folder(folder_id: int) -> Response:
    """Put into ``parent_id`` before the neighbour ``before_id``: what dragging says."""
    operations.move_folder(folder_id, asked_id("parent_id"), asked_id("before_id"))
    return _went(asked_id("shown"))


@require("kb.edit")
def delete_folder(folder_id: int) -> Response:
    """Remove a folder; what it holds goes to ``into``."""
    parent_id = article_fields.folder(folder_id).parent_id
    into = asked_id("into")
    operations.delete_folder(folder_id, into)
    return _went(into or parent_id)


# --- many articles at once ---------------------------------------------------------------------------


def _acts(ids: list[int], user_id: int) -> dict[str, tuple[Text, Callable[[], bulk.Outcome]]]:
    form = request.form
    return {
        "move": (Text("Moved", "Перемещено статей"), lambda: bulk.move(ids, asked_id("folder_id") or 0, user_id)),
        "tag": (Text("Tagged", "Тег добавлен, статей"), lambda: bulk.add_tag(ids, form.get("tag", ""), user_id)),
        "untag": (Text("Untagged", "Тег снят, статей"), lambda: bulk.remove_tag(ids, form.get("tag", ""), user_id)),
        "publish": (Text("Published", "Опубликовано статей"), lambda: bulk.set_status(ids, "published", user_id)),
        "archive": (Text("Archived", "Отправлено в архив"), lambda: bulk.set_status(ids, "archived", user_id)),
        "owner": (Text("Owner set", "Ответственный назначен, статей"), lambda: bulk.set_owner(ids, form.get("owner"), user_id)),
        "review": (
            Text("Review date set", "Дата пересмотра назначена, статей"),
            lambda: bulk.set_review_at(ids, article_fields.moment(moment_of(form.get("review_at"))), user_id),
        ),
    }  # fmt: skip


@require("kb.edit")
def change_many() -> Response:
    """One change to the articles ``ids``: ``act`` is move, tag, untag, publish, archive, owner or review."""
    ids = [int(text) for text in request.form.getlist("ids") if text.isdecimal() and len(text) < 10]
    act = request.form.get("act", "")
    if not ids:
        raise Rejected(Text("Tick some articles first", "Сначала отметьте статьи"), "bulk-nothing")
    if act in PUBLISHING and not allowed(viewer(), "kb.publish"):
        abort(403)
    acts = _acts(ids, viewer().id)
    if act not in acts:
        raise Rejected(Text("Choose what to do", "Выберите действие"), "bulk-nothing")
    words, change = acts[act]
    return _went(asked_id("shown"), told(words, change()))


def told(words: Text, outcome: bulk.Outcome) -> Text:
    """«Перемещено статей: 12. Пропущена №1003: …»"""
    english, russian = f"{words.en}: {outcome.done}.", f"{words.ru}: {outcome.done}."
    for number, reason in outcome.skipped[:5]:
        english += f" №{number} left out: {reason.en}."
        russian += f" Пропущена №{number}: {reason.ru}."
    if (more := len(outcome.skipped) - 5) > 0:
        english += f" {more} more left out."
        russian += f" Пропущено ещё: {more}."
    return Text(english, russian)
