"""Calls in the queue: what callers hear while they wait, where they stand, what they may choose instead of waiting."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, text

from core.clock import now
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Interaction
from plugins.voice.calls import book, saying
from plugins.voice.messages.operations import sound_of, sound_of_text
from plugins.voice.messages.rules import rule_of
from plugins.voice.models.calls import VoiceCall

CHANNEL = "voice"
RECENT_SECONDS = 1800
LEAST = 3
MOST = 500


def begin(call: VoiceCall, *, again: bool = False) -> None:
    """The call waits from now on: music, and a welcome for who is new. Needs an open transaction."""
    rule = rule_of(call.service_id)
    call.state = "queued"
    kept = {name: value for name, value in call.course.items() if name in ("visitor", "answer", "path", "unreachable")}
    offers = rule.callback and "unreachable" not in kept
    course: dict[str, Any] = {**kept, "since": now().isoformat(), "callback": offers}
    if music := sound_of(rule.music_id):
        course["music"] = music
    call.course = course
    db.session.flush()
    book.changed(call)
    if not again:
        saying.say(call, "welcome", sound_of(rule.welcome_id))


# --- where they stand --------------------------------------------------------------------------------


def standing(call: VoiceCall) -> tuple[int, int | None]:
    """The place in the queue from 1 (0: not in it) and the expected wait in seconds, None when nothing is known."""
    return standing_of(call.interaction_id) if call.interaction_id else (0, None)


def standing_of(interaction_id: int) -> tuple[int, int | None]:
    """The same of an interaction, whether its caller is on the line or is to be called back."""
    interaction = db.session.get(Interaction, interaction_id)
    if interaction is None or interaction.state not in ("queued", "offered"):
        return 0, None
    if interaction.state == "offered":
        return 1, wait_seconds(1, seconds_between(interaction.service_id))
    earlier = or_(
        Interaction.priority > interaction.priority,
        and_(Interaction.priority == interaction.priority, Interaction.queued_at < interaction.queued_at),
        and_(
            Interaction.priority == interaction.priority,
            Interaction.queued_at == interaction.queued_at,
            Interaction.id < interaction.id,
        ),
    )
    ahead = select(func.count()).where(
        text("interaction.state = 'queued'"),
        Interaction.service_id == interaction.service_id,
        Interaction.line == interaction.line,
        Interaction.channel == CHANNEL,
        earlier,
    )
    place = 1 + (db.session.scalar(ahead) or 0)
    return place, wait_seconds(place, seconds_between(interaction.service_id))


def places(interaction_ids: Collection[int]) -> dict[int, int]:
    """The places of these interactions among all calls and callbacks that wait where they do; one statement."""
    if not interaction_ids:
        return {}
    queue = (Interaction.service_id, Interaction.line)
    order = (Interaction.priority.desc(), Interaction.queued_at, Interaction.id)
    here = select(Interaction.service_id).where(Interaction.id.in_(interaction_ids))
    numbered = (
        select(Interaction.id, func.row_number().over(partition_by=queue, order_by=order).label("place"))
        .where(text("interaction.state = 'queued'"), Interaction.channel == CHANNEL, Interaction.service_id.in_(here))
        .subquery()
    )
    query = select(numbered.c.id, numbered.c.place).where(numbered.c.id.in_(interaction_ids))
    return {row.id: row.place for row in db.session.execute(query)}


def seconds_between(service_id: int) -> float | None:
    """How often an agent of the service has answered a call of late, in seconds; None when too few were answered."""
    return paces([service_id]).get(service_id)


def paces(service_ids: Collection[int]) -> dict[int, float]:
    """:func:`seconds_between` of several services, of those it is known of; one statement."""
    moment = now()
    answered = (
        select(Interaction.service_id, func.count(), func.min(Interaction.accepted_at))
        .where(
            Interaction.service_id.in_(service_ids),
            Interaction.accepted_at.is_not(None),
            Interaction.accepted_at > moment - timedelta(seconds=RECENT_SECONDS),
            Interaction.channel == CHANNEL,
        )
        .group_by(Interaction.service_id)
    )
    return {
        service_id: float(max((moment - first).total_seconds() / count, 1.0))
        for service_id, count, first in db.session.execute(answered)
        if count >= LEAST
    }


def wait_seconds(place: int, pace: float | None) -> int | None:
    """The expected wait at a ``place`` with an answer every ``pace`` seconds, rounded as people say it; None: not known."""
    if pace is None or place < 1:
        return None
    seconds = place * pace
    step = 15 if seconds < 120 else 60
    return int(-(-seconds // step) * step)


# --- announcements -----------------------------------------------------------------------------------


def announce_due() -> int:
    """Tell callers who wait where they stand, every ``voice.announce_seconds``, and web pages whenever it changes; a job."""
    waiting = _waiting()
    db.session.rollback()
    told = 0
    for call_id, place, wait in waiting:
        told += _announce(call_id, place, wait)
    return told


def _waiting() -> list[tuple[int, int, int | None]]:
    """Calls in the queue with their places and expected waits; three statements."""
    query = (
        select(VoiceCall.id, Interaction.id.label("interaction_id"), Interaction.service_id)
        .join(Interaction, Interaction.id == VoiceCall.interaction_id)
        .where(text("interaction.state = 'queued'"), VoiceCall.ended_at.is_(None), VoiceCall.state == "queued")
        .order_by(Interaction.priority.desc(), Interaction.queued_at, Interaction.id)
        .limit(MOST)
    )
    rows = db.session.execute(query).all()
    place = places([row.interaction_id for row in rows])
    pace = paces({row.service_id for row in rows}) if rows else {}
    return [
        (row.id, place[row.interaction_id], wait_seconds(place[row.interaction_id], pace.get(row.service_id)))
        for row in rows
        if row.interaction_id in place
    ]


def _announce(call_id: int, place: int, wait: int | None) -> bool:
    every = int(okno().config.get("voice.announce_seconds"))
    seen = db.session.scalar(select(VoiceCall.course).where(VoiceCall.id == call_id)) or {}
    db.session.rollback()
    changed = seen.get("told") != [place, wait] and bool(seen.get("visitor"))
    due = bool(every) and _seconds_since(seen.get("announced") or seen.get("since")) >= every
    if not changed and not due:
        return False
    language = _language_of(call_id) if due else ""
    sound = sound_of_text(words(place, wait, language, bool(seen.get("callback"))), language) if due else ""
    with transaction():
        call = book.lock(call_id)
        if call is None or call.state != "queued":
            return False
        course = {**call.course, "told": [place, wait]}
        if due:
            course["announced"] = now().isoformat()
        number = course["announcements"] = int(course.get("announcements", 0)) + bool(sound)
        call.course = course
        db.session.flush()
        if not saying.say(call, f"place{number}", sound) and changed:
            _tell_page(call, place, wait)
    return True


def _tell_page(call: VoiceCall, place: int, wait: int | None) -> None:
    from plugins.voice.calls import picture

    shown = {**picture.of_visitor(call), "position": place, "wait_seconds": wait}
    events.publish(f"session:voice-{call.key}", "voice.visitor", shown)


def _seconds_since(moment: str | None) -> float:
    return (now() - datetime.fromisoformat(moment)).total_seconds() if moment else 0.0


def _language_of(call_id: int) -> str:
    call = db.session.get(VoiceCall, call_id)
    language = call.service.language if call is not None and call.service is not None else ""
    db.session.rollback()
    return "en" if language == "en" else "ru"


def words(place: int, wait: int | None, language: str, callback: bool) -> str:
    """What is said to who waits: the place, the expected wait, that they may be called back instead."""
    minutes = -(-wait // 60) if wait else 0
    if language == "en":
        said = [f"You are number {place} in the queue."]
        if minutes:
            said.append(f"The expected wait is {minutes} minute{'s' if minutes != 1 else ''}.")
        if callback:
            said.append("Press 1 if we shall call you back; you keep your place.")
        return " ".join(said)
    said = [f"Вы в очереди, ваш номер {place}."]
    if minutes:
        said.append(f"Примерное время ожидания в минутах: {minutes}.")
    if callback:
        said.append("Нажмите 1, и мы перезвоним вам, когда подойдёт ваша очередь.")
    return " ".join(said)
