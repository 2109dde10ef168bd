"""Mentions in notes: ``@login``, ``@Имя`` where only one colleague has that name, ``@Имя Фамилия``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from core.db import db
from core.model import User

MENTION = re.compile(r"(?<![\w@.])@([^\W_][\w.\-]{0,79})(?:[ \u00a0]([^\W\d_][\w\-]{0,79}))?")
MOST = 50


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention as it stands in a text: ``start`` and ``end`` in characters, and whom it names."""

    start: int
    end: int
    user: User


def handles(text: str) -> list[str]:
    """What stands after each «@», in order and once each; a final dot belongs to the sentence."""
    found = (match.group(1).rstrip(".-") for match in MENTION.finditer(text))
    return list(dict.fromkeys(handle for handle in found if handle))[:MOST]


def find(text: str) -> list[Mention]:
    """Whom ``text`` mentions, disabled users too; a name that several have names nobody unless the surname follows."""
    named = handles(text)
    if not named:
        return []
    people = _people(named)
    return list(_mentions(text, people))


def _people(named: Sequence[str]) -> list[User]:
    lower = [handle.lower() for handle in named]
    # Both data bases compare Cyrillic names in the case they were written in; a login is always in lower case.
    names = {form for handle in named for form in (handle, handle.capitalize(), handle.lower(), handle.title())}
    query = select(User).where(or_(User.login.in_(lower), User.first_name.in_(names), User.nickname.in_(names)))
    return list(db.session.scalars(query.order_by(User.id).limit(500)))


def _mentions(text: str, people: Sequence[User]) -> Iterator[Mention]:
    by_login = {person.login: person for person in people}
    for match in MENTION.finditer(text):
        handle = match.group(1).rstrip(".-")
        end = match.start() + 1 + len(handle)
        if (person := by_login.get(handle.lower())) is not None:
            yield Mention(match.start(), end, person)
            continue
        called = [one for one in people if handle.lower() in (one.first_name.lower(), one.nickname.lower()) and handle]
        surname = (match.group(2) or "").lower()
        full = [one for one in called if surname and one.last_name.lower() == surname]
        active = [one for one in called if one.disabled_at is None]
        if len(full) == 1:
            yield Mention(match.start(), match.end(), full[0])
        elif len(active) == 1:
            yield Mention(match.start(), end, active[0])


def suggest(words: str, limit: int = 8) -> list[User]:
    """Active colleagues whose login, name, surname or nickname begins with ``words``, for completing a mention."""
    start = words.strip().replace("\\", "").replace("%", "").replace("_", "")
    forms = {f"{form}%" for form in (start, start.lower(), start.capitalize())}
    columns = (User.login, User.first_name, User.last_name, User.nickname)
    begins = or_(*(column.like(form) for column in columns for form in sorted(forms)))
    query = select(User).where(User.disabled_at.is_(None), begins)
    return list(db.session.scalars(query.order_by(func.lower(User.first_name), User.id).limit(limit)))
