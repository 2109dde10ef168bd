"""The directory (каталог): colleagues by team, services, contacts, organisations; searched by the beginnings of word parts.

Every function runs a constant number of statements, whatever the number of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.find_words import parts_of
from core.keyboard_layout import readings
from core.model import Contact, FindWord, Interaction, Organisation, Presence, Service, Team, TeamMember, User

PAGE = 50
RECENT = 50
MOST_TOKENS = 6
LAST_CHARACTER = "\U0010ffff"
PHONE_RUN = re.compile(r"(?<![^\W_])[+(]*\d[\d\s().\-]{3,}\d(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, as the ways it may be read: each a list of beginnings that must all be found."""

    text: str
    readings: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.readings)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every beginning of every reading, longest first, for highlighting."""
        return tuple(sorted({token for reading in self.readings for token in reading}, key=lambda token: -len(token)))


@dataclass(slots=True)
class Person:
    """A colleague with the state and the channels of the work in hand."""

    user: User
    presence: Presence | None
    teams: list[Team] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Listed:
    """One page of a group; ``after`` asks for the next, "" at the end."""

    rows: list[Any]
    after: str = ""


def asked(text: str) -> Asked:
    """Read a question: digits in any telephone format are one beginning, the wrong keyboard layout is read as well."""
    text = " ".join(text.split())[:120]
    found: list[tuple[str, ...]] = []
    for reading in readings(text):
        tokens = ["".join(filter(str.isdigit, run)) for run in PHONE_RUN.findall(reading)]
        tokens += parts_of(PHONE_RUN.sub(" ", reading))
        unique = tuple(dict.fromkeys(tokens))[:MOST_TOKENS]
        if unique and unique not in found:
            found.append(unique)
    return Asked(text, tuple(found))


# --- matching -----------------------------------------------------------------------------------------


def _begins(kind: str, token: str) -> ColumnElement[bool]:
    return and_(FindWord.kind == kind, FindWord.word >= token, FindWord.word < token + LAST_CHARACTER)


def _ids(kind: str, token: str) -> Select[Any]:
    return select(FindWord.object_id).where(_begins(kind, token))


def _contact_ids(token: str) -> Any:
    """A contact is found by its own words or those of its organisation."""
    works_there = select(Contact.id).join(FindWord, FindWord.object_id == Contact.organisation_id)
    return union(_ids("contact", token), works_there.where(_begins("organisation", token))).subquery().select()


def matches(kind: str, column: Any, question: Asked) -> ColumnElement[bool]:
    """The condition that the row of ``column`` (its id) is one of those asked for."""
    ids = _contact_ids if kind == "contact" else lambda token: _ids(kind, token)
    return or_(*(and_(*(column.in_(ids(token)) for token in reading)) for reading in question.readings))


# --- groups -------------------------------------------------------------------------------------------


def people(
    question: Asked,
    *,
    team_id: int | None = None,
    after: str = "",
    limit: int = PAGE,
    only: Iterable[int] | None = None,
) -> Listed:
    """Enabled users by their first team, then by name; four statements. ``only`` narrows to these ids."""
    first_team = select(func.min(TeamMember.team_id)).where(TeamMember.user_id == User.id).scalar_subquery()
    query = (
        select(User, Presence)
        .outerjoin(Presence, Presence.user_id == User.id)
        .where(User.disabled_at.is_(None))
        .options(selectinload(User.memberships).joinedload(TeamMember.team))
        .order_by(first_team.is_(None), first_team, User.first_name, User.last_name, User.id)
    )
    if question:
        query = query.where(matches("user", User.id, question))
    if team_id is not None:
        query = query.where(User.id.in_(select(TeamMember.user_id).where(TeamMember.team_id == team_id)))
    if only is not None:
        query = query.where(User.id.in_(list(only)))
    start = int(after) if after.isdigit() else 0
    rows = db.session.execute(query.offset(start).limit(limit + 1)).all()
    shown = rows[:limit]
    busy = channels_of([user.id for user, _presence in shown])
    listed = [
        Person(
            user, presence, sorted((item.team for item in user.memberships), key=lambda team: team.id), busy[user.id]
        )
        for user, presence in shown
    ]
    return Listed(listed, str(start + limit) if len(rows) > limit else "")


def channels_of(user_ids: Sequence[int]) -> dict[int, list[str]]:
    """The channels of what each user has in hand."""
    found: dict[int, list[str]] = {user_id: [] for user_id in user_ids}
    if user_ids:
        query = select(Interaction.agent_id, Interaction.channel).where(
            Interaction.agent_id.in_(user_ids), Interaction.state == "active"
        )
        for user_id, channel in db.session.execute(query.distinct()):
            found[user_id or 0].append(channel)
    return found


def contacts(question: Asked, *, organisation_id: int | None = None, after: str = "", limit: int = PAGE) -> Listed:
    """Contacts by name, with addresses and organisations; two statements."""
    query = select(Contact).options(joinedload(Contact.organisation), selectinload(Contact.addresses))
    if question:
        query = query.where(matches("contact", Contact.id, question))
    if organisation_id is not None:
        query = query.where(Contact.organisation_id == organisation_id)
    return _by_name(query, Contact, after, limit)


def organisations(question: Asked, *, after: str = "", limit: int = PAGE) -> Listed:
    """Organisations by name, each with its number of contacts; two statements."""
    query = select(Organisation)
    if question:
        query = query.where(matches("organisation", Organisation.id, question))
    listed = _by_name(query, Organisation, after, limit)
    ids = [row.id for row in listed.rows]
    counted = select(Contact.organisation_id, func.count()).where(Contact.organisation_id.in_(ids))
    counts: dict[int | None, int] = {
        row[0]: row[1] for row in db.session.execute(counted.group_by(Contact.organisation_id))
    }
    return Listed([(row, counts.get(row.id, 0)) for row in listed.rows], listed.after)


def _by_name(query: Select[Any], model: Any, after: str, limit: int) -> Listed:
    name, _, last = after.rpartition("|")
    if last.isdigit():
        query = query.where(or_(model.name > name, and_(model.name == name, model.id > int(last))))
    rows = list(db.session.scalars(query.order_by(model.name, model.id).limit(limit + 1)))
    shown = rows[:limit]
    return Listed(shown, f"{shown[-1].name}|{shown[-1].id}" if len(rows) > limit else "")


def services(question: Asked, *, limit: int = PAGE) -> Listed:
    """The active services with their entries; two statements."""
    query = select(Service).where(Service.active).options(selectinload(Service.entries))
    if question:
        query = query.where(matches("service", Service.id, question))
    return Listed(list(db.session.scalars(query.order_by(Service.id).limit(limit))))


def teams(question: Asked, *, limit: int = PAGE) -> list[tuple[Team, int]]:
    """Teams with the number of members who are ready, for transfers; the names are few and compared here."""
    ready = (
        select(func.count())
        .select_from(TeamMember)
        .join(Presence, Presence.user_id == TeamMember.user_id)
        .where(TeamMember.team_id == Team.id, Presence.state == "ready")
        .scalar_subquery()
    )
    rows = db.session.execute(select(Team, ready).order_by(Team.id)).all()
    found = [(team, number) for team, number in rows if not question or _team_fits(team, question)]
    return found[:limit]


def _team_fits(team: Team, question: Asked) -> bool:
    words = parts_of(f"{team.key} {team.title_en} {team.title_ru}")
    return any(all(any(word.startswith(token) for word in words) for token in reading) for reading in question.readings)


# --- what one has used --------------------------------------------------------------------------------


@dataclass(slots=True)
class Recent:
    """An interaction of mine with its contact."""

    interaction: Interaction
    contact: Contact | None

    @property
    def seconds(self) -> int | None:
        """How long it took; None while it lasts."""
        begun, ended = self.interaction.accepted_at, self.interaction.ended_at
        return int((ended - begun).total_seconds()) if begun and ended else None

    @property
    def at(self) -> datetime:
        """When it came into my hands."""
        return self.interaction.accepted_at or self.interaction.queued_at


def recents(user_id: int, limit: int = RECENT) -> list[Recent]:
    """The interactions the user had in hand last, newest first; two statements."""
    query = (
        select(Interaction)
        .where(Interaction.agent_id == user_id, Interaction.accepted_at.is_not(None))
        .options(joinedload(Interaction.case), joinedload(Interaction.service))
        .order_by(Interaction.accepted_at.desc(), Interaction.id.desc())
        .limit(limit)
    )
    rows = list(db.session.scalars(query))
    ids = {row.contact_id for row in rows if row.contact_id is not None}
    known = {contact.id: contact for contact in db.session.scalars(select(Contact).where(Contact.id.in_(ids)))}
    return [Recent(row, known.get(row.contact_id or 0)) for row in rows]


def by_ids(kind: str, ids: Sequence[int]) -> dict[int, Any]:
    """Entries of one kind by id: users as :class:`Person`, contacts and services with their addresses."""
    if not ids:
        return {}
    if kind == "user":
        return {person.user.id: person for person in people(Asked(""), only=ids, limit=len(ids)).rows}
    if kind == "contact":
        query = select(Contact).options(joinedload(Contact.organisation), selectinload(Contact.addresses))
        return {row.id: row for row in db.session.scalars(query.where(Contact.id.in_(ids)))}
    found = select(Service).where(Service.id.in_(ids)).options(selectinload(Service.entries))
    return {row.id: row for row in db.session.scalars(found)}


def user_of_number(phone: str) -> int | None:
    """Whose telephone this is, as it stands in the profile; None when it is nobody's or of who has left."""
    query = select(User.id).where(User.phone == phone, User.disabled_at.is_(None)).order_by(User.id)
    return db.session.scalar(query.limit(1))
