"""The articles that fit what is in focus: a case by its subject and what the customer wrote last, an article by its words."""

from __future__ import annotations

from sqlalchemy import select

from core.contracts import SearchQuery
from core.db import db
from core.model import Message
from plugins.kb import reading
from plugins.kb.finding import documents, index
from plugins.kb.models import Article
from plugins.kb.reading import Focus, Row
from plugins.kb.use import links
from plugins.kb.use.links import Target

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


def related_to(article: Article, limit: int = 5) -> list[Target]:
    """Articles to read along: those set by hand first, then those the search finds alike, in the same language."""
    by_hand = [int(number) for number in article.related if str(number).isdecimal()]
    found = [number for number in by_hand if number != article.number]
    if len(found) < limit:
        text = f"{article.title}\n{article.title}\n{' '.join(article.keywords)}\n{article.question}"
        query = SearchQuery("", filters={"language": (article.language,)}, limit=limit + 1)
        alike = [documents.number_of(hit.id) for hit in index.related(text, query).hits]
        found += [number for number in alike if number != article.number and number not in found]
    known = links.targets(found)
    return [known[number] for number in found if number in known and known[number].there][: max(limit, len(by_hand))]
