"""The panel beside the work: search as you type, suggestions, favourites, an article, «Использовать»."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, jsonify, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from core.db import db
from core.model import User
from core.permissions import allowed, require
from core.web import desk_queries
from core.web.auth import current_user
from core.web.language import here
from plugins.kb import favourites, markup, reading, usage
from plugins.kb.models import Article, Folder
from plugins.kb.reading import Focus


def viewer() -> User:
    """The user of this request; ``@require`` has made sure that there is one."""
    user = current_user()
    if user is None:
        abort(401)
    return user


def _id(name: str) -> int | None:
    value = request.values.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 10 else None


def focus() -> Focus:
    """The case in focus, if the viewer may see it."""
    found = reading.focus_of(_id("case_id"), _id("interaction_id"))
    if found.case is not None and not desk_queries.may_see(viewer(), found.case):
        return Focus()
    return found


@require("kb.view")
def panel() -> str:
    """The whole panel."""
    return render_template("kb/panel.html", focus=focus(), text="", **_start(focus()))


def _start(about: Focus) -> dict[str, Any]:
    return {
        "suggested": reading.suggested(about),
        "favourites": reading.favourites_of(viewer()),
        "tree": reading.tree(),
        "most_used": [] if about.case else reading.most_used(5, here()),
    }


@require("kb.view")
def used() -> str:
    """The articles that were used in the case, for the column beside it."""
    about = focus()
    return render_template("kb/used.html", rows=usage.used_in(about.case.id) if about.case else [])


@require("kb.view")
def start() -> str:
    """What the panel shows while nothing is searched."""
    about = focus()
    return render_template("kb/start.html", focus=about, **_start(about))


@require("kb.view")
def results() -> str:
    """The hits for what is typed; the start when nothing is."""
    text, about = request.args.get("q", ""), focus()
    tag = request.args.get("tag", "")
    in_page = "page" in request.args
    if not text.strip() and not tag:
        return _page_start() if in_page else render_template("kb/start.html", focus=about, **_start(about))
    service = about.service.key if about.service and request.args.get("only_service") else ""
    found = reading.find(text, service=service, tag=tag, every_status=in_page and allowed(viewer(), "kb.edit"))
    return render_template("kb/results.html", found=found, focus=about, text=text, tag=tag, in_page=in_page)


def _page_start() -> str:
    return render_template("kb/rows.html", rows=reading.most_used(30, here()), heading=_("Most used articles"))


@require("kb.view")
def folder(folder_id: int) -> str:
    """The articles of a folder, for the trees of the panel."""
    row = db.session.get(Folder, folder_id)
    if row is None:
        abort(404)
    return render_template("kb/folder_rows.html", folder=row, rows=reading.articles_in(folder_id), focus=focus())


@require("kb.view")
def article(number: int) -> str:
    """An article in the panel, with its variables as they would be filled in."""
    row = seen_article(number)
    about, text = focus(), request.args.get("q", "")
    return render_template(
        "kb/panel_article.html",
        article=row,
        sections=shown_sections(row, about, text),
        chosen=first_section(row, about),
        starred=reading.is_favourite(viewer(), row.id),
        focus=about,
        text=text,
    )


def seen_article(number: int) -> Article:
    """The article, or 404; one that isn't published only for editors."""
    row = reading.by_number(number)
    if row is None or not allowed(viewer(), "kb.view", article_id=row.id):
        abort(404)
    return row


def first_section(row: Article, about: Focus) -> str:
    """The section that opens: the reply while something is being answered."""
    keys = [section["key"] for section in row.sections]
    if about.interaction is not None and "reply" in keys:
        return "reply"
    return keys[0] if keys else ""


def shown_sections(row: Article, about: Focus, text: str = "") -> list[dict[str, Any]]:
    """Each section drawn for agents: filled in, linked, highlighted, with the names of what stays empty."""
    context = usage.context_of(
        viewer().id, about.case.id if about.case else None, about.interaction.id if about.interaction else None
    )
    shown = []
    for section in row.sections:
        filled = usage.fill(section["html"], context)
        html = markup.with_chips(
            markup.linked(section["html"]), usage.values(section["html"], context), _("The cursor will stand here")
        )
        missing = (*filled.unknown, *filled.empty) if about.case else filled.unknown
        marked = Markup(reading.highlighted(html, text))  # noqa: S704 -- sanitised when it was saved
        shown.append({**section, "shown": marked, "missing": missing})
    return shown


@require("kb.view")
def use(article_id: int) -> Response:
    """Count the use and give the filled HTML for the reply."""
    about = focus()
    context = usage.context_of(
        viewer().id, about.case.id if about.case else None, about.interaction.id if about.interaction else None
    )
    filled = usage.use(
        article_id, context, section=request.form.get("section", ""), selected=request.form.get("selected")
    )
    row = db.session.get(Article, article_id)
    return jsonify(
        html=filled.html,
        article_id=article_id,
        number=row.number if row else None,
        uses=row.uses if row else 0,
        unknown=filled.unknown,
        empty=filled.empty,
        cursor=filled.cursor,
    )


@require("kb.view")
def add_favourite() -> str:
    """Pin, and draw the list anew."""
    favourites.add(viewer().id, folder_id=_id("folder_id"), article_id=_id("article_id"))
    return _favourites()


@require("kb.view")
def remove_favourite() -> str:
    """Unpin, and draw the list anew."""
    favourites.remove(viewer().id, folder_id=_id("folder_id"), article_id=_id("article_id"))
    return _favourites()


@require("kb.view")
def order_favourites() -> str:
    """Keep the order that was dragged."""
    ids = [int(value) for value in request.form.getlist("id") if value.isdecimal()]
    favourites.reorder(viewer().id, ids)
    return _favourites()


def _favourites() -> str:
    return render_template("kb/favourites.html", favourites=reading.favourites_of(viewer()), focus=focus())
