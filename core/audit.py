"""Who changed what: one row for every administrative change, written in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from flask import g
from sqlalchemy import select

from core.db import db
from core.model import Audit

SYSTEM = "system"


def set_actor(actor: str, ip: str = "") -> None:
    """Name the person or program behind the changes of this application context: a login, ``cli:<name>``."""
    g.okno_actor = actor
    g.okno_actor_ip = ip


@contextmanager
def acting_as(actor: str, ip: str = "") -> Iterator[None]:
    """:func:`set_actor` for a block."""
    before = g.get("okno_actor", SYSTEM), g.get("okno_actor_ip", "")
    set_actor(actor, ip)
    try:
        yield
    finally:
        set_actor(*before)


def record(
    action: str,
    object_type: str,
    object_id: object,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> bool:
    """Write down a change; keeps only the fields that differ. Call it inside the transaction of the change.

    Returns False, having written nothing, when both sides are given and equal.
    """
    was, became = _plain(before or {}), _plain(after or {})
    if was and became:
        changed = [key for key in {**was, **became} if was.get(key) != became.get(key)]
        if not changed:
            return False
        was, became = {k: was.get(k) for k in changed}, {k: became.get(k) for k in changed}
    db.session.add(
        Audit(
            actor=g.get("okno_actor", SYSTEM)[:80],
            ip=g.get("okno_actor_ip", ""),
            action=action,
            object_type=object_type,
            object_id=str(object_id)[:80],
            before=was,
            after=became,
        )
    )
    return True


def entries(
    *, object_type: str = "", object_id: str = "", actor: str = "", before_id: int | None = None, limit: int = 50
) -> list[Audit]:
    """The log, newest first, narrowed by object and actor; ``before_id`` pages on."""
    query = select(Audit).order_by(Audit.id.desc()).limit(limit)
    if object_type:
        query = query.where(Audit.object_type == object_type)
    if object_id:
        query = query.where(Audit.object_id == object_id)
    if actor:
        query = query.where(Audit.actor == actor)
    if before_id is not None:
        query = query.where(Audit.id < before_id)
    return list(db.session.scalars(query))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _json_value(value) for key, value in values.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple | set | frozenset):
        return sorted(value)
    return value
