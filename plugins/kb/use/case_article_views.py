"""Articles of a case and cases of an article: linked in one action from the panel, the favourites and the article's page."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from core.db import db
from core.model import Case
from core.permissions import require
from core.web import desk_queries
from core.web.case_views import seen_case
from core.web.desk_commands import done
from plugins.kb.models import Article
from plugins.kb.use import case_articles, usage
from plugins.kb.use.focus import asked_id, focus, seen_article, viewer


def _case() -> Case:
    """The case of the request: by id, or as people call it by its number."""
    case_id = asked_id("case_id")
    number = request.values.get("case", "").strip().lstrip("№# ")
    if case_id is None and number:
        case_id = db.session.scalar(select(Case.id).where(Case.number == number))
    if case_id is None:
        abort(404)
    return seen_case(case_id)


@require("case.reply")
def link(article_id: int) -> Response:
    """Link an article to the case in focus; tells what the case took over, and offers its title as the subject."""
    case = _case()
    done_so = case_articles.link(case.id, article_id, viewer().id)
    number = done_so.article.number
    words = _("Article №%(number)s is linked to the case", number=number)
    if not done_so.fresh:
        words = _("Article №%(number)s is linked to the case already", number=number)
    elif done_so.taken:
        words += ". " + _("Taken over: %(names)s", names=", ".join(_names()[name] for name in done_so.taken))
    told: dict[str, Any] = {"case_id": case.id, "article_id": article_id, "linked": True}
    return done(**{"kb:linked": told, "toast": {"level": "success", "text": words}, "okno:fresh": {"case_id": case.id}})


def _names() -> dict[str, str]:
    kinds = {"product": _("product"), "type": _("type")}
    return {"subject": _("subject"), "category": _("category"), **kinds}


@require("case.reply")
def unlink(article_id: int) -> Response:
    """Take the link away."""
    case = _case()
    case_articles.unlink(case.id, article_id, viewer().id)
    told = {"case_id": case.id, "article_id": article_id, "linked": False}
    return done(**{"kb:linked": told, "okno:fresh": {"case_id": case.id}})


@require("case.reply")
def take_title(article_id: int) -> Response:
    """The agent agrees that the case is about what the article is about."""
    case = _case()
    case_articles.take_title(case.id, article_id, viewer().id, before=request.form.get("before"))
    return done(**{"kb:linked": {"case_id": case.id}, "okno:fresh": {"case_id": case.id}})


@require("kb.view")
def of_case() -> str:
    """The articles linked to the case in focus and those used in it, for the column beside it."""
    about = focus()
    if about.case is None:
        return ""
    linked = case_articles.linked_to(about.case.id)
    ids = {row.article_id for row in linked}
    used = [(row, times) for row, times in usage.used_in(about.case.id) if row.id not in ids]
    times = dict(usage.times_used(about.case.id))
    return render_template("kb/case_articles.html", case=about.case, linked=linked, used=used, times=times)


@require("kb.view")
def of_article(number: int) -> str:
    """A page of the cases of an article, for its own page."""
    article: Article = seen_article(number)
    seen = case_articles.cases_seen_by(desk_queries.service_ids(viewer()), viewer().id)
    found = case_articles.cases_of(article.id, seen, before=asked_id("before"))
    return render_template("kb/article_cases.html", article=article, found=found, first="before" not in request.args)
