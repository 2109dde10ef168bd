"""Rows and the voice process brought together again: after its restart, after a gap in its events, and now and then to be sure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select

from core.clock import now
from core.db import db, transaction
from plugins.voice import switchboard
from plugins.voice.calls import book, driver_events, ending, phones
from plugins.voice.models.calls import VoiceCall, VoiceLeg, VoicePhone
from plugins.voice.recordings import library

log = structlog.get_logger("okno.voice")
YOUNG_SECONDS = 10


def begin_run(process: str) -> int:
    """Another run of the voice process answers: what the one before carried is lost. Gives how many calls ended."""
    with transaction():
        driver_events.set_cursor(process, 0)
        phones.forget_all(process)
    return end_calls_of_others(process)


def end_calls_of_others(process: str) -> int:
    """End the open calls that this run does not carry, cleanly: cases keep what was recorded, agents go to wrap-up.

    Without a run that answers, nobody knows yet whether the one before still writes.
    """
    query = select(VoiceCall.id).where(VoiceCall.ended_at.is_(None), VoiceCall.process != process)
    ids = list(db.session.scalars(query.order_by(VoiceCall.id)))
    db.session.rollback()
    ended = 0
    for call_id in ids:
        with transaction():
            call = book.lock(call_id)
            if call is not None:
                ending.end(call, "lost")
                if process:
                    library.left_behind(call.id)
                ended += 1
    if ended:
        log.warning("calls were lost with their voice process", calls=ended)
    return ended


def reconcile(process: str, snapshot: Mapping[str, Any]) -> int:
    """Compare what the process has with what the rows say, and mend both; gives how many legs were gone."""
    alive = {view["id"] for view in snapshot["legs"] if view["state"] != "ended"}
    young = now() - timedelta(seconds=YOUNG_SECONDS)
    gone = 0
    for media in _telephones(process, young) - alive:
        with transaction():
            phones.lost(media)
            gone += 1
    for media in _legs(process, young) - alive:
        with transaction():
            if (found := driver_events.call_of(media)) is not None:
                ending.drop(*found, "lost")
                gone += 1
    for call_id in _open_calls(process):
        with transaction():
            if (call := book.lock(call_id)) is not None:
                book.changed(call)
    return gone


def _telephones(process: str, before: Any) -> set[str]:
    query = select(VoicePhone.media).where(
        VoicePhone.media.is_not(None), VoicePhone.process == process, VoicePhone.since < before
    )
    return {media for media in db.session.scalars(query) if media}


def _legs(process: str, before: Any) -> set[str]:
    query = (
        select(VoiceLeg.media)
        .join(VoiceCall, VoiceCall.id == VoiceLeg.call_id)
        .where(VoiceCall.ended_at.is_(None), VoiceCall.process == process)
        .where(VoiceLeg.left_at.is_(None), VoiceLeg.user_id.is_(None), VoiceLeg.began_at < before)
    )
    return {media for media in db.session.scalars(query) if media}


def _open_calls(process: str) -> list[int]:
    query = select(VoiceCall.id).where(VoiceCall.ended_at.is_(None), VoiceCall.process == process)
    ids = list(db.session.scalars(query.order_by(VoiceCall.id)))
    db.session.rollback()
    return ids


def strays(snapshot: Mapping[str, Any]) -> set[str]:
    """Legs of the process that no row knows. One seen twice is stuck: see :func:`end_strays`."""
    alive = {view["id"] for view in snapshot["legs"] if view["state"] != "ended"}
    known = set(db.session.scalars(select(VoiceLeg.media).where(VoiceLeg.left_at.is_(None), VoiceLeg.media != "")))
    known |= {media for media in db.session.scalars(select(VoicePhone.media)) if media}
    db.session.rollback()
    return alive - known


def end_strays(legs: set[str]) -> None:
    """Hang up legs that nobody knows."""
    for media in sorted(legs):
        log.warning("a leg that nobody knows is ended", leg=media)
        try:
            switchboard.ask("hangup", {"leg": media, "cause": "lost"})
        except (switchboard.Away, switchboard.Refused) as error:
            log.info("a leg could not be ended", leg=media, why=str(error))
