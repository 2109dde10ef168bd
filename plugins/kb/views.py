"""The pages of the knowledge base in tabs of the desk."""

from __future__ import annotations

from flask import abort, render_template, request

from core.db import db
from core.permissions import allowed, require
from core.web.language import here
from plugins.kb import favourites, reading
from plugins.kb.finding import Narrowing
from plugins.kb.focus import seen_article, viewer
from plugins.kb.models import Folder
from plugins.kb.panel_views import results_of, shown_sections
from plugins.kb.reading import Focus

RECENT_USES = 5


@require("kb.view")
def index() -> str:
    """Folders at the left, articles at the right, search above."""
    editing = allowed(viewer(), "kb.edit")
    folder = None
    if "folder" in request.args:
        folder = db.session.get(Folder, request.args.get("folder", 0, type=int))
        if folder is None:
            abort(404)
    text = request.args.get("q", "")
    narrowing = Narrowing.of(request.args)
    results = {"text": text, "found": None, "narrowing": narrowing}
    if text.strip() or narrowing.chosen:
        results = results_of(text, narrowing, Focus(), in_page=True, prefix=False)
    rows = reading.articles_in(folder.id, every_status=editing) if folder else reading.most_used(30, here())
    return render_template(
        "kb/index.html",
        tree=reading.tree(),
        folder=folder,
        path=reading.above(folder),
        rows=rows,
        drafts=reading.drafts() if editing and folder is None else [],
        **{"focus": Focus(), "may_edit": editing, **results},
    )


@require("kb.view")
def article(number: int) -> str:
    """One article, all sections one below the other."""
    row = seen_article(number)
    user = viewer()
    return render_template(
        "kb/article.html",
        article=row,
        path=reading.above(row.folder),
        sections=shown_sections(row, Focus(), request.args.get("q", "")),
        starred=favourites.is_pinned(user.id, row.id),
        used=reading.last_uses(row.id, RECENT_USES),
        may_edit=allowed(user, "kb.edit"),
    )


@require("kb.view")
def tile() -> str:
    """The home page's tile: what colleagues use most."""
    return render_template("kb/tile.html", rows=reading.most_used(6, here()))
