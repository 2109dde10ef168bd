"""The history of an article: its versions, two of them side by side, and going back to one."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from markupsafe import Markup

from core.contracts import Text
from core.permissions import require
from core.web.language import here
from plugins.kb import reading
from plugins.kb.editing.editor_views import found, opened
from plugins.kb.models import Version
from plugins.kb.use.focus import viewer
from plugins.kb.writing import article_diff, articles, versions

NAMES = {
    "title": Text("Title", "Название"),
    "question": Text("How customers ask", "Как спрашивают"),
    "notes": Text("Notes for colleagues", "Заметки для коллег"),
    "language": Text("Language", "Язык"),
    "public": Text("For customers", "Для клиентов"),
    "owner": Text("Owner", "Ответственный"),
    "review_at": Text("Review date", "Пересмотреть"),
    "publish_at": Text("Publish at", "Опубликовать"),
    "expires_at": Text("Expires", "Действует до"),
    "folder_id": Text("Folder", "Раздел"),
    "keywords": Text("Keywords", "Ключевые слова"),
    "tags": Text("Tags", "Теги"),
    "products": Text("Products", "Продукты"),
    "services": Text("Services", "Сервисы"),
    "related": Text("Related articles", "Связанные статьи"),
}


@require("kb.edit")
def history(number: int) -> str:
    """The versions, newest first, and what changed between two of them (``a`` the older, ``b`` the newer)."""
    article = found(number)
    rows = versions.of(article.id)
    newer = request.args.get("b", default=rows[0].version if rows else 0, type=int)
    older = request.args.get("a", default=_before(rows, newer), type=int)
    pair = [row for row in (_row(rows, older), _row(rows, newer)) if row is not None]
    parts = article_diff.compare(pair[0].fields, pair[1].fields) if len(pair) == 2 else []
    return render_template(
        "kb/history.html",
        article=article,
        path=reading.above(article.folder),
        rows=rows,
        older=older,
        newer=newer,
        parts=parts,
        changed={row.version: _changed(rows, index) for index, row in enumerate(rows)},
        field_name=lambda name: NAMES[name].to(here()) if name in NAMES else name,
        marked=lambda html: Markup(html),  # noqa: S704 -- escaped by article_diff
    )


def _row(rows: object, version: int) -> Version | None:
    return next((row for row in rows if row.version == version), None)  # type: ignore[attr-defined]


def _before(rows: object, version: int) -> int:
    return max((row.version for row in rows if row.version < version), default=0)  # type: ignore[attr-defined]


def _changed(rows, index: int) -> str:  # type: ignore[no-untyped-def]
    """In a few words what a version changed: names of fields, and the status."""
    if index + 1 >= len(rows):
        return ""
    after, before = rows[index], rows[index + 1]
    names = [
        NAMES[name].to(here())
        for name in NAMES
        if (after.fields.get(name) or None) != (before.fields.get(name) or None)
    ]
    if after.fields.get("sections") != before.fields.get("sections"):
        names.insert(0, Text("Text", "Текст").to(here()))
    return ", ".join(names)


@require("kb.edit")
def restore(number: int) -> Response:
    """Say again what the article said in ``version``; a new version."""
    version = request.form.get("version", type=int)
    if version is None:
        abort(400)
    return opened(articles.restore_version(found(number).id, viewer().id, version))
