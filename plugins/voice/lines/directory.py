"""Lines found, and kept. The only code that changes them. A target ``line_id`` of a transfer is resolved by :func:`target`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Service, Team, TeamMember
from core.schemas import Invalid
from plugins.voice.menus.document import NAME
from plugins.voice.models.lines import VoiceLine

NUMBER = re.compile(r"\+[1-9]\d{6,14}|\d{2,10}|sip:[^\s@]+@[^\s@]+")
FIELDS = ("title_en", "title_ru", "product", "number", "note", "active", "position")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call that is passed to a line goes: into the queue of a service, else to a number."""

    title: Text
    number: str
    service_id: int | None


def list_lines(*, active_only: bool = False) -> list[VoiceLine]:
    """All lines by product, place and title, with their services and teams; two statements."""
    query = select(VoiceLine).options(joinedload(VoiceLine.service), selectinload(VoiceLine.teams))
    if active_only:
        query = query.where(VoiceLine.active)
    return list(db.session.scalars(query.order_by(VoiceLine.product, VoiceLine.position, VoiceLine.title_ru)))


def find(text: str, user_id: int | None = None) -> list[VoiceLine]:
    """Lines in use whose product, title, number or note holds each word; for a user, only those that the user may consult."""
    words = text.casefold().replace("ё", "е").split()
    mine = _teams_of(user_id) if user_id is not None else None
    found = []
    for line in list_lines(active_only=True):
        held = " ".join((line.product, line.title_ru, line.title_en, line.number, line.note))
        plain = held.casefold().replace("ё", "е")
        if all(word in plain for word in words) and may_consult(line, mine):
            found.append(line)
    return found


def _teams_of(user_id: int) -> set[int]:
    return set(db.session.scalars(select(TeamMember.team_id).where(TeamMember.user_id == user_id)))


def may_consult(line: VoiceLine, team_ids: set[int] | None) -> bool:
    """Whether agents of these teams may consult a line; None stands for everybody."""
    return team_ids is None or not line.teams or any(team.id in team_ids for team in line.teams)


def get_line(key: str) -> VoiceLine:
    """One line. Raises ``Rejected`` (``not-found``)."""
    query = select(VoiceLine).where(VoiceLine.key == key).options(selectinload(VoiceLine.teams))
    row: VoiceLine | None = db.session.scalar(query)
    if row is None:
        raise Rejected(Text(f"There is no line '{key}'", f"Нет линии «{key}»"), "not-found")
    return row


def target(line_id: int, user_id: int) -> Target:
    """Where a call goes that the user passes to a line. Raises ``Rejected``: ``voice-line-unknown``, ``line-not-yours``."""
    query = select(VoiceLine).where(VoiceLine.id == line_id, VoiceLine.active).options(selectinload(VoiceLine.teams))
    row = db.session.scalar(query)
    if row is None:
        raise Rejected(Text("There is no such line", "Такой линии нет"), "voice-line-unknown")
    if not may_consult(row, _teams_of(user_id)):
        words = Text("Your team may not consult this line", "Ваша группа не может обращаться на эту линию")
        raise Rejected(words, "line-not-yours")
    return Target(Text(row.title_en, row.title_ru), row.number, row.service_id)


def save_line(key: str, *, service: str = "", teams: Iterable[str] = (), new: bool = False, **values: Any) -> VoiceLine:
    """Add a line or change one: ``title_en``, ``title_ru``, ``product``, ``number``, ``note``, ``active``, ``position``.

    Raises ``Invalid`` by field and ``Rejected`` (``exists``).
    """
    key = key.strip().lower()
    clean = _checked(key, values)
    with transaction():
        row = db.session.scalar(select(VoiceLine).where(VoiceLine.key == key).options(selectinload(VoiceLine.teams)))
        if row is not None and new:
            raise Invalid({"key": Text("A line with this key exists", "Линия с таким ключом уже есть")}, "exists")
        before = _plain(row) if row is not None else {}
        if row is None:
            row = VoiceLine(key=key)
            db.session.add(row)
        for name, value in clean.items():
            setattr(row, name, value)
        row.service_id = _service_id(service)
        row.teams = _teams(teams)
        db.session.flush()
        audit.record("voice.line", "voice_line", key, before, _plain(row))
        return row


def _checked(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    clean = {
        name: value.strip() if isinstance(value, str) else value for name, value in values.items() if name in FIELDS
    }
    wrong: dict[str, Text] = {}
    if not NAME.fullmatch(key):
        wrong["key"] = Text("Lower-case Latin letters, digits, - and _", "Строчные латинские буквы, цифры, - и _")
    for name, most in (("title_en", 120), ("title_ru", 120), ("product", 160)):
        if not 1 <= len(clean.get(name, "")) <= most:
            wrong[name] = Text(f"1 to {most} characters", f"От 1 до {most} знаков")
    clean["number"] = (
        re.sub(r"[\s().\-]", "", clean.get("number", "")) if "sip:" not in clean.get("number", "") else clean["number"]
    )
    if not NUMBER.fullmatch(clean["number"]):
        wrong["number"] = Text(
            "Like +7 495 123-45-67, an internal number, or sip:name@host",
            "Как +7 495 123-45-67, внутренний номер или sip:имя@узел",
        )
    if wrong:
        raise Invalid(wrong, "voice-line")
    return clean


def _service_id(key: str) -> int | None:
    if not key:
        return None
    found = db.session.scalar(select(Service.id).where(Service.key == key))
    if found is None:
        raise Invalid({"service": Text(f"There is no service '{key}'", f"Нет сервиса «{key}»")}, "voice-line")
    return found


def _teams(keys: Iterable[str]) -> list[Team]:
    wanted = sorted(set(filter(None, keys)))
    found = list(db.session.scalars(select(Team).where(Team.key.in_(wanted)).order_by(Team.id))) if wanted else []
    if len(found) != len(wanted):
        gone = ", ".join(sorted(set(wanted) - {team.key for team in found}))
        raise Invalid({"teams": Text(f"There is no team '{gone}'", f"Нет группы «{gone}»")}, "voice-line")
    return found


def _plain(row: VoiceLine) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in FIELDS},
        "service": row.service_id,
        "teams": [team.key for team in row.teams],
    }


def remove_line(key: str) -> None:
    """Take a line out of the directory. Raises ``not-found``."""
    with transaction():
        row = get_line(key)
        audit.record("voice.line.remove", "voice_line", key, _plain(row), {})
        db.session.delete(row)
