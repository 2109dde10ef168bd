"""Where a call to an agent goes when the agent does not take it: forwarding always, when busy, when nobody answers; it wins over
voicemail. The course is a pure function; what is kept stands below it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select

from core.contracts import Text
from core.db import db, transaction
from core.schemas import Invalid
from plugins.voice.models.voicemail import VoiceForwarding
from plugins.voice.voicemail.boxes import Whose, active_box

TARGET = re.compile(r"\+[1-9]\d{6,14}|\d{2,5}")
When = Literal["always", "busy", "no_answer"]
OCCASIONS: tuple[When, ...] = ("always", "busy", "no_answer")
SECONDS = (5, 120)
RING_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Forward:
    """Where to, and after how many seconds of ringing (for no_answer)."""

    number: str
    seconds: int = 20
    active: bool = True


@dataclass(frozen=True, slots=True)
class Course:
    """What a call to an agent does: ring for ``seconds``, go to ``number``, go into voicemail box ``box_id``, or end."""

    do: Literal["ring", "forward", "voicemail", "end"]
    seconds: int = 0
    number: str = ""
    box_id: int | None = None


def course(
    forwards: Mapping[When, Forward], box_id: int | None, situation: Literal["new", "busy", "no_answer"]
) -> Course:
    """What happens to a call that is new, that finds the agent busy or away, or that has rung without an answer."""
    active = {when: one for when, one in forwards.items() if one.active and one.number}
    if "always" in active:
        return Course("forward", number=active["always"].number)
    if situation == "new":
        waits = active["no_answer"].seconds if "no_answer" in active else RING_SECONDS
        return Course("ring", seconds=waits)
    if situation in active:
        return Course("forward", number=active[situation].number)
    return Course("voicemail", box_id=box_id) if box_id is not None else Course("end")


def course_of(user_id: int, situation: Literal["new", "busy", "no_answer"]) -> Course:
    """:func:`course` with what the agent has set up."""
    box = active_box(Whose(user_id=user_id))
    return course(forwards_of(user_id), box.id if box else None, situation)


def forwards_of(user_id: int) -> dict[When, Forward]:
    """What the agent has set up, by occasion."""
    rows = db.session.scalars(select(VoiceForwarding).where(VoiceForwarding.user_id == user_id))
    by_name: dict[str, When] = {when: when for when in OCCASIONS}
    return {
        by_name[row.occasion]: Forward(row.number, row.seconds, row.active) for row in rows if row.occasion in by_name
    }


def set_forwards(user_id: int, forwards: Mapping[When, Forward]) -> None:
    """Keep exactly these; one without a number is forgotten. Raises ``Invalid`` (``forwarding``) by occasion."""
    chosen: dict[When, Forward] = {}
    for when, one in forwards.items():
        if when not in OCCASIONS or not one.number.strip():
            continue
        if not SECONDS[0] <= one.seconds <= SECONDS[1]:
            words = Text(f"From {SECONDS[0]} to {SECONDS[1]} seconds", f"От {SECONDS[0]} до {SECONDS[1]} секунд")
            raise Invalid({f"{when}_seconds": words}, "forwarding")
        chosen[when] = Forward(_number(one.number, when), one.seconds, one.active)
    with transaction():
        db.session.execute(delete(VoiceForwarding).where(VoiceForwarding.user_id == user_id))
        for when, one in chosen.items():
            row = VoiceForwarding(
                user_id=user_id, occasion=when, number=one.number, seconds=one.seconds, active=one.active
            )
            db.session.add(row)


def _number(given: str, when: str) -> str:
    """A number in international form, or an internal one of 2 to 5 digits."""
    plain = re.sub(r"[\s().\-]", "", given)
    if not TARGET.fullmatch(plain):
        words = Text("Write it like +7 495 123-45-67, or 2 to 5 digits", "Запишите как +7 495 123-45-67 или 2–5 цифр")
        raise Invalid({f"{when}_number": words}, "forwarding")
    return plain
