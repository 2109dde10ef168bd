"""What callers leave: kept as it was recorded, encoded by the worker, told by notification and letter, forgotten after its days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import joinedload

from core import mail_notices, notifications, storage, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.mail_notices import NoticeFile
from core.model import Case, User
from plugins.voice.models.voicemail import Voicemail, VoicemailBox
from plugins.voice.sounds import blobs
from plugins.voice.sounds.sound_files import encode_opus
from plugins.voice.voicemail.boxes import box_ids_of_user

NOTICE = "voice.voicemail"
AT_ONCE = 20
UNKNOWN = Text("There is no such voicemail", "Такого сообщения голосовой почты нет")
log = structlog.get_logger("okno.voice.voicemail")


def keep(
    box_id: int,
    key: str,
    path: str,
    *,
    number: str = "",
    name: str = "",
    call_id: int | None = None,
    case_id: int | None = None,
) -> Voicemail:
    """A message was recorded into the WAV at ``path``; the same ``key`` again changes nothing. The worker does the rest."""
    with transaction():
        same: Voicemail | None = db.session.scalar(select(Voicemail).where(Voicemail.key == key))
        if same is not None:
            return same
        days = okno().config.get("voice.voicemail_days")
        row = Voicemail(
            box_id=box_id, key=key, path=path, number=number[:80], name=name[:200], call_id=call_id, case_id=case_id
        )
        row.expires_at = now() + timedelta(days=days)
        db.session.add(row)
        db.session.flush()
        return row


def encode_due() -> int:
    """Encode what was recorded, tell whom it is for; returns how many. A job of the worker."""
    query = select(Voicemail.id, Voicemail.path).where(Voicemail.state == "raw").order_by(Voicemail.id).limit(AT_ONCE)
    waiting = db.session.execute(query).all()
    db.session.rollback()
    for row_id, path in waiting:
        _encode(row_id, Path(path))
    return len(waiting)


def _encode(row_id: int, source: Path) -> None:
    target = source.with_suffix(".ogg")
    try:
        kept = encode_opus(source, target)
    except (FileNotFoundError, ValueError) as error:
        log.warning("a voicemail could not be encoded", voicemail=row_id, error=str(error)[:300])
        with transaction():
            same = update(Voicemail).where(Voicemail.id == row_id, Voicemail.state == "raw")
            db.session.execute(same.values(state="failed").execution_options(synchronize_session=False))
        return
    except OSError as error:
        # A full disk and the like pass: the WAV waits for the next run.
        log.warning("a voicemail waits to be encoded", voicemail=row_id, error=str(error)[:300])
        return
    with transaction():
        query = select(Voicemail).where(Voicemail.id == row_id, Voicemail.state == "raw").with_for_update()
        row = db.session.scalar(query)
        if row is None:
            return
        row.size = target.stat().st_size
        row.sha256 = storage.adopt(target)
        row.seconds, row.peaks, row.state, row.path = kept.seconds, kept.peaks[0], "done", ""
        db.session.flush()
        _tell(row)
    source.unlink(missing_ok=True)


def _tell(row: Voicemail) -> None:
    box = db.session.get_one(VoicemailBox, row.box_id)
    who = row.name or row.number
    url = f"/voice/voicemail/{row.id}"
    if box.user_id is not None:
        notifications.notify([box.user_id], NOTICE, url, {"who": who, "seconds": round(row.seconds)})
    if row.case_id is not None and db.session.get(Case, row.case_id) is not None:
        length = length_of(row.seconds)
        timeline.write(
            row.case_id,
            NOTICE,
            title_en=f"Voicemail, {length}",
            title_ru=f"Голосовое сообщение, {length}",
            voicemail_id=row.id,
        )
    events.publish("desk", "voice.voicemail", {"box_id": box.id, "id": row.id})
    _mail(row, box, who)


def _mail(row: Voicemail, box: VoicemailBox, who: str) -> None:
    user = db.session.get(User, box.user_id) if box.user_id is not None else None
    to = box.email or (user.email if user else "")
    if box.email_as == "none" or row.sha256 is None or not to:
        return
    language = (user.language if user else "") or okno().config.get("core.language")
    length = length_of(row.seconds)
    subject = Text(f"Voicemail from {who}, {length}", f"Голосовое сообщение от {who}, {length}").to(language)
    place = f"{okno().config.base_url}/voice/voicemail/{row.id}"
    listen = Text(f"Listen to it at the desk: {place}", f"Прослушать на рабочем месте: {place}").to(language)
    file = NoticeFile(row.sha256, f"voicemail-{row.created_at:%Y-%m-%d-%H%M}.ogg", "audio/ogg")
    files = [file] if box.email_as == "attachment" else []
    mail_notices.post(f"voicemail:{row.id}", to, subject, f"{subject}\n\n{listen}\n", files)


def length_of(seconds: float) -> str:
    """Minutes and seconds, «1:05»."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


