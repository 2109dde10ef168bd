"""An article that is still being written, as an agent will see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select

from core.contracts import Rejected, Text, VariableContext
from core.db import db
from core.model import Case, User
from core.web import desk_queries
from plugins.kb import markup
from plugins.kb.use import usage
from plugins.kb.writing import article_texts


def shown(parts: Iterable[Mapping[str, Any]], case_number: str, user: User) -> str:
    """The sections drawn; ``case_number`` names the case whose variables are filled in, "" for none.

    Raises ``Rejected`` (``case-unknown``) for a case that is not there or not for ``user``.
    """
    case = _case(case_number, user)
    context = usage.context_of(user.id, case.id if case else None, None)
    drawn = [_drawn(part, context) for part in article_texts.sections(_keyed(parts), "ru")]
    return render_template("kb/edit_preview.html", sections=drawn, case=case)


def _keyed(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**part, "key": f"part-{index}"} for index, part in enumerate(parts)]


def _drawn(part: Mapping[str, Any], context: VariableContext) -> dict[str, Any]:
    html = markup.with_chips(markup.linked(part["html"]), usage.values(part["html"], context), "")
    return {"title": part["title"], "shown": Markup(html)}  # noqa: S704 -- sanitised by article_texts.sections


def _case(number: str, user: User) -> Case | None:
    if not number.strip():
        return None
    case = db.session.scalar(select(Case).where(Case.number == number.strip()))
    if case is None or not desk_queries.may_see(user, case):
        raise Rejected(Text(f"There is no case {number}", f"Нет запроса {number}"), "case-unknown")
    return case
