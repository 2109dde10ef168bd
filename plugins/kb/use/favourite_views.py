"""The favourites of the panel, and the menu of an article line."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core.db import db
from core.model import Team
from core.permissions import require
from core.web.desk_commands import done
from plugins.kb.models import FavouriteSet
from plugins.kb.use import case_articles, favourites
from plugins.kb.use.focus import asked_id, focus, seen_article, viewer


def drawn() -> str:
    """The list as it is now."""
    return render_template("kb/favourites.html", favourites=favourites.sets_of(viewer().id), focus=focus())


@require("kb.view")
def shown() -> str:
    """The list, for a panel that heard of a change."""
    return drawn()


@require("kb.view")
def add() -> str:
    """Pin an article or a folder, to the set ``set_id`` or the agent's own, and draw the list anew."""
    favourites.add(
        viewer().id, folder_id=asked_id("folder_id"), article_id=asked_id("article_id"), set_id=asked_id("set_id")
    )
    return drawn()


@require("kb.view")
def remove() -> str:
    """Unpin, and draw the list anew."""
    favourites.remove(
        viewer().id, folder_id=asked_id("folder_id"), article_id=asked_id("article_id"), set_id=asked_id("set_id")
    )
    return drawn()


@require("kb.view")
def order() -> str:
    """Keep the order that was dragged: pins (``id``) into ``set_id``, or folders (``set``)."""
    pins = [int(value) for value in request.form.getlist("id") if value.isdecimal() and len(value) < 10]
    sets = [int(value) for value in request.form.getlist("set") if value.isdecimal() and len(value) < 10]
    into = asked_id("set_id")
    if into is not None:
        favourites.reorder(viewer().id, into, pins)
    if sets:
        favourites.reorder_sets(viewer().id, sets)
    return drawn()


# --- folders -----------------------------------------------------------------------------------------


@require("kb.view")
def new_set() -> str:
    """The dialog for a new folder; ``article_id`` is pinned into it at once."""
    teams = favourites.kept_teams(viewer().id)
    rows = list(db.session.scalars(select(Team).where(Team.id.in_(teams)).order_by(Team.id))) if teams else []
    return render_template("kb/favourite_set.html", row=None, teams=rows, article_id=asked_id("article_id"))


@require("kb.view")
def edit_set(set_id: int) -> str:
    """The dialog for one folder."""
    query = select(FavouriteSet).where(FavouriteSet.id == set_id).options(joinedload(FavouriteSet.team))
    row = db.session.scalar(query)
    if row is None or (row.user_id != viewer().id and row.team_id not in favourites.kept_teams(viewer().id)):
        abort(404)
    return render_template("kb/favourite_set.html", row=row, teams=[], article_id=None)


def _changed() -> Response:
    return done(**{"okno:close": {}, "kb:favourites": {}})


@require("kb.view")
def save_set() -> Response:
    """Make or rename a folder."""
    user_id, article_id = viewer().id, asked_id("article_id")
    title = request.form.get("title", "")
    set_id = favourites.save_set(user_id, title, team_id=asked_id("team_id"), set_id=asked_id("set_id"))
    if article_id is not None:
        favourites.add(user_id, article_id=article_id, set_id=set_id)
    return _changed()


@require("kb.view")
def remove_set(set_id: int) -> Response:
    """Remove a folder; the articles stay."""
    favourites.remove_set(viewer().id, set_id)
    return _changed()


# --- the menu of a line ------------------------------------------------------------------------------


@require("kb.view")
def menu(number: int) -> str:
    """What can be done with an article, in a menu; ``set_id`` names the folder of favourites its line stands in."""
    about = focus()
    article = seen_article(number)
    return render_template(
        "kb/menu.html",
        article=article,
        focus=about,
        sets=favourites.sets_of(viewer().id),
        set_id=asked_id("set_id"),
        linked=about.case is not None and case_articles.is_linked(about.case.id, article.id),
    )
