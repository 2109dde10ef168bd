"""Whom a ping can reach (адресаты пингов): their kind, team, fields to fill in and time to answer. The only code that changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.directory import get_team, missing
from core.model import Ping, PingTarget
from core.pings import KINDS
from core.schemas import Invalid, PingFieldForm, PingTargetForm, checked

PLAIN = ("key", "kind", "title_en", "title_ru", "fields", "target_seconds", "active")


def list_targets() -> list[PingTarget]:
    """All targets, those switched off too, in the order they were set up."""
    return list(db.session.scalars(select(PingTarget).options(joinedload(PingTarget.team)).order_by(PingTarget.id)))


def get_target(key: str) -> PingTarget:
    """The target of that key; raises ``Rejected`` (``not-found``)."""
    target: PingTarget | None = db.session.scalar(select(PingTarget).where(PingTarget.key == key))
    if target is None:
        raise missing("ping target", "адресат пингов", key)
    return target


def add_target(key: str, title_en: str, title_ru: str, *, team: str = "", **fields: Any) -> PingTarget:
    """A new target; ``fields`` are kind, fields, target_seconds, active.

    ``fields["fields"]`` is a list of ``{"key", "title_en", "title_ru", "required"}``. Everyone but a supervisor needs a team.
    """
    values = _values({"key": key, "title_en": title_en, "title_ru": title_ru, **fields}, partial=False)
    with transaction():
        if db.session.scalar(select(PingTarget.id).where(PingTarget.key == values["key"])) is not None:
            taken = Text("A target with this key exists.", "Адресат с таким ключом уже есть.")
            raise Invalid({"key": taken}, "exists")
        target = PingTarget(**values, team=_team(team, values["kind"]))
        db.session.add(target)
        db.session.flush()
        audit.record("ping_target.add", "ping_target", target.key, after={**values, "team": team})
    return target


def update_target(target_id: int, *, team: str | None = None, **fields: Any) -> PingTarget:
    """Change what is given; ``team`` "" takes the team away."""
    values = _values({name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        target = _target(target_id)
        own = target.team.key if target.team else ""
        before = {**{name: getattr(target, name) for name in values}, "team": own}
        wanted = own if team is None else team
        target.team = _team(wanted, values.get("kind", target.kind))
        for name, value in values.items():
            setattr(target, name, value)
        audit.record("ping_target.change", "ping_target", target.key, before, {**values, "team": wanted})
    return target


def remove_target(target_id: int) -> None:
    """Remove a target nobody has ever asked; others can be switched off (``in-use``)."""
    with transaction():
        target = _target(target_id)
        if db.session.scalar(select(Ping.id).where(Ping.target_id == target_id).limit(1)) is not None:
            text = Text(
                "It has been asked: switch it off instead.", "Ему уже задавали вопросы: его можно только выключить."
            )
            raise Rejected(text, "in-use")
        audit.record("ping_target.remove", "ping_target", target.key, before={"title_en": target.title_en})
        db.session.delete(target)


def _target(target_id: int) -> PingTarget:
    target = db.session.get(PingTarget, target_id)
    if target is None:
        raise missing("ping target", "адресат пингов", target_id)
    return target


def _team(key: str, kind: str) -> Any:
    if key:
        return get_team(key)
    if kind != "supervisor":
        text = Text(
            f"{KINDS[kind].en} needs a team that answers.", f"Для «{KINDS[kind].ru}» нужна группа, которая отвечает."
        )
        raise Invalid({"team": text}, "team-needed")
    return None


def _values(given: Mapping[str, Any], *, partial: bool) -> dict[str, Any]:
    plain = dict(given)
    asked = plain.pop("fields", None)
    values = checked(PingTargetForm, plain, partial=partial)
    if asked is not None or not partial:
        values["fields"] = _fields(asked or [])
    return values


def _fields(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(given, 1):
        try:
            values = checked(PingFieldForm, item)
        except Invalid as invalid:
            text = next(iter(invalid.errors.values()))
            raise Invalid({"fields": Text(f"Field {number}: {text.en}", f"Поле {number}: {text.ru}")}) from None
        if values["key"] in found:
            twice = Text(f"The field «{values['key']}» is there twice.", f"Поле «{values['key']}» указано дважды.")
            raise Invalid({"fields": twice})
        found[values["key"]] = values
    return list(found.values())
