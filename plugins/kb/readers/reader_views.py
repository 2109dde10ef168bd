"""Ratings and comments at an article, the editors' lists of comments and candidates, reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, render_template, request, url_for
from flask_babel import gettext as _

from core.clock import now
from core.db import db
from core.permissions import allowed, require
from core.web import desk_queries
from core.web.case_views import seen_case
from core.web.desk_commands import done
from core.web.language import here
from plugins.kb import reading
from plugins.kb.models import Article, Candidate
from plugins.kb.readers import candidates, feedback, reports
from plugins.kb.readers.reports import Asked
from plugins.kb.use.focus import viewer
from plugins.kb.writing import operations

REVIEW_MONTHS = (3, 6, 12)


def _article(article_id: int) -> Article:
    row = db.session.get(Article, article_id)
    if row is None or (row.status != "published" and not allowed(viewer(), "kb.edit")):
        abort(404)
    return row


# --- at the article ----------------------------------------------------------------------------------


@require("kb.view")
def at_article(article_id: int) -> str:
    """Rating and comments under an article."""
    return _at_article(_article(article_id))


def _at_article(row: Article) -> str:
    user = viewer()
    return render_template(
        "kb/feedback_article.html",
        article=row,
        opinion=feedback.opinion(row.id, feedback.agent_key(user.id)),
        comments=[] if "brief" in request.values else feedback.comments_of(row.id),
        brief="brief" in request.values,
        may_edit=allowed(user, "kb.edit"),
    )


@require("kb.view")
def rate(article_id: int) -> str:
    """«Helpful» or not, by an agent; then the part of the page as it is now."""
    row, user = _article(article_id), viewer()
    if request.form.get("helpful") not in ("1", "0"):
        abort(400)
    feedback.rate(row, feedback.agent_key(user.id), request.form["helpful"] == "1", user.id)
    return _at_article(row)


@require("kb.view")
def comment(article_id: int) -> str:
    """A comment to the author."""
    row = _article(article_id)
    feedback.comment(row, request.form.get("text", ""), viewer().id)
    return _at_article(row)


@require("kb.edit")
def settle(comment_id: int) -> Response:
    """Answer or resolve a comment."""
    row = feedback.settle(comment_id, viewer().id, request.form.get("answer", ""))
    words = _("The answer is sent.") if row.state == feedback.ANSWERED else _("The comment is resolved.")
    return done(**{"toast": {"level": "good", "text": words}, "kb:readers": {}, "okno:task-done": {}})


@require("kb.edit")
def reviewed(article_id: int) -> Response:
    """The article was read and is right; the next date is some months ahead, or none."""
    months = request.form.get("months", 0, type=int)
    review_at = now() + timedelta(days=months * reports.MONTH_DAYS) if 0 < months <= 60 else None
    operations.mark_reviewed(article_id, viewer().id, review_at)
    return done(**{"toast": {"level": "good", "text": _("Marked as reviewed.")}, "kb:readers": {}})


# --- lists of editors --------------------------------------------------------------------------------


def _before() -> int | None:
    return request.args.get("before", type=int)


@require("kb.edit")
def comments() -> str:
    """What readers want changed."""
    state = request.args.get("state", feedback.OPEN)
    if state not in (feedback.OPEN, feedback.ANSWERED, feedback.RESOLVED):
        abort(404)
    rows = feedback.comments(state, _before())
    return render_template(
        "kb/comments.html", rows=rows, state=state, counts=feedback.counts(), more=len(rows) == feedback.PAGE
    )


@require("kb.edit")
def candidate_list() -> str:
    """Cases that agents hold to be worth an article."""
    state = request.args.get("state", "open")
    if state not in ("open", "drafted", "published", "declined"):
        abort(404)
    rows = candidates.listed(state, _before())
    return render_template(
        "kb/candidates.html",
        rows=rows,
        state=state,
        counts=candidates.counts(),
        folders=reading.flat(reading.tree()) if state == "open" else [],
        more=len(rows) == candidates.PAGE,
    )


@require("kb.edit")
def draft_candidate(candidate_id: int) -> Response:
    """Make the draft and open it in the editor."""
    _seen_candidate(candidate_id)
    article = candidates.draft(candidate_id, viewer().id, request.form.get("folder_id", type=int))
    url = url_for("kb.edit", number=article.number)
    return done(**{"okno:open": {"url": url}, "kb:readers": {}, "okno:task-done": {}})


@require("kb.edit")
def decline_candidate(candidate_id: int) -> Response:
    """Say no and why."""
    _seen_candidate(candidate_id)
    candidates.decline(candidate_id, viewer().id, request.form.get("reason", ""))
    told = {"level": "good", "text": _("Declined; the agent is told why.")}
    return done(**{"toast": told, "kb:readers": {}, "okno:task-done": {}})


def _seen_candidate(candidate_id: int) -> Candidate:
    row = db.session.get(Candidate, candidate_id)
    if row is None:
        abort(404)
    return row


# --- at the case -------------------------------------------------------------------------------------


@require("case.view")
def at_case(case_id: int) -> str:
    """What became of the case's proposal; a form to make one."""
    row = seen_case(case_id)
    return render_template("kb/candidate_case.html", case=row, candidate=candidates.of_case(case_id))


