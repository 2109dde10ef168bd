"""Recordings of calls: the agent's browser records both sides and sends pieces; complete, the file hangs on the case as a note.

Pieces are written at their place in a file beside the stored ones, so that a piece sent again after a lost answer does no harm.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from sqlalchemy import exists, select, update
from sqlalchemy.orm import joinedload

from core import casework, storage, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import NoteFile
from plugins.chat.media.calls import Party, find, limit_of_recordings, words_of
from plugins.chat.models import Call, Recording

TYPES = {"audio/webm": "webm", "video/webm": "webm", "audio/mp4": "m4a", "video/mp4": "mp4"}
PIECE_BYTES = 8 << 20
QUIET_SECONDS = 90
GONE = Text("The recording is not known", "Такой записи нет")


def begin(call_id: int, party: Party, content_type: str) -> Recording:
    """Begin to record a call; after the agent's page has loaded again it is another file.

    Raises ``Rejected``: ``recording-not-allowed`` unless the service records and the visitor has agreed, ``recording-type``.
    """
    kind = content_type.split(";")[0].strip().lower()
    if kind not in TYPES:
        raise Rejected(Text("Such files are not recordings", "Записи не бывают такого вида"), "recording-type")
    with transaction():
        call = find(call_id, party)
        if party.side != "agent" or not call.recorded or call.consented_at is None or call.state != "active":
            words = Text("This call is not to be recorded", "Этот звонок не записывается")
            raise Rejected(words, "recording-not-allowed")
        row = Recording(call_id=call_id, case_id=call.interaction.case_id, content_type=kind)
        db.session.add(row)
        db.session.flush()
        return row


def add(recording_id: int, party: Party, offset: int, piece: bytes) -> int:
    """Write a piece at its place and return where the next one goes; what came before is not written again.

    Raises ``Rejected``: ``recording-unknown``, ``recording-gap`` when something before it is missing, ``recording-too-large``.
    """
    row = _own(recording_id, party)
    if offset < row.size:
        return row.size
    if offset > row.size:
        words = Text("A part of the recording is missing", "Часть записи потерялась")
        raise Rejected(words, "recording-gap")
    if len(piece) > PIECE_BYTES or row.size + len(piece) > limit_of_recordings():
        words = Text("The recording is too large: it ends here", "Запись слишком велика: на этом она кончается")
        raise Rejected(words, "recording-too-large")
    _write(path_of(recording_id), offset, piece)
    with transaction():
        moved = update(Recording).where(
            Recording.id == recording_id, Recording.size == offset, Recording.state == "open"
        )
        db.session.execute(moved.values(size=offset + len(piece), touched_at=now()))
    return _own(recording_id, party).size


def _own(recording_id: int, party: Party) -> Recording:
    query = select(Recording).where(Recording.id == recording_id).options(joinedload(Recording.call))
    row: Recording | None = db.session.scalar(query.execution_options(populate_existing=True))
    if row is None or not party.owns(row.call) or row.state != "open":
        raise Rejected(GONE, "recording-unknown")
    return row


def path_of(recording_id: int) -> Path:
    """Where a recording grows until it is complete."""
    return storage.folder() / "growing" / f"recording-{recording_id}"


def _write(path: Path, offset: int, piece: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        written = 0
        while written < len(piece):
            written += os.pwrite(descriptor, piece[written:], offset + written)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def complete(recording_id: int, party: Party) -> None:
    """The last piece has come. Raises ``Rejected`` (``recording-unknown``)."""
    _own(recording_id, party)
    _complete(recording_id)


def complete_quiet() -> None:
    """Recordings of calls that are over and whose browser sends nothing more; a job of the worker."""
    quiet = now() - timedelta(seconds=QUIET_SECONDS)
    over = exists().where(Call.id == Recording.call_id, Call.ended_at.is_not(None))
    due = select(Recording.id).where(Recording.state == "open", Recording.touched_at < quiet, over)
    for recording_id in db.session.scalars(due).all():
        _complete(recording_id)


def _complete(recording_id: int) -> None:
    path = path_of(recording_id)
    with transaction():
        query = select(Recording).where(Recording.id == recording_id, Recording.state == "open")
        row = db.session.scalar(query.options(joinedload(Recording.call)).with_for_update(of=Recording))
        if row is None:
            return
        if row.size == 0 or not path.exists():
            row.state = "empty"
            return
        os.truncate(path, row.size)
        row.sha256 = storage.adopt(path)
        row.state = "done"
        _attach(row, row.sha256)


def _attach(row: Recording, sha256: str) -> None:
    call = row.call
    russian = call.interaction.case.language == "ru"
    en, ru = words_of(call)
    text = f"Запись: {ru}" if russian else f"Recording: {en}"
    entry = timeline.write(row.case_id, "note", interaction_id=call.interaction_id, text=text)
    name = f"{'запись' if russian else 'recording'}-{call.created_at:%Y-%m-%d-%H%M}.{TYPES[row.content_type]}"
    db.session.add(NoteFile(entry_id=entry.id, sha256=sha256, name=name, content_type=row.content_type))
    casework.touch(call.interaction.case, cause="note")
    casework.tell(call.interaction.case, "note")


def of_case(case_id: int) -> list[Recording]:
    """The complete recordings of a case, the newest first, at most 50."""
    query = select(Recording).where(Recording.case_id == case_id, Recording.state == "done")
    query = query.options(joinedload(Recording.call)).order_by(Recording.id.desc()).limit(50)
    return list(db.session.scalars(query))


def any_of_case(case_id: int) -> bool:
    """Whether a case has one to listen to."""
    found = exists().where(Recording.case_id == case_id, Recording.state == "done")
    return bool(db.session.scalar(select(found)))
