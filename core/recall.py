"""Calling an answer back (отмена отправки) while it still waits in the outbox."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core import case_drafts, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Message, OutboxRow


def hold_back(message_id: int, seconds: int) -> None:
    """Let the answer wait before it leaves, in the open transaction; channels that answer at once have nothing to wait."""
    mine = update(OutboxRow).where(OutboxRow.message_id == message_id, OutboxRow.state == "pending")
    db.session.execute(mine.values(due_at=now() + timedelta(seconds=seconds)))


def recall(message_id: int, user_id: int) -> None:
    """Call an answer back before it left the house; its text becomes the draft again. Raises ``Rejected`` when it is too late."""
    with transaction():
        message = db.session.get(Message, message_id)
        waiting = update(OutboxRow).where(
            OutboxRow.message_id == message_id,
            OutboxRow.state == "pending",
            OutboxRow.attempts == 0,
            OutboxRow.due_at > now(),
        )
        if (
            message is None
            or message.user_id != user_id
            or db.session.execute(waiting.values(state="recalled")).rowcount == 0  # type: ignore[attr-defined]
        ):
            raise Rejected(Text("It has left already", "Письмо уже ушло"), "too-late")
        message.delivery = "recalled"
        to = str(message.data.get("to") or "")
        facts = {
            "to": to,
            "subject": message.subject,
            **{f: ", ".join(message.data.get(f"send_{f}", ())) for f in ("cc", "bcc")},
        }
        files = [
            {"sha256": one.sha256, "name": one.name, "type": one.content_type, "size": one.file.size}
            for one in message.attachments
        ]
        case_drafts.save(user_id, message.case_id, "reply", message.body_html, facts, files)
        timeline.write(message.case_id, "message.recalled", actor_id=user_id, message=message_id)
        events.publish("desk", "case.changed", {"case_id": message.case_id, "changes": ["message"]})


def may_recall(message_id: int) -> bool:
    """Whether the message still waits to leave."""
    waiting = select(OutboxRow.id).where(OutboxRow.message_id == message_id, OutboxRow.state == "pending")
    return db.session.scalar(waiting.limit(1)) is not None
