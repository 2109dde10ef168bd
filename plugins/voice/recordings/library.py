"""Recordings of calls kept: what the course of a call tells about them, encoding, listening, retention. The only code that changes them.

The voice process writes a WAV; the worker makes Ogg/Opus of it with the loudness for the waveform, and forgets it after the days
of the service's rule.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from core import audit, casework, storage, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Case
from plugins.voice.messages.rules import rule_of
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.recordings import CallRecording
from plugins.voice.models.registration import CallLink
from plugins.voice.sounds import blobs
from plugins.voice.sounds.sound_files import encode_opus
from plugins.voice.voicemail.messages_left import length_of

PERMISSION = "voice.recordings"
AT_ONCE = 10
LOST_HOURS = 12
FAILED_KEPT = timedelta(days=30)
UNKNOWN = Text("There is no such recording", "Такой записи нет")
log = structlog.get_logger("okno.voice.recordings")


def path_for(key: str) -> Path:
    """Where the voice process writes the recording of that key; its folder is made."""
    folder = Path(current_app.config["OKNO_HOME"]) / "voice" / "recordings"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{key}.wav"


# --- what happens in a call --------------------------------------------------------------------------


def begin(call: VoiceCall, key: str, user_id: int | None) -> CallRecording:
    """A recording of a call begins, in the open transaction or one of its own; the same ``key`` again changes nothing."""
    with transaction():
        same: CallRecording | None = db.session.scalar(select(CallRecording).where(CallRecording.key == key))
        if same is not None:
            return same
        row = CallRecording(key=key, call_id=call.id, case_id=call.case_id, service_id=call.service_id, user_id=user_id)
        row.path, row.started_at = str(path_for(key)), now()
        db.session.add(row)
        db.session.flush()
        return row


def pause(key: str, on: bool) -> bool:
    """Card data are told, or no more; whether that changed anything."""
    with transaction():
        row = _open(key)
        if row is None or (row.paused_at is not None) == on:
            return False
        at = now()
        if row.paused_at is not None:
            row.pauses = [*row.pauses, [_place(row, row.paused_at), _place(row, at)]]
        row.paused_at = at if on else None
        _note(row, "voice.recording.paused" if on else "voice.recording.resumed")
        return True


def _place(row: CallRecording, at: datetime) -> float:
    return round(max(0.0, (at - row.started_at).total_seconds()), 1)


def done(key: str, path: str, seconds: float) -> bool:
    """The voice process has completed the file; whether the recording was known and open."""
    with transaction():
        row = _open(key)
        if row is None:
            return False
        if row.paused_at is not None:
            row.pauses = [*row.pauses, [_place(row, row.paused_at), round(seconds, 1)]]
        row.state, row.path, row.seconds, row.paused_at = "raw", path or row.path, seconds, None
        return True


def failed(key: str, why: str) -> bool:
    """Recording has ended by itself (a full disk); what was written by then is kept when it can be read."""
    with transaction():
        row = _open(key)
        if row is None:
            return False
        row.failure, row.paused_at = why[:300], None
        row.state = "raw" if Path(row.path).exists() else "failed"
        _note(row, "voice.recording.failed", why=why[:300])
        return True


def left_behind(call_id: int) -> None:
    """The voice process that recorded a call is gone: what lies on the disk is all there will be."""
    with transaction():
        theirs = update(CallRecording).where(CallRecording.call_id == call_id, CallRecording.state == "recording")
        db.session.execute(theirs.values(state="raw").execution_options(synchronize_session=False))


def _open(key: str) -> CallRecording | None:
    query = select(CallRecording).where(CallRecording.key == key, CallRecording.state == "recording")
    row: CallRecording | None = db.session.scalar(query.with_for_update())
    return row


TITLES = {
    "voice.recording.paused": Text("Recording paused", "Запись приостановлена"),
    "voice.recording.resumed": Text("Recording resumed", "Запись возобновлена"),
    "voice.recording.failed": Text("Recording failed", "Запись прервалась"),
}


def _note(row: CallRecording, kind: str, **data: Any) -> None:
    if row.case_id is not None:
        words = TITLES[kind]
        timeline.write(row.case_id, kind, actor_id=row.user_id, title_en=words.en, title_ru=words.ru, **data)


# --- the worker --------------------------------------------------------------------------------------


def encode_due() -> int:
    """Encode what was recorded, and what a killed voice process left behind; returns how many. A job of the worker."""
    _find_lost()
    query = select(CallRecording.id, CallRecording.path).where(CallRecording.state == "raw")
    waiting = db.session.execute(query.order_by(CallRecording.id).limit(AT_ONCE)).all()
    db.session.rollback()
    for row_id, path in waiting:
        _encode(row_id, Path(path))
    return len(waiting)


def _find_lost() -> None:
    """Recordings of calls that have ended, of which nobody has told the end: the file is what there is."""
    over = select(VoiceCall.id).where(VoiceCall.ended_at < now() - timedelta(minutes=2))
    since = now() - timedelta(hours=LOST_HOURS)
    lost = update(CallRecording).where(
        CallRecording.state == "recording", CallRecording.started_at > since, CallRecording.call_id.in_(over)
    )
    with transaction():
        db.session.execute(lost.values(state="raw").execution_options(synchronize_session=False))


def _encode(row_id: int, source: Path) -> None:
    target = source.with_suffix(".ogg")
    try:
        kept = encode_opus(source, target)
    except (FileNotFoundError, ValueError) as error:
        log.warning("a recording could not be encoded", recording=row_id, error=str(error)[:300])
        with transaction():
            same = update(CallRecording).where(CallRecording.id == row_id, CallRecording.state == "raw")
            values = {"state": "failed", "failure": str(error)[:300], "expires_at": now() + FAILED_KEPT}
            db.session.execute(same.values(**values).execution_options(synchronize_session=False))
        return
    except OSError as error:
        # A full disk and the like pass: the WAV waits for the next run.
        log.warning("a recording waits to be encoded", recording=row_id, error=str(error)[:300])
        return
    with transaction():
        query = select(CallRecording).where(CallRecording.id == row_id, CallRecording.state == "raw")
        row = db.session.scalar(query.with_for_update())
        if row is None:
            return
        row.size = target.stat().st_size
        row.sha256 = storage.adopt(target)
        row.seconds, row.peaks, row.state, row.path = kept.seconds, kept.peaks, "done", ""
        days = rule_of(row.service_id).keep_days
        row.expires_at = row.started_at + timedelta(days=days) if days else None
        db.session.flush()
        _tell(row)
    source.unlink(missing_ok=True)


def _tell(row: CallRecording) -> None:
    if row.case_id is None:
        return
    length = length_of(row.seconds)
    words = Text(f"Recording of the call, {length}", f"Запись звонка, {length}")
    timeline.write(
        row.case_id, "voice.recording", title_en=words.en, title_ru=words.ru, recording_id=row.id, actor_id=row.user_id
    )
    casework.tell(db.session.get_one(Case, row.case_id), "note")
    events.publish("desk", "voice.recording", {"case_id": row.case_id, "id": row.id})


def prune() -> int:
    """Forget what has been kept its days, with its sound; returns how many. A job of the worker."""
    due = select(CallRecording.id).where(CallRecording.expires_at < now(), CallRecording.state != "removed").limit(200)
    ids = list(db.session.scalars(due))
    for row_id in ids:
        with transaction():
            row = db.session.get(CallRecording, row_id, with_for_update=True)
            if row is not None and row.state in ("done", "failed"):
                _forget(row)
    return len(ids)


def _forget(row: CallRecording) -> None:
    sha256 = row.sha256
    if row.path:
        Path(row.path).unlink(missing_ok=True)
    row.state, row.sha256, row.peaks, row.size, row.path = "removed", None, [], 0, ""
    blobs.forget(sha256)


# --- listening ---------------------------------------------------------------------------------------


def of_case(case_id: int) -> list[CallRecording]:
    """The recordings of a case and of calls registered at it, the newest first, at most 50."""
    calls = select(CallLink.call_id).where(CallLink.case_id == case_id)
    mine = (CallRecording.case_id == case_id) | CallRecording.call_id.in_(calls)
    query = select(CallRecording).where(mine, CallRecording.state != "removed")
    query = query.options(joinedload(CallRecording.call), joinedload(CallRecording.user))
    return list(db.session.scalars(query.order_by(CallRecording.id.desc()).limit(50)))


def any_of_case(case_id: int) -> bool:
    """Whether a case has one."""
    calls = select(CallLink.call_id).where(CallLink.case_id == case_id)
    mine = (CallRecording.case_id == case_id) | CallRecording.call_id.in_(calls)
    return db.session.scalar(select(CallRecording.id).where(mine).limit(1)) is not None


def page(
    since: datetime,
    until: datetime,
    *,
    user_id: int | None = None,
    service_id: int | None = None,
    before: int | None = None,
) -> list[CallRecording]:
    """What was recorded in a time, the newest first, fifty and one; ``before`` pages on by id."""
    query = select(CallRecording).where(CallRecording.started_at >= since, CallRecording.started_at < until)
    if user_id is not None:
        query = query.where(CallRecording.user_id == user_id)
    if service_id is not None:
        query = query.where(CallRecording.service_id == service_id)
    if before is not None:
        query = query.where(CallRecording.id < before)
    query = query.options(joinedload(CallRecording.call), joinedload(CallRecording.user))
    return list(db.session.scalars(query.order_by(CallRecording.id.desc()).limit(51)))


def get(recording_id: int) -> CallRecording:
    """One recording with its call. Raises ``Rejected`` (``voice-recording-unknown``)."""
    query = select(CallRecording).where(CallRecording.id == recording_id).options(joinedload(CallRecording.call))
    row: CallRecording | None = db.session.scalar(query)
    if row is None:
        raise Rejected(UNKNOWN, "voice-recording-unknown")
    return row


def note_listening(recording_id: int) -> None:
    """Who has listened to what is in the audit log."""
    with transaction():
        audit.record("voice.recording.heard", "voice_recording", recording_id)


def remove(recording_id: int) -> None:
    """Take a recording away for good. Raises ``voice-recording-unknown``."""
    with transaction():
        row = db.session.get(CallRecording, recording_id, with_for_update=True)
        if row is None or row.state == "removed":
            raise Rejected(UNKNOWN, "voice-recording-unknown")
        audit.record(
            "voice.recording.remove", "voice_recording", recording_id, {"state": row.state}, {"state": "removed"}
        )
        _forget(row)
