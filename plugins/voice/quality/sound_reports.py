"""What agents say of the sound of their calls: one word each, changed by saying another. The only code that keeps it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core import casework, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Case, User
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.models.quality import FAULTS, SoundReport

MOST_WORDS = 500
TITLES = {
    "choppy": Text("Choppy sound", "Звук прерывался"),
    "echo": Text("Echo", "Эхо"),
    "noise": Text("Noise", "Шум"),
    "one_side": Text("One side not heard", "Одну сторону не слышно"),
    "delay": Text("Delay", "Задержка"),
    "dropped": Text("Call dropped", "Звонок оборвался"),
    "other": Text("Something else", "Другое"),
}
assert tuple(TITLES) == FAULTS


def title_of(report: SoundReport, language: str) -> str:
    """What was wrong, with the agent's own words behind it."""
    title = TITLES[report.fault].to(language)
    return f"{title} — {report.comment}" if report.comment else title


def say(call_id: int, user_id: int, fault: str, comment: str = "") -> SoundReport:
    """Keep what was wrong with the sound for an agent who talked in the call; the case's history says so when it is news.

    Raises ``Rejected``: ``sound-fault-unknown``, ``sound-comment-long``, ``call-unknown``, ``sound-report-not-yours``.
    """
    if fault not in TITLES:
        words = Text("Choose what was wrong with the sound", "Выберите, что было не так со звуком")
        raise Rejected(words, "sound-fault-unknown")
    comment = " ".join(comment.replace("\x00", "").split())
    if len(comment) > MOST_WORDS:
        words = Text(f"Write at most {MOST_WORDS} characters", f"Не длиннее {MOST_WORDS} знаков")
        raise Rejected(words, "sound-comment-long")
    with transaction():
        call = _own_call(call_id, user_id)
        row = db.session.get(SoundReport, (call_id, user_id), populate_existing=True)
        if row is not None and (row.fault, row.comment) == (fault, comment):
            return row
        values = {"fault": fault, "comment": comment, "at": now()}
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(SoundReport).values(call_id=call_id, user_id=user_id, **values)
        keys = ["call_id", "user_id"]
        db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))
        row = db.session.get_one(SoundReport, (call_id, user_id), populate_existing=True)
        who, said = db.session.get_one(User, user_id).name, {one: title_of(row, one) for one in ("en", "ru")}
        _note(call, user_id, Text(f"{who}: bad sound. {said['en']}", f"{who}: плохой звук. {said['ru']}"))
        return row


def take_back(call_id: int, user_id: int) -> None:
    """The sound was good after all. Raises ``Rejected``: ``call-unknown``, ``sound-report-not-yours``."""
    with transaction():
        call = _own_call(call_id, user_id)
        row = db.session.get(SoundReport, (call_id, user_id))
        if row is not None:
            db.session.delete(row)
            db.session.flush()
            who = db.session.get_one(User, user_id).name
            _note(call, user_id, Text(f"{who}: the sound was good after all", f"{who}: замечание о звуке снято"))


def _own_call(call_id: int, user_id: int) -> VoiceCall:
    call = db.session.get(VoiceCall, call_id)
    if call is None:
        raise Rejected(Text("There is no such call", "Такого звонка нет"), "call-unknown")
    if not talked_in(user_id, [call_id]):
        words = Text("You did not talk in this call", "Вы не разговаривали в этом звонке")
        raise Rejected(words, "sound-report-not-yours")
    return call


def _note(call: VoiceCall, user_id: int, title: Text) -> None:
    if call.case_id is None:
        return
    timeline.write(
        call.case_id,
        "voice.sound",
        actor_id=user_id,
        interaction_id=call.interaction_id,
        title_en=title.en,
        title_ru=title.ru,
    )
    casework.tell(db.session.get_one(Case, call.case_id), "voice")


def talked_in(user_id: int, call_ids: Collection[int]) -> set[int]:
    """In which of these calls the agent has talked."""
    query = select(VoiceLeg.call_id).where(
        VoiceLeg.call_id.in_(call_ids),
        VoiceLeg.user_id == user_id,
        VoiceLeg.kind == "agent",
        VoiceLeg.joined_at.is_not(None),
    )
    return set(db.session.scalars(query))


def of_calls(call_ids: Collection[int]) -> dict[int, list[SoundReport]]:
    """What was said of these calls, the first word first."""
    query = select(SoundReport).where(SoundReport.call_id.in_(call_ids)).options(joinedload(SoundReport.user))
    found: dict[int, list[SoundReport]] = {}
    for row in db.session.scalars(query.order_by(SoundReport.at, SoundReport.user_id)):
        found.setdefault(row.call_id, []).append(row)
    return found
