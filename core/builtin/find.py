"""Cases and contacts for the search box: by number, thread token, address, and beginnings of words of subject or name."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from core import hookimpl
from core.contracts import SearchHit, SearchQuery, SearchResult, SearchSource, Text
from core.db import db
from core.model import Case, Contact, ContactAddress

TOKEN = re.compile(r"#?([2-9A-HJ-NP-Z]{10})\b", re.IGNORECASE)


def _lower(column: ColumnElement[str] | object) -> ColumnElement[str]:
    name = "okno_lower" if db.engine.dialect.name == "sqlite" else "lower"
    lowered: ColumnElement[str] = getattr(func, name)(column)
    return lowered


def _like(text: str) -> str:
    return "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _marked(text: str, words: list[str]) -> str:
    if not words:
        return escape(text)
    parts = re.split("(" + "|".join(re.escape(word) for word in words) + ")", text, flags=re.IGNORECASE)
    return "".join(f"<mark>{escape(part)}</mark>" if index % 2 else escape(part) for index, part in enumerate(parts))


def find_cases(query: SearchQuery) -> SearchResult:
    """Number and token hit at once; other words must all stand in the subject, newest cases first among the latest 5,000."""
    words = query.text.split()[:8]
    if not words:
        return SearchResult((), 0)
    exact = [Case.number == query.text.strip().lstrip("#№")]
    if token := TOKEN.search(query.text):
        exact.append(Case.thread_token == token.group(1).upper())
    rows = db.session.execute(_case_columns().where(or_(*exact)).limit(query.limit)).all()
    if not rows:
        newest = select(Case.id).order_by(Case.id.desc()).limit(5000).subquery()
        matching = [_lower(Case.subject).like(_like(word), escape="\\") for word in words]
        statement = _case_columns().where(Case.id.in_(select(newest.c.id)), *matching).order_by(Case.id.desc())
        rows = db.session.execute(statement.limit(query.limit).offset(query.offset)).all()
    hits = tuple(
        SearchHit(
            f"case:{row.id}",
            "case",
            1.0,
            f"{escape(row.number)} · {_marked(row.subject, words)}",
            escape(row.name or ""),
        )
        for row in rows
    )
    return SearchResult(hits, len(hits), terms=tuple(words))


def _case_columns() -> Select[*tuple[Any, ...]]:
    return select(Case.id, Case.number, Case.subject, Contact.name).outerjoin(Contact, Contact.id == Case.contact_id)


def find_contacts(query: SearchQuery) -> SearchResult:
    """By beginning of an address, or by all words in the name."""
    words = query.text.split()[:8]
    if not words:
        return SearchResult((), 0)
    begins = _like(words[0]).lstrip("%")
    by_address = select(ContactAddress.contact_id).where(ContactAddress.value.like(begins, escape="\\")).limit(50)
    in_name = [_lower(Contact.name).like(_like(word), escape="\\") for word in words]
    by_name = select(Contact.id).where(*in_name).limit(50)
    statement = select(Contact.id, Contact.name).where(or_(Contact.id.in_(by_address), Contact.id.in_(by_name)))
    rows = db.session.execute(statement.order_by(Contact.name).limit(query.limit).offset(query.offset)).all()
    hits = tuple(SearchHit(f"contact:{row.id}", "contact", 1.0, _marked(row.name, words), "") for row in rows)
    return SearchResult(hits, len(hits), terms=tuple(words))


@hookimpl
def register_search_sources() -> list[SearchSource]:
    """What the core itself can find."""
    return [
        SearchSource("case", Text("Cases", "Запросы"), "inbox", find_cases, lambda key: f"/cases/{key}", "case.view"),
        SearchSource(
            "contact",
            Text("Contacts", "Контакты"),
            "users",
            find_contacts,
            lambda key: f"/contacts/{key}",
            "contact.view",
        ),
    ]
