"""Canned replies (заготовленные ответы) in nested sections: personal, a team's, everybody's. The only code that changes them.

Who may: everybody their own; supervisors (``chat.canned``) those of teams and of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import InstrumentedAttribute

from core import audit, casework
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Interaction, Team, TeamMember, User
from core.permissions import allowed
from core.plain_text import plain_text
from plugins.chat.desk import words
from plugins.chat.models import Canned, CannedSection

PERMISSION = "chat.canned"
FOUND, MOST, DEPTH = 12, 3000, 6
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A reply as lists show it; ``path`` are the titles of its sections from the top, ``scope`` own, team or all."""

    id: int
    title: str
    html: str
    text: str
    path: tuple[str, ...]
    scope: str
    position: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Whose:
    """For whom: a person, a team or, with neither, everybody."""

    owner_id: int | None = None
    team_id: int | None = None

    @property
    def scope(self) -> str:
        """own, team or all."""
        return "own" if self.owner_id is not None else "team" if self.team_id is not None else "all"


# --- reading -----------------------------------------------------------------------------------------


def visible(user_id: int) -> list[Shown]:
    """What the user may insert: their own first, then their teams', then everybody's, each in the order of the sections."""
    teams = list(db.session.scalars(select(TeamMember.team_id).where(TeamMember.user_id == user_id)))
    places = _paths(list(db.session.scalars(select(CannedSection).where(_for(CannedSection, user_id, teams)))))
    rows = db.session.scalars(select(Canned).where(_for(Canned, user_id, teams)).limit(MOST))
    shown = [_shown(row, places) for row in rows]
    return sorted(shown, key=lambda one: one.position)


def of_everybody() -> list[Shown]:
    """Those for everybody, in order."""
    places = _paths(list(db.session.scalars(select(CannedSection).where(_for(CannedSection, 0, ())))))
    rows = db.session.scalars(select(Canned).where(_for(Canned, 0, ())).limit(MOST))
    return sorted((_shown(row, places) for row in rows), key=lambda one: one.position)


def _for(model: type[Canned] | type[CannedSection], user_id: int, teams: Sequence[int]) -> Any:
    owner: InstrumentedAttribute[int | None] = model.owner_id
    everybody = owner.is_(None) & model.team_id.is_(None)
    return or_(owner == user_id, model.team_id.in_(teams), everybody)


def _paths(sections: Sequence[CannedSection]) -> dict[int, list[tuple[int, str]]]:
    """The (position, title) of each section and those above it, from the top."""
    by_id = {row.id: row for row in sections}
    found: dict[int, list[tuple[int, str]]] = {}
    for row in sections:
        path: list[tuple[int, str]] = []
        above: CannedSection | None = row
        while above is not None and len(path) < DEPTH:
            path.insert(0, (above.position, above.title))
            above = by_id.get(above.parent_id or 0)
        found[row.id] = path
    return found


def _shown(row: Canned, places: dict[int, list[tuple[int, str]]]) -> Shown:
    path = places.get(row.section_id or 0, [])
    whose = Whose(row.owner_id, row.team_id)
    order = {"own": 0, "team": 1, "all": 2}[whose.scope]
    position = (order, [*path, (row.position, row.title)])
    return Shown(
        row.id, row.title, row.html, plain_text(row.html), tuple(title for _, title in path), whose.scope, position
    )


def search(user_id: int, query: str, limit: int = FOUND) -> list[Shown]:
    """What the words of ``query`` find, each at the beginning of a word of title, section or text; titles first."""
    wanted = query.casefold().replace("ё", "е").split()
    found = []
    for one in visible(user_id):
        title = _starts(one.title, wanted)
        if title or _starts(" ".join((one.title, *one.path, one.text)), wanted):
            found.append((not title, one))
    found.sort(key=lambda pair: pair[0])
    return [one for _, one in found[:limit]]


def _starts(text: str, wanted: Sequence[str]) -> bool:
    there = text.casefold().replace("ё", "е").replace("«", " ").replace("(", " ").split()
    return all(any(word.startswith(part) for word in there) for part in wanted)


def filled(canned_id: int, user_id: int, interaction_id: int) -> str:
    """The HTML of a reply for a conversation, its names filled in. Raises ``Rejected`` (``canned-unknown``)."""
    interaction = db.session.get(Interaction, interaction_id)
    row = db.session.get(Canned, canned_id)
    if row is None or interaction is None or not _may_see(row, user_id):
        raise Rejected(UNKNOWN, "canned-unknown")
    return words.fill(row.html, interaction, user_id)


def sections(user_id: int) -> list[tuple[CannedSection, tuple[str, ...]]]:
    """The sections that the user sees, with the titles above them and their own, in order."""
    teams = list(db.session.scalars(select(TeamMember.team_id).where(TeamMember.user_id == user_id)))
    rows = list(db.session.scalars(select(CannedSection).where(_for(CannedSection, user_id, teams))))
    places = _paths(rows)
    order = {"own": 0, "team": 1, "all": 2}
    rows.sort(key=lambda row: (order[Whose(row.owner_id, row.team_id).scope], places[row.id]))
    return [(row, tuple(title for _, title in places[row.id])) for row in rows]


UNKNOWN = Text("There is no such canned reply", "Такого заготовленного ответа нет")


def _may_see(row: Canned | CannedSection, user_id: int) -> bool:
    if row.owner_id is not None:
        return row.owner_id == user_id
    if row.team_id is None:
        return True
    member = select(TeamMember.team_id).where(TeamMember.user_id == user_id, TeamMember.team_id == row.team_id)
    return db.session.scalar(member) is not None


# --- changing ----------------------------------------------------------------------------------------


