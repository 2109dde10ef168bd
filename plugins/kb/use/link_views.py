"""Previews of links, knowledge maps, what stands beside an article, and the report of links that lead nowhere."""

from __future__ import annotations

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core.db import db
from core.model import Case
from core.permissions import require
from core.web import desk_queries
from plugins.kb.reading import Focus
from plugins.kb.use import links, maps, suggestions, usage
from plugins.kb.use.focus import context, focus, seen_article, viewer

WHY_ORDER = ("missing", "archived", "expired", "draft", "review")


@require("kb.view")
def preview(number: int) -> str:
    """A card that appears over a link to an article."""
    article = seen_article(number)
    return render_template("kb/preview.html", article=article, excerpt=links.excerpt(article))


@require("kb.view")
def map_branches(number: int) -> str:
    """The tree of a knowledge map, for the line of a map in another one. The browser asks when it is opened."""
    article = seen_article(number)
    return render_template("kb/map.html", branches=maps.branches(article), focus=focus(), article=article)


@require("kb.view")
def around(number: int) -> str:
    """What an article's page shows beside it: related articles, those that lead to it, a look at it with a real case."""
    article = seen_article(number)
    return render_template(
        "kb/article_around.html",
        article=article,
        related=suggestions.related_to(article),
        leading=links.leading_to(article.number),
    )


@require("kb.view")
def filled(number: int) -> str:
    """The article as the contact of a real case would read it (``case``: its number, or ``case_id`` of the one in focus)."""
    article = seen_article(number)
    about, asked = focus(), request.args.get("case", "").strip().lstrip("№# ")
    if asked:
        query = select(Case).where(Case.number == asked).options(joinedload(Case.service))
        case = db.session.scalar(query)
        seen = case is not None and desk_queries.may_see(viewer(), case)
        about = Focus(case) if seen else Focus()
    variables = context(about)
    shown = []
    for section in article.sections:
        done = usage.fill(section["html"], variables)
        html = Markup(done.html)  # noqa: S704 -- made of sanitised HTML and escaped values
        shown.append({**section, "shown": html, "missing": (*done.unknown, *done.empty)})
    return render_template("kb/filled.html", article=article, case=about.case, asked=asked, sections=shown, focus=about)


@require("kb.edit")
def broken() -> str:
    """Links to articles that are missing, archived, expired or not published, by article with who keeps it."""
    rows = links.broken()
    counts = {why: sum(row.why == why for row in rows) for why in WHY_ORDER}
    return render_template("kb/broken_links.html", rows=rows, counts=counts)
