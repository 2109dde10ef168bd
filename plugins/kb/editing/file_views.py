"""Files of articles: added while writing, and given to those who may see the article."""

from __future__ import annotations

from flask import Response, abort, jsonify, request, send_file, url_for

from core import storage
from core.contracts import FileIn
from core.db import db
from core.permissions import allowed, require
from plugins.kb.editing.editor_views import answered, found
from plugins.kb.models import ArticleFile
from plugins.kb.use.focus import viewer
from plugins.kb.writing import article_files

# What a browser may show by itself: nothing that could run.
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")


@require("kb.edit")
@answered
def add(number: int | None = None) -> Response:
    """Keep the file ``file`` of an article, or of one still to be written; ``picture``: it will stand in the text."""
    sent = request.files.get("file")
    if sent is None:
        abort(400)
    file = FileIn(sent.filename or "file", sent.mimetype or "", sent.stream.read())
    article_id = found(number).id if number is not None else None
    row = article_files.add(article_id, viewer().id, file, picture="picture" in request.form)
    return jsonify(
        id=row.id, name=row.name, size=len(file.content), url=url_for("kb.file", file_id=row.id, name=row.name)
    )


@require("kb.edit")
@answered
def remove(file_id: int) -> Response:
    """Take an attachment off its article."""
    article_files.remove(file_id)
    return jsonify(removed=file_id)


@require("kb.view")
def serve(file_id: int, name: str) -> Response:
    """The file; pictures in the browser, everything else as a download. For those who may see its article."""
    row = db.session.get(ArticleFile, file_id)
    if row is None or not _may_see(row):
        abort(404)
    return served(row)


def _may_see(row: ArticleFile) -> bool:
    if row.article_id is not None:
        return allowed(viewer(), "kb.view", article_id=row.article_id)
    return row.user_id == viewer().id or allowed(viewer(), "kb.edit")


def served(row: ArticleFile) -> Response:
    """The answer with headers that let nothing in the file run; ``core.web.security`` adds nosniff."""
    path = storage.path(row.sha256)
    if not path.exists():
        abort(404)
    shown = row.content_type in SHOWN
    kind = row.content_type if shown else "application/octet-stream"
    answer = send_file(path, mimetype=kind, download_name=row.name or "file", as_attachment=not shown, etag=row.sha256)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
