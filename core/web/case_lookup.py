"""What a case page looks up while somebody types: cases to link, organisations, colleagues to mention, whom to pass a case to."""

from __future__ import annotations

from flask import jsonify, render_template, request
from flask.wrappers import Response
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import case_mentions, organisations
from core.contracts import SearchQuery
from core.db import db
from core.house import okno
from core.model import Case
from core.permissions import require
from core.web import case_views, desk_frame, desk_queries

FOUND = 8


def _words() -> str:
    return request.args.get("q", "").strip()[:200]


@require("case.reply")
def link_dialog(case_id: int) -> str:
    """The dialog in which another case is chosen; ``kind`` is what it opens with."""
    case = case_views.seen_case(case_id)
    return render_template("desk/case_link.html", case=case, kind=request.args.get("kind", "related"))


@require("case.reply")
def cases_to_link(case_id: int) -> str:
    """Cases found by number or subject, without this one and those the viewer may not see."""
    case, user = case_views.seen_case(case_id), desk_frame.signed_in()
    words = _words()
    rows: list[Case] = []
    if words:
        hits = okno().search_sources["case"].search(SearchQuery(words, limit=FOUND * 3)).hits
        ids = [int(hit.id.partition(":")[2]) for hit in hits]
    else:
        others = select(Case.id).where(Case.contact_id == case.contact_id, Case.contact_id.is_not(None))
        ids = list(db.session.scalars(others.order_by(Case.created_at.desc()).limit(FOUND + 1)))
    if ids:
        query = select(Case).where(Case.id.in_(ids), Case.id != case_id).options(joinedload(Case.contact))
        rows = [row for row in db.session.scalars(query.order_by(Case.id.desc())) if desk_queries.may_see(user, row)]
    return render_template("desk/case_link_found.html", rows=rows[:FOUND], words=words, case=case)


@require("case.view")
def find_organisations() -> str:
    """Companies by name or tax number, and what looks wrong about a number that is none of theirs."""
    words = _words()
    found = organisations.search(words)
    warning = organisations.tax_id_warning(words)
    return render_template("desk/organisations_found.html", rows=found, words=words, warning=warning)


@require("case.view")
def colleagues() -> Response:
    """Active colleagues for a mention, best first."""
    found = case_mentions.suggest(_words())
    return jsonify(people=[{"login": one.login, "name": one.name, "id": one.id} for one in found])
