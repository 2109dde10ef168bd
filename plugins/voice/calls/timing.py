"""What time alone does to calls: nobody answers, nobody presses a key, a place in the queue is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.clock import now
from core.db import db, transaction
from core.house import okno
from core.model import Interaction, Service
from plugins.voice.calls import book, dialling, ending, menus, resending, waiting
from plugins.voice.messages.rules import takes_message
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.registration import callbacks
from plugins.voice.voicemail import forwarding


def run_due() -> None:
    """All of it; a job of the worker."""
    menus.expire_due()
    end_unanswered()
    take_messages_due()
    waiting.announce_due()
    callbacks.come_due()
    callbacks.end_lost()
    resending.send_lost()


def end_unanswered() -> int:
    """Colleagues who ring too long: their forwarding, else the end of the ringing. Offers expire by routing."""
    most = float(okno().config.get("voice.ring_seconds"))
    query = (
        select(VoiceLeg.id, VoiceLeg.call_id, VoiceLeg.user_id, VoiceLeg.began_at)
        .join(VoiceCall, VoiceCall.id == VoiceLeg.call_id)
        .outerjoin(Interaction, Interaction.id == VoiceCall.interaction_id)
        .where(VoiceCall.ended_at.is_(None), VoiceLeg.left_at.is_(None), VoiceLeg.state == "ringing")
        .where(VoiceLeg.user_id.is_not(None), (Interaction.id.is_(None)) | (Interaction.state != "offered"))
    )
    rows = db.session.execute(query).all()
    db.session.rollback()
    due = 0
    for row in rows:
        forwards = forwarding.forwards_of(row.user_id)
        seconds = forwards["no_answer"].seconds if "no_answer" in forwards else most
        db.session.rollback()
        if row.began_at + timedelta(seconds=seconds) <= now():
            due += 1
            _not_answered(row.call_id, row.id, row.user_id)
    return due


def _not_answered(call_id: int, leg_id: int, user_id: int) -> None:
    with transaction():
        call = book.lock(call_id)
        leg = db.session.get(VoiceLeg, leg_id, populate_existing=True)
        if call is None or leg is None or leg.state != "ringing":
            return
        course = forwarding.course_of(user_id, "no_answer")
        if dialling.divert(call, user_id, course):
            book.leave(call, leg, "no_answer")
        else:
            ending.drop(call, leg, "no_answer")


def take_messages_due() -> int:
    """Callers who have waited as long as their service's rule says, or whose service is closed, may leave a message instead."""
    query = (
        select(VoiceCall.id, VoiceCall.service_id, VoiceCall.started_at, Service.calendar_key)
        .outerjoin(Service, Service.id == VoiceCall.service_id)
        .where(VoiceCall.ended_at.is_(None), VoiceCall.state == "queued", VoiceCall.direction == "in")
    )
    rows = db.session.execute(query).all()
    db.session.rollback()
    due = []
    for row in rows:
        waited = (now() - row.started_at).total_seconds()
        if takes_message(row.service_id, row.calendar_key or "", waited, now()):
            due.append(row.id)
    db.session.rollback()
    for call_id in due:
        with transaction():
            call = book.lock(call_id)
            if call is not None and call.state == "queued":
                leave_queue(call)
                menus.take_message(call)
    return len(due)


def leave_queue(call: VoiceCall) -> None:
    """The interaction is closed unanswered while the caller stays on the line. Needs an open transaction."""
    from core import assignment

    interaction_id, call.interaction_id = call.interaction_id, None
    call.state = "menu"
    for leg in book.legs_of(call):
        if leg.user_id is not None:
            book.leave(call, leg, "cancelled")
    db.session.flush()
    if interaction_id is not None:
        assignment.abandon(interaction_id)
