"""The panel beside the work: search as you type, suggestions, favourites, an article, «Использовать»."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, abort, jsonify, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from core.db import db
from core.permissions import allowed, require
from core.web.language import here
from plugins.kb import markup, reading
from plugins.kb.finding import finding
from plugins.kb.finding.finding import Narrowing
from plugins.kb.models import Article, Folder
from plugins.kb.reading import Focus
from plugins.kb.use import case_articles, favourites, links, maps, suggestions, usage
from plugins.kb.use.focus import context, focus, seen_article, viewer

NUMBER = re.compile(r"\s*(?:№|#|kb:)?\s*(\d{1,9})\s*", re.IGNORECASE)


@require("kb.view")
def panel() -> str:
    """The whole panel."""
    about = focus()
    return render_template("kb/panel.html", focus=about, text="", **_start(about))


def _start(about: Focus) -> dict[str, Any]:
    return {
        "suggested": suggestions.suggested(about),
        "favourites": favourites.sets_of(viewer().id),
        "tree": reading.tree(),
        "most_used": [] if about.case else reading.most_used(5, here()),
    }


@require("kb.view")
def start() -> str:
    """What the panel shows while nothing is searched."""
    about = focus()
    return render_template("kb/start.html", focus=about, **_start(about))


@require("kb.view")
def suggested() -> str:
    """The suggestions alone, when the customer has written again."""
    about = focus()
    rows = suggestions.suggested(about)
    most_used = [] if about.case else reading.most_used(5, here())
    return render_template("kb/suggested.html", focus=about, suggested=rows, most_used=most_used)


@require("kb.view")
def results() -> str:
    """The hits for what is typed, above them the article with that number; the start when nothing is typed."""
    text, about = request.args.get("q", ""), focus()
    in_page = "page" in request.args
    narrowing = Narrowing.of(request.args, about.service.key if about.service else "")
    if not text.strip() and not narrowing.chosen:
        return _page_start() if in_page else render_template("kb/start.html", focus=about, **_start(about))
    exact = None if in_page else exact_article(text)
    shown = results_of(text, narrowing, about, in_page=in_page)
    return render_template("kb/results.html", exact=exact, excerpt=links.excerpt(exact) if exact else "", **shown)


def results_of(
    text: str, narrowing: Narrowing, about: Focus, *, in_page: bool, prefix: bool = True, offset: int = 0
) -> dict[str, Any]:
    """What the template of results needs."""
    found = finding.find(text, viewer(), narrowing, prefix=prefix, offset=offset)
    elsewhere = finding.everywhere(text, viewer(), narrowing) if narrowing.narrow and not found.result.total else 0
    editing = allowed(viewer(), "kb.edit")
    more = {"elsewhere": elsewhere, "may_edit": editing, "in_page": in_page}
    return {"found": found, "focus": about, "text": text, "narrowing": narrowing, **more}


def exact_article(text: str) -> Article | None:
    """The article whose number alone was typed, if the viewer may read it."""
    match = NUMBER.fullmatch(text)
    row = reading.by_number(int(match.group(1))) if match else None
    return row if row is not None and row.status == "published" else None


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
        starred=favourites.is_pinned(viewer().id, row.id),
        linked=about.case is not None and case_articles.is_linked(about.case.id, row.id),
        branches=maps.branches(row) if row.kind == "map" else [],
        related=suggestions.related_to(row, 4),
        focus=about,
        text=text,
    )


def first_section(row: Article, about: Focus) -> str:
    """The section that opens: the reply while something is being answered."""
    keys = [section["key"] for section in row.sections]
    if about.interaction is not None and "reply" in keys:
        return "reply"
    return keys[0] if keys else ""


def shown_sections(row: Article, about: Focus, text: str = "") -> list[dict[str, Any]]:
    """Each section drawn for agents: filled in, linked, highlighted, with the names of what stays empty."""
    variables = context(about)
    known = links.targets(links.numbers_in(row.sections))
    shown = []
    for section in row.sections:
        filled = usage.fill(section["html"], variables)
        html = markup.with_chips(
            links.linked(section["html"], known),
            usage.values(section["html"], variables),
            _("The cursor will stand here"),
        )
        missing = (*filled.unknown, *filled.empty) if about.case else filled.unknown
        marked = Markup(reading.highlighted(html, text))  # noqa: S704 -- sanitised when it was saved
        shown.append({**section, "shown": marked, "missing": missing})
    return shown


@require("kb.view")
def use(article_id: int) -> Response:
    """Count the use and give the filled HTML for the reply."""
    filled = usage.use(
        article_id,
        context(focus()),
        section=request.form.get("section", ""),
        selected=request.form.get("selected"),
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
