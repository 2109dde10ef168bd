"""From what happened in a transaction to the events that webhooks tell, in the shapes of the REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from marshmallow import Schema

from core import webhooks
from core.contracts import PublishedEvent
from core.db import current_work, db, in_transaction
from core.model import Interaction, Ping, User

STATES = {"queued": "interaction.queued", "active": "interaction.assigned", "closed": "interaction.closed"}
STRONGER = ("updated", "closed", "created")


def _notes() -> dict[str, dict[int, Any]]:
    found: dict[str, dict[int, Any]] = current_work().notes.setdefault("webhooks", {"case": {}, "message": {}})
    return found


def note_case(case_id: int, kind: str, changes: list[str]) -> None:
    """A case was ``created``, ``closed`` or ``updated``; of several in one transaction the strongest is told."""
    if not in_transaction():
        return
    before, names = _notes()["case"].get(case_id, ("updated", set()))
    stronger = kind if STRONGER.index(kind) >= STRONGER.index(before) else before
    _notes()["case"][case_id] = (stronger, names | set(changes))


def note_message(message_id: int, kind: str) -> None:
    """A message was ``received`` or ``sent``."""
    if in_transaction():
        _notes()["message"][message_id] = kind


def tell_all(events: Sequence[PublishedEvent]) -> None:
    """Write the transaction's events for whoever subscribed; one query when nobody did."""
    noted = current_work().notes.pop("webhooks", {"case": {}, "message": {}})
    subscribed = webhooks.subscriptions()
    if not subscribed:
        return

    def to(event: str) -> list[int]:
        return [webhook_id for webhook_id, names in subscribed if webhooks.wants(names, event)]

    db.session.flush()
    for case_id, (kind, names) in noted["case"].items():
        if told := to(f"case.{kind}"):
            webhooks.tell(f"case.{kind}", {"case": _case(case_id), "changes": sorted(names)}, told)
    for message_id, kind in noted["message"].items():
        if told := to(f"message.{kind}"):
            webhooks.tell(f"message.{kind}", {"message": _message(message_id)}, told, f"message_{message_id}_{kind}")
    for event in events:
        if teller := TELLERS.get(event.type):
            teller(event, to)


To = Callable[[str], list[int]]


def _interaction(event: PublishedEvent, to: To) -> None:
    from core.api.shapes import InteractionShape

    interaction_id = event.payload.get("interaction_id")
    row = db.session.get(Interaction, interaction_id, populate_existing=True) if interaction_id else None
    name = STATES.get(row.state, "") if row is not None else ""
    if row is None or not (told := to(name)):
        return
    # Several events speak of one step; the row's version counts the steps.
    key = f"interaction_{row.id}_{row.state}_{row.version}"
    webhooks.tell(name, {"interaction": _dumped(InteractionShape, row)}, told, key)


def _presence(event: PublishedEvent, to: To) -> None:
    if told := to("agent.state_changed"):
        user = db.session.get(User, event.payload["user_id"])
        facts = {name: event.payload.get(name) for name in ("state", "reason", "since")}
        person = {"id": user.id, "login": user.login, "name": user.name} if user else None
        webhooks.tell("agent.state_changed", {"agent": person, **facts}, told)


def _ping(event: PublishedEvent, to: To) -> None:
    from core.api.shapes import PingShape

    if told := to(f"ping.{event.payload['state']}"):
        ping = db.session.get(Ping, event.payload["ping_id"])
        webhooks.tell(f"ping.{event.payload['state']}", {"ping": _dumped(PingShape, ping)}, told)


TELLERS: dict[str, Callable[[PublishedEvent, To], None]] = {
    "interaction.changed": _interaction,
    "queue.changed": _interaction,
    "presence.changed": _presence,
    "ping.changed": _ping,
}


def _dumped(shape: type[Schema], row: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = shape().dump(row)
    return dumped


def _case(case_id: int) -> dict[str, Any]:
    from core.api.lookups import case_query
    from core.api.shapes import CaseShape
    from core.model import Case

    return _dumped(CaseShape, db.session.scalars(case_query().where(Case.id == case_id)).one())


def _message(message_id: int) -> dict[str, Any]:
    from core.api.lookups import message_query
    from core.api.shapes import MessageShape
    from core.model import Message

    return _dumped(MessageShape, db.session.scalars(message_query().where(Message.id == message_id)).one())