# --- listening ---------------------------------------------------------------------------------------


def page(user_id: int, *, unheard: bool = False, before: int | None = None, limit: int = 50) -> list[Voicemail]:
    """What was left in the user's boxes, the newest first; ``before`` pages on by id."""
    query = select(Voicemail).where(Voicemail.box_id.in_(box_ids_of_user(user_id)), Voicemail.state != "raw")
    if unheard:
        query = query.where(Voicemail.heard_at.is_(None))
    if before is not None:
        query = query.where(Voicemail.id < before)
    query = query.options(joinedload(Voicemail.box).joinedload(VoicemailBox.service))
    return list(db.session.scalars(query.order_by(Voicemail.id.desc()).limit(limit)))


def unheard(user_id: int) -> int:
    """How many in the user's boxes nobody has heard, at most 100."""
    mine = Voicemail.box_id.in_(box_ids_of_user(user_id))
    new = select(Voicemail.id).where(mine, Voicemail.heard_at.is_(None), Voicemail.state == "done")
    return db.session.scalar(select(func.count()).select_from(new.limit(100).subquery())) or 0


def seen(voicemail_id: int, user_id: int) -> Voicemail:
    """One that the user may hear. Raises ``Rejected`` (``voicemail-unknown``)."""
    row = db.session.get(Voicemail, voicemail_id, populate_existing=True)
    if row is None or row.box_id not in set(db.session.scalars(box_ids_of_user(user_id))):
        raise Rejected(UNKNOWN, "voicemail-unknown")
    return row


def hear(voicemail_id: int, user_id: int) -> None:
    """Note that it was listened to, by whom first. Raises ``voicemail-unknown``."""
    with transaction():
        row = seen(voicemail_id, user_id)
        first = update(Voicemail).where(Voicemail.id == row.id, Voicemail.heard_at.is_(None))
        done = db.session.execute(
            first.values(heard_at=now(), heard_by_id=user_id).execution_options(synchronize_session=False)
        )
        if done.rowcount:  # type: ignore[attr-defined]
            events.publish("desk", "menu.changed", {})


def remove(voicemail_id: int, user_id: int) -> None:
    """Take one away with its sound. Raises ``voicemail-unknown``."""
    with transaction():
        row = seen(voicemail_id, user_id)
        db.session.delete(row)
        blobs.forget(row.sha256)
        events.publish("desk", "menu.changed", {})


def prune() -> int:
    """Forget what has been kept its days; returns how many. A job of the worker."""
    due = select(Voicemail.id, Voicemail.sha256, Voicemail.path).where(Voicemail.expires_at < now()).limit(200)
    rows = db.session.execute(due).all()
    for row_id, sha256, path in rows:
        with transaction():
            db.session.execute(delete(Voicemail).where(Voicemail.id == row_id))
            blobs.forget(sha256)
        if path:
            Path(path).unlink(missing_ok=True)
    return len(rows)