@require("case.reply")
def propose(case_id: int) -> Response:
    """Propose the case with a word on why."""
    row = seen_case(case_id)
    if not desk_queries.may_see(viewer(), row):
        abort(403)
    candidates.propose(case_id, viewer().id, request.form.get("note", ""))
    told = {"level": "good", "text": _("Thank you. The editors will look at it.")}
    return done(**{"toast": told, "okno:refresh": {}})


# --- reports -----------------------------------------------------------------------------------------


def _asked() -> Asked:
    days, months = request.args.get("days", 30, type=int), request.args.get("months", 12, type=int)
    return Asked(
        days if days in reports.DAYS else 30,
        request.args.get("folder", type=int),
        months if months in reports.MONTHS else 12,
    )


@require("kb.edit")
def report(key: str = "used") -> str:
    """One report as a table."""
    found = reports.BY_KEY.get(key)
    if found is None:
        abort(404)
    asked = _asked()
    query = {"days": asked.days, "months": asked.months} | ({"folder": asked.folder_id} if asked.folder_id else {})
    return render_template(
        "kb/reports.html",
        report=found,
        reports=reports.REPORTS,
        asked=asked,
        lines=found.read(asked),
        days=reports.DAYS,
        months=reports.MONTHS,
        folders=reading.flat(reading.tree()),
        query=urlencode(query),
        is_moment=lambda value: isinstance(value, datetime),
        review_months=REVIEW_MONTHS,
    )


@require("kb.edit")
def report_csv(key: str) -> Response:
    """The same for a spreadsheet."""
    found = reports.BY_KEY.get(key)
    if found is None:
        abort(404)
    answer = Response(reports.as_csv(found, found.read(_asked()), here()), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"knowledge-{key}.csv")
    return answer


PAGES: tuple[tuple[str, str, Any], ...] = (
    ("/kb/articles/<int:article_id>/feedback", "at_article", at_article),
    ("/kb/feedback", "comments", comments),
    ("/kb/candidates", "candidates", candidate_list),
    ("/kb/panel/candidate/<int:case_id>", "at_case", at_case),
    ("/kb/reports", "reports", report),
    ("/kb/reports/<any(used,unused,unhelpful,outdated,cases,candidates):key>", "report", report),
    ("/kb/reports/<any(used,unused,unhelpful,outdated,cases,candidates):key>.csv", "report_csv", report_csv),
)
COMMANDS: tuple[tuple[str, str, Any], ...] = (
    ("/kb/articles/<int:article_id>/rating", "rate", rate),
    ("/kb/articles/<int:article_id>/comments", "comment", comment),
    ("/kb/articles/<int:article_id>/reviewed", "reviewed", reviewed),
    ("/kb/comments/<int:comment_id>/settle", "settle", settle),
    ("/kb/candidates/<int:candidate_id>/draft", "draft_candidate", draft_candidate),
    ("/kb/candidates/<int:candidate_id>/decline", "decline_candidate", decline_candidate),
    ("/kb/panel/candidate/<int:case_id>", "propose", propose),
)
