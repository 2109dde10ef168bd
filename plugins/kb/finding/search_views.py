"""Pages and commands around the search: what people ask, the words editors set, the state of the index."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from sqlalchemy import func, select

from core.db import db
from core.permissions import require
from plugins.kb.finding import index, index_state, search_log, search_words
from plugins.kb.models import Dirty
from plugins.kb.use.focus import viewer

PERIODS = (7, 30, 90)


@require("kb.view")
def note() -> Response:
    """Count a search that somebody stopped at, and whether it led to an article; the page's module sends it once each."""
    source = request.form.get("source", "")
    if source not in ("panel", "page"):
        abort(400)
    text, hits = request.form.get("q", ""), request.form.get("hits", 0, type=int) or 0
    if request.form.get("note"):
        search_log.note(text, hits, source)
    if request.form.get("opened"):
        search_log.opened(text, source)
    return Response(status=204)


@require("kb.edit")
def report() -> str:
    """What is searched: most often, without result, without opening anything."""
    days = request.args.get("days", 30, type=int)
    days = days if days in PERIODS else 30
    source = request.args.get("source", "")
    source = source if source in search_log.SOURCES else ""
    return render_template(
        "kb/search_report.html",
        days=days,
        periods=PERIODS,
        source=source,
        totals=search_log.totals(days, source),
        lists=(
            ("none", search_log.without_result(days, source)),
            ("unopened", search_log.without_opening(days, source)),
            ("top", search_log.most_asked(days, source)),
        ),
    )


@require("kb.edit")
def words() -> str:
    """Synonyms, stop words, and the index."""
    return render_template("kb/search_words.html", **_words(), word=request.args.get("word", "")[:100])


def _words() -> dict[str, object]:
    return {
        "synonyms": search_words.rows(search_words.SYNONYMS),
        "stop_words": search_words.rows(search_words.STOP),
        **_index(),
    }


def _index() -> dict[str, object]:
    return {"state": index_state.current(), "waiting": db.session.scalar(select(func.count(Dirty.id))) or 0}


def _drawn() -> str:
    return render_template("kb/search_words_lists.html", **_words(), word="")


@require("kb.edit")
def save_synonyms() -> str:
    """Add a group or change one, and draw the lists anew."""
    members = search_words.members_of(request.form.get("words", ""))
    search_words.save_synonyms(viewer().id, members, request.form.get("id", type=int))
    return _drawn()


@require("kb.edit")
def save_stop_words() -> str:
    """Add stop words, and draw the lists anew."""
    search_words.add_stop_words(viewer().id, search_words.members_of(request.form.get("words", "")))
    return _drawn()


@require("kb.edit")
def remove_words() -> str:
    """Take an entry away, and draw the lists anew."""
    search_words.remove(request.form.get("id", 0, type=int))
    return _drawn()


@require("kb.edit")
def index_card() -> str:
    """How the index is doing."""
    return render_template("kb/search_index.html", **_index())


@require("kb.edit")
def rebuild() -> str:
    """Ask for a rebuild; the card follows it by events."""
    index.ask_for_rebuild()
    return render_template("kb/search_index.html", **_index())
