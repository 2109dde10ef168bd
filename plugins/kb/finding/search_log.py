"""What people search for: counts by day, source and text, never who asked and never single keystrokes.

A text is noted when somebody stopped at it: opened a hit, pressed Enter, or left it unchanged for some seconds (the
page's module decides, ``static/search.js``). Addresses and long numbers are masked before anything is stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, case, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from core.clock import now
from core.db import db, transaction
from core.house import okno
from plugins.kb.models import SearchCount

SOURCES = ("panel", "page", "public")
LONGEST = 200
SHORTEST = 2
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
# Nine digits and more, grouped or not: telephones, cards, tax and insurance numbers; codes of errors have at most eight.
_NUMBER = re.compile(r"(?<![\w+])\+?\(?\d(?:[\s().\-–]{0,2}\d){8,}(?!\w)")
_SHORT_TELEPHONE = re.compile(r"(?<![\w-])\d{2,3}-\d{2}-\d{2}(?![\w-])")


def normalised(text: str) -> str:
    """``text`` as it is counted: lower case, single spaces, addresses and long numbers masked, at most 200 characters."""
    clean = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text[:1_000])
    clean = " ".join(unicodedata.normalize("NFC", clean).lower().split())
    clean = _ADDRESS.sub("<e-mail>", clean)
    clean = _NUMBER.sub("<number>", clean)
    return _SHORT_TELEPHONE.sub("<number>", clean)[:LONGEST].strip()


def note(text: str, hits: int, source: str) -> None:
    """Count a search that somebody stopped at; ``source`` is one of ``SOURCES``. Too short a text is passed over."""
    _count(text, source, asked=1, opened=0, hits=hits)


def opened(text: str, source: str) -> None:
    """Count that a search led to an article; call it after :func:`note`, once a search."""
    _count(text, source, asked=0, opened=1, hits=None)


def _count(text: str, source: str, *, asked: int, opened: int, hits: int | None) -> None:
    if source not in SOURCES:
        raise ValueError(f"no such source of searches: {source}")
    clean = normalised(text)
    if len(clean) < SHORTEST:
        return
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    found = min(max(hits or 0, 0), 1_000_000)
    statement = insert(SearchCount).values(
        day=now().date(), source=source, text=clean, asked=asked, opened=opened, hits=1 if hits is None else found
    )
    changes: dict[str, Any] = {"asked": SearchCount.asked + asked, "opened": SearchCount.opened + opened}
    if hits is not None:
        changes["hits"] = found
    with transaction():
        db.session.execute(statement.on_conflict_do_update(index_elements=["day", "source", "text"], set_=changes))


def forget_old() -> None:
    """The daily job: counts older than the setting ``kb.search_log_days`` go."""
    days = max(1, okno().config.get("kb.search_log_days"))
    with transaction():
        db.session.execute(delete(SearchCount).where(SearchCount.day < now().date() - timedelta(days=days)))


# --- the report --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A text with what became of it in the period; ``hits`` is what the latest search found."""

    text: str
    asked: int
    opened: int
    hits: int


@dataclass(frozen=True, slots=True)
class Totals:
    """All searches of a period; ``without`` found nothing, ``unopened`` found something and led to no article."""

    asked: int
    without: int
    opened: int


def totals(days: int, source: str = "") -> Totals:
    """The sums of the last ``days`` days."""
    nothing = func.coalesce(func.sum(case((SearchCount.hits == 0, SearchCount.asked), else_=0)), 0)
    query = select(
        func.coalesce(func.sum(SearchCount.asked), 0), nothing, func.coalesce(func.sum(SearchCount.opened), 0)
    ).where(*_within(days, source))
    asked, without, led = db.session.execute(query).one()
    return Totals(int(asked), int(without), int(led))


def most_asked(days: int, source: str = "", limit: int = 50) -> list[Line]:
    """The most frequent texts."""
    return _lines(days, source, limit, [])


def without_result(days: int, source: str = "", limit: int = 50) -> list[Line]:
    """The most frequent texts whose latest search found nothing."""
    return _lines(days, source, limit, [_latest_hits() == 0])


def without_opening(days: int, source: str = "", limit: int = 50) -> list[Line]:
    """The most frequent texts that found something but never led to an article."""
    return _lines(days, source, limit, [_latest_hits() > 0, func.sum(SearchCount.opened) == 0])


def _within(days: int, source: str) -> list[Any]:
    conditions: list[Any] = [SearchCount.day > now().date() - timedelta(days=days)]
    return [*conditions, SearchCount.source == source] if source else conditions


def _latest_hits() -> Any:
    """The hits of the text's latest row: the largest id among equals of a day, kept in one number."""
    return func.max(cast(SearchCount.id, BigInteger) * 1_000_001 + SearchCount.hits) % 1_000_001


def _lines(days: int, source: str, limit: int, having: Sequence[Any]) -> list[Line]:
    asked = func.sum(SearchCount.asked)
    query = (
        select(SearchCount.text, asked, func.sum(SearchCount.opened), _latest_hits())
        .where(*_within(days, source))
        .group_by(SearchCount.text)
        .having(*having, asked > 0)
        .order_by(asked.desc(), SearchCount.text)
        .limit(limit)
    )
    return [Line(text, int(count), int(led), int(hits)) for text, count, led, hits in db.session.execute(query)]