def add(
    title: str, html: str, whose: Whose, *, section_id: int | None = None, position: int = 0, by_id: int | None = None
) -> Canned:
    """A new reply. ``by_id`` None is the command line.

    Raises ``Rejected``: ``canned-not-yours``, ``canned-title``, ``canned-empty``, ``canned-section``.
    """
    with transaction():
        _check_right(whose, by_id)
        row = Canned(owner_id=whose.owner_id, team_id=whose.team_id, section_id=section_id, position=position)
        row.title, row.html = _title(title), _html(html)
        _check_section(section_id, whose)
        db.session.add(row)
        db.session.flush()
        _record("add", row, {}, {"title": row.title, "scope": whose.scope})
        return row


def change(
    canned_id: int, title: str, html: str, *, section_id: int | None = None, position: int = 0, by_id: int | None = None
) -> Canned:
    """Change a reply; whose it is stays. Raises ``Rejected`` as :func:`add`, and ``canned-unknown``."""
    with transaction():
        row = _held(canned_id, by_id)
        before = {"title": row.title, "html": row.html, "section": row.section_id}
        _check_section(section_id, Whose(row.owner_id, row.team_id))
        row.title, row.html, row.section_id, row.position = _title(title), _html(html), section_id, position
        db.session.flush()
        _record("change", row, before, {"title": row.title, "html": row.html, "section": row.section_id})
        return row


def remove(canned_id: int, by_id: int | None = None) -> None:
    """Take a reply away. Raises ``Rejected``: ``canned-unknown``, ``canned-not-yours``."""
    with transaction():
        row = _held(canned_id, by_id)
        _record("remove", row, {"title": row.title}, {})
        db.session.delete(row)


def add_section(
    title: str, whose: Whose, *, parent_id: int | None = None, position: int = 0, by_id: int | None = None
) -> CannedSection:
    """A new section. Raises ``Rejected``: ``canned-not-yours``, ``canned-title``, ``canned-section``."""
    with transaction():
        _check_right(whose, by_id)
        _check_section(parent_id, whose)
        row = CannedSection(
            title=_title(title)[:120],
            owner_id=whose.owner_id,
            team_id=whose.team_id,
            parent_id=parent_id,
            position=position,
        )
        db.session.add(row)
        db.session.flush()
        return row


def ensure_path(path: str, whose: Whose) -> int | None:
    """The section at a path such as «Delivery/Terms», made where it is missing; None for "". Raises ``Rejected`` as above."""
    parent: int | None = None
    with transaction():
        for title in filter(None, (part.strip() for part in path.split("/"))):
            same = select(CannedSection.id).filter_by(
                title=title, parent_id=parent, owner_id=whose.owner_id, team_id=whose.team_id
            )
            found = db.session.scalar(same.limit(1))
            parent = found or add_section(title, whose, parent_id=parent).id
    return parent


def remove_section(section_id: int, by_id: int | None = None) -> None:
    """Take a section away with all in it. Raises ``Rejected``: ``canned-section``, ``canned-not-yours``."""
    with transaction():
        row = db.session.get(CannedSection, section_id, with_for_update=True)
        if row is None:
            raise Rejected(NO_SECTION, "canned-section")
        _check_right(Whose(row.owner_id, row.team_id), by_id)
        audit.record("chat.canned.section", "canned_section", row.id, {"title": row.title}, {})
        db.session.delete(row)


NO_SECTION = Text("There is no such section here", "Такого раздела здесь нет")


def _held(canned_id: int, by_id: int | None) -> Canned:
    row = db.session.get(Canned, canned_id, with_for_update=True)
    if row is None or (by_id is not None and not (_may_see(row, by_id) or _manages(by_id))):
        raise Rejected(UNKNOWN, "canned-unknown")
    _check_right(Whose(row.owner_id, row.team_id), by_id)
    return row


def _manages(user_id: int) -> bool:
    user = db.session.get(User, user_id)
    return user is not None and allowed(user, PERMISSION)


def _check_right(whose: Whose, by_id: int | None) -> None:
    if whose.team_id is not None and db.session.get(Team, whose.team_id) is None:
        raise Rejected(Text("There is no such group", "Такой группы нет"), "team-unknown")
    own = whose.owner_id is not None and whose.owner_id == by_id
    if by_id is None or own or (whose.owner_id is None and _manages(by_id)):
        return
    words = Text(
        "Only your own canned replies are yours to change", "Изменять можно только собственные заготовленные ответы"
    )
    raise Rejected(words, "canned-not-yours")


def _check_section(section_id: int | None, whose: Whose) -> None:
    if section_id is None:
        return
    row = db.session.get(CannedSection, section_id)
    if row is None or Whose(row.owner_id, row.team_id) != whose:
        raise Rejected(NO_SECTION, "canned-section")
    depth, above = 1, row
    while above.parent_id is not None:
        depth, above = depth + 1, db.session.get_one(CannedSection, above.parent_id)
    if depth >= DEPTH:
        deep = Text(f"Sections nest {DEPTH} deep at most", f"Вложенность разделов — не больше {DEPTH}")
        raise Rejected(deep, "canned-section")


def _title(title: str) -> str:
    title = " ".join(title.split())[:160]
    if not title:
        raise Rejected(Text("Give it a name", "Введите название"), "canned-title")
    return title


def _html(html: str) -> str:
    clean = casework.sanitise(html[:LONGEST])
    if not plain_text(clean):
        raise Rejected(Text("Write the reply", "Напишите ответ"), "canned-empty")
    return clean


def _record(what: str, row: Canned, before: dict[str, Any], after: dict[str, Any]) -> None:
    if row.owner_id is None:
        audit.record(f"chat.canned.{what}", "canned", row.id, before, after)
