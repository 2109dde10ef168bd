"""The articles that fit the case, letter or chat in focus: by its subject and what the customer wrote last."""

from __future__ import annotations

from sqlalchemy import select

from core.contracts import SearchQuery
from core.db import db
from core.model import Message
from plugins.kb import documents, index, reading
from plugins.kb.reading import Focus, Row

SUGGESTIONS = 5
LONGEST = 4000
LANGUAGES = ("ru", "en")


def suggested(focus: Focus, limit: int = SUGGESTIONS) -> list[Row]:
    """The best articles for the case in focus, those of its service (or of none) first; its subject counts twice."""
    if focus.case is None:
        return []
    text = f"{focus.case.subject}\n{focus.case.subject}\n{_last_said(focus)[:LONGEST]}"
    filters: dict[str, tuple[str, ...]] = {}
    if focus.case.language in LANGUAGES:
        filters["language"] = (focus.case.language,)
    narrow = {**filters, "service": (focus.service.key, documents.ANY_SERVICE)} if focus.service else filters
    hits = list(index.related(text, SearchQuery("", filters=narrow, limit=limit)).hits)
    if len(hits) < limit and narrow != filters:
        known = {hit.id for hit in hits}
        more = index.related(text, SearchQuery("", filters=filters, limit=limit)).hits
        hits += [hit for hit in more if hit.id not in known][: limit - len(hits)]
    return reading.rows_of(hits)


def _last_said(focus: Focus) -> str:
    """The customer's last message: of the interaction in focus, else of the case."""
    assert focus.case is not None
    query = select(Message.body_text).where(Message.case_id == focus.case.id, Message.direction == "in")
    if focus.interaction is not None:
        of_this = query.where(Message.interaction_id == focus.interaction.id)
        if (text := db.session.scalar(of_this.order_by(Message.id.desc()).limit(1))) is not None:
            return text or ""
    return db.session.scalar(query.order_by(Message.id.desc()).limit(1)) or ""
