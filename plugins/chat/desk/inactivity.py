"""Silent visitors: a warning after the service's time, then the end of the chat; both sides read both.

Times count from the agent's last message. A visitor who writes starts everything anew; so does an agent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from sqlalchemy import case, func, select

from core import assignment, casework, timeline
from core.clock import now
from core.contracts import Text
from core.db import db, transaction
from core.house import okno
from core.model import Interaction, Message
from plugins.chat import telling
from plugins.chat.desk import rules
from plugins.chat.models import Reading

SECONDS = 5.0
BATCH = 500


@dataclass(frozen=True, slots=True)
class Silence:
    """A conversation in which the agent spoke last: the agent's message and when it was, the warning that followed it."""

    interaction_id: int
    service_id: int
    message_id: int
    since: datetime
    warned_at: datetime | None


def run_due() -> int:
    """Warn and close where it is time; returns how many were."""
    ruled = {key: rule for key, rule in rules.all_rules().items() if rule.warn_seconds is not None}
    found = silences(list(ruled)) if ruled else []
    db.session.rollback()
    return sum(_due(silence, ruled[silence.service_id]) for silence in found)


def silences(service_ids: Sequence[int], interaction_id: int | None = None) -> list[Silence]:
    """The silent conversations of services, or that one of them."""
    spoken = case((~Message.automatic & Message.author.in_(("agent", "contact")), Message.id))
    last = (
        select(Message.interaction_id, func.max(spoken).label("message_id"))
        .join(Interaction, Interaction.id == Message.interaction_id)
        .where(
            Interaction.state == "active",
            Interaction.service_id.in_(service_ids),
            Interaction.channel.in_(talking_channels()),
        )
        .group_by(Message.interaction_id)
        .limit(BATCH)
    )
    if interaction_id is not None:
        last = last.where(Interaction.id == interaction_id)
    newest = last.subquery()
    query = (
        select(Message.interaction_id, Interaction.service_id, Message.id, Message.at, Reading)
        .join(newest, newest.c.message_id == Message.id)
        .join(Interaction, Interaction.id == Message.interaction_id)
        .outerjoin(Reading, Reading.interaction_id == Message.interaction_id)
        .where(Message.author == "agent")
    )
    return [
        Silence(row.interaction_id, row.service_id, row.id, row.at, _warned(row.Reading, row.id))
        for row in db.session.execute(query)
    ]


def _warned(reading: Reading | None, message_id: int) -> datetime | None:
    """When the silence after ``message_id`` was warned of."""
    fresh = reading is not None and (reading.warned_message_id or 0) > message_id
    return reading.warned_at if fresh and reading is not None else None


def talking_channels() -> list[str]:
    """Live channels in writing: visitors of any messenger fall silent alike."""
    return [
        name
        for name, channel in okno().channels.items()
        if channel.capabilities.live and not channel.capabilities.media
    ]


def _due(silence: Silence, rule: rules.Rule) -> bool:
    moment = now()
    if silence.warned_at is None:
        return moment >= silence.since + timedelta(seconds=rule.warn_seconds or 0) and _warn(silence, rule)
    closes = rule.close_seconds is not None
    return closes and moment >= silence.warned_at + timedelta(seconds=rule.close_seconds or 0) and _close(silence, rule)


def _held(silence: Silence) -> Interaction | None:
    """The interaction, locked, if all is still as it was read."""
    held: Interaction | None = db.session.scalar(
        select(Interaction)
        .where(Interaction.id == silence.interaction_id, Interaction.state == "active")
        .with_for_update(of=Interaction)
        .execution_options(populate_existing=True)
    )
    if held is None or silences([silence.service_id], held.id) != [silence]:
        return None
    return held


def _post(interaction: Interaction, words: Text, key: str) -> Message:
    text = words.to(interaction.case.language or interaction.service.language)
    html = escape(text)
    return casework.post(interaction, key, author="system", html=html, text=text, automatic=True)


def _warn(silence: Silence, rule: rules.Rule) -> bool:
    with transaction():
        interaction = _held(silence)
        if interaction is None:
            return False
        message = _post(interaction, rule.warning, f"chat-silent:{interaction.id}:{silence.message_id}")
        reading = db.session.get(Reading, interaction.id, populate_existing=True)
        if reading is None:
            reading = Reading(interaction_id=interaction.id)
            db.session.add(reading)
        reading.warned_message_id, reading.warned_at = message.id, now()
        ends = now() + timedelta(seconds=rule.close_seconds) if rule.close_seconds is not None else None
        telling.tell(interaction.address, "chat.inactive", state="warned", closes_at=ends.isoformat() if ends else None)
        telling.tell_agent(interaction, "chat.inactive", state="warned")
        return True


def _close(silence: Silence, rule: rules.Rule) -> bool:
    with transaction():
        interaction = _held(silence)
        if interaction is None or interaction.agent_id is None:
            return False
        _post(interaction, rule.closing, f"chat-closed:{interaction.id}:{silence.message_id}")
        telling.tell(interaction.address, "chat.inactive", state="closed", closes_at=None)
        assignment.finish(interaction.id, interaction.agent_id)
        timeline.write(
            interaction.case_id,
            "chat.inactive",
            interaction_id=interaction.id,
            title_en="The chat ended because the visitor was silent",
            title_ru="Чат завершён: посетитель молчал",
        )
        telling.tell_state(interaction.id)
        return True
