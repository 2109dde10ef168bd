"""The pages of the knowledge base in tabs of the desk."""

from __future__ import annotations

from flask import abort, render_template, request

from core.clock import now
from core.db import db
from core.permissions import allowed, require
from core.web.language import here
from plugins.kb import reading
from plugins.kb.finding.finding import Narrowing
from plugins.kb.models import Folder
from plugins.kb.reading import Focus
from plugins.kb.use import favourites
from plugins.kb.use.focus import seen_article, viewer
from plugins.kb.use.panel_views import results_of, shown_sections
from plugins.kb.writing import article_files, article_lists, locks, working_copies

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
    listed = request.args.get("list", "") if editing else ""
    if listed in article_lists.LISTS:
        rows = article_lists.rows(listed)
    else:
        rows = reading.articles_in(folder.id, every_status=editing) if folder else reading.most_used(30, here())
    tree = reading.tree()
    return render_template(
        "kb/index.html",
        tree=tree,
        folder=folder,
        path=reading.above(folder),
        rows=rows,
        listed=listed,
        lists=article_lists.LISTS,
        counts=article_lists.counts() if editing else {},
        begun=article_lists.begun(viewer().id) if editing and not folder else [],
        editors=article_lists.editors() if editing else [],
        folders=reading.flat(tree) if editing else [],
        may_publish=allowed(viewer(), "kb.publish"),
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
        may_publish=allowed(user, "kb.publish"),
        copy=working_copies.of(row.id) if allowed(user, "kb.edit") else None,
        editor=locks.holder(row.id) if allowed(user, "kb.edit") else None,
        files=article_files.attached(row.id),
        translations=reading.translations(row),
        expired=row.expires_at is not None and row.expires_at <= now(),
        outdated=row.review_at is not None and row.review_at <= now(),
    )


@require("kb.view")
def printed(number: int) -> str:
    """The article alone on a page, for paper."""
    row = seen_article(number)
    return render_template("kb/print.html", article=row, sections=shown_sections(row, Focus(), ""))


@require("kb.view")
def tile() -> str:
    """The home page's tile: what colleagues use most."""
    return render_template("kb/tile.html", rows=reading.most_used(6, here()))
