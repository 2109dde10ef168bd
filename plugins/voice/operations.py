"""Calls without sound (a test call, a house without a telephony backend), and what the channel contributes to the core."""

from __future__ import annotations

import re
import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import assignment, intake, timeline
from core.clock import now
from core.contracts import Address, Delivery, HealthCheck, Inbound, Initiation, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.intake import Received
from core.model import Case, Interaction
from plugins.voice import switchboard
from plugins.voice.calls import book, ending
from plugins.voice.models.calls import VoiceCall

CHANNEL = "voice"
E164 = re.compile(r"\+[1-9]\d{6,14}")


def normalise(number: str) -> str:
    """A number in the form of E.164: a plus and 7 to 15 digits. Raises ``Rejected`` for anything else."""
    plain = re.sub(r"[\s().\-]", "", number)
    if not E164.fullmatch(plain):
        raise Rejected(
            Text(
                f"'{number}' is not a number in international form, for instance +7 495 123-45-67",
                f"«{number}» не похоже на номер в международном формате, например +7 495 123-45-67",
            ),
            "number-invalid",
        )
    return plain


def ring(caller: str, entry: str, call_id: str = "", name: str = "") -> Received:
    """A call comes in: it waits and is offered like any interaction. The same ``call_id`` again changes nothing.

    ``entry`` is what was dialled: a number, or another entry of a service. Raises ``Rejected``.
    """
    number = normalise(caller)
    call_id = call_id or secrets.token_hex(12)
    words = Text(f"Call from {number}", f"Звонок с {number}")
    return intake.receive(
        Inbound(
            channel=CHANNEL,
            source_key=f"voice:{call_id}"[:160],
            sender=Address("phone", number, name),
            entry=entry.strip().lower(),
            subject=words.to(okno().config.get("core.language")),
            interaction_key=f"voice:{call_id}"[:120],
            extra={"call_id": call_id, "signalling_only": True},
            unread=False,
        )
    )


def note_answer(interaction_id: int) -> None:
    """Write into the case's history that a call without sound was answered; those with sound do it themselves."""
    if _has_sound(interaction_id):
        return
    _note(interaction_id, "voice.answered", Text("Call answered", "На звонок ответили"))


def hang_up(interaction_id: int, user_id: int) -> None:
    """The agent ends the call; wrap-up begins. Raises ``Rejected`` when it is not theirs."""
    with transaction():
        open_call = select(VoiceCall.key).where(
            VoiceCall.interaction_id == interaction_id, VoiceCall.ended_at.is_(None)
        )
        if (key := db.session.scalar(open_call)) is not None:
            ending.hang_up(key, user_id)
            return
        assignment.finish(interaction_id, user_id)
        _note(interaction_id, "voice.ended", Text("The agent hung up", "Оператор завершил звонок"))


def _note(interaction_id: int, kind: str, words: Text) -> None:
    with transaction():
        interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
        actor = interaction.agent_id
        timeline.write(
            interaction.case_id,
            kind,
            actor_id=actor,
            interaction_id=interaction_id,
            title_en=words.en,
            title_ru=words.ru,
        )


def under_way(interaction_id: int) -> bool:
    """Whether a call without sound is in an agent's hands; the softphone shows the others."""
    interaction = db.session.get(Interaction, interaction_id)
    active = interaction is not None and interaction.channel == CHANNEL and interaction.state == "active"
    return active and not _has_sound(interaction_id)


def _has_sound(interaction_id: int) -> bool:
    query = select(VoiceCall.id).where(VoiceCall.interaction_id == interaction_id)
    return db.session.scalar(query) is not None


def begin_call(initiation: Initiation) -> None:
    """An agent begins a call to a contact's number."""
    from plugins.voice.calls import dialling

    dialling.begin(initiation)


def health() -> list[HealthCheck]:
    """Whether calls are carried, for ``okno doctor``."""
    backends = okno().telephony_backends
    if not backends:
        return [HealthCheck("voice", True, "signalling only: no telephony backend is enabled")]
    status = switchboard.status()
    if status is None:
        mend = "start  okno run  (or look into its log): it keeps the voice process"
        return [HealthCheck("voice", False, "the voice process does not answer", mend)]
    detail = f"{status['backend']}: {status['legs']} legs, {status['calls']} calls"
    return [HealthCheck("voice", bool(status["up"]), detail, "look into the log of the voice process")]


def deliver(delivery: Delivery) -> None:
    """Nothing can be written to a telephone."""
    raise Rejected(
        Text(
            "A call is answered by voice: write a note instead",
            "На звонок отвечают голосом: вместо ответа напишите заметку",
        ),
        "voice-no-text",
    )


def ensure_number(number: str) -> None:
    """Let ``number`` lead to the default service unless some number leads somewhere; for the demo centre."""
    from core.model import Service, ServiceEntry

    with transaction():
        known = db.session.scalar(db.select(ServiceEntry.id).where(ServiceEntry.channel == CHANNEL).limit(1))
        default = db.session.scalar(
            db.select(Service).where(Service.active).order_by(Service.is_default.desc(), Service.id).limit(1)
        )
        if default is not None and known is None:
            default.entries.append(ServiceEntry(channel=CHANNEL, address=number))


def case_number(case_id: int) -> str:
    """The number of a case."""
    return db.session.get_one(Case, case_id).number


def calls_now(*, ended: bool = False) -> list[dict[str, Any]]:
    """The open calls, oldest first; with ``ended`` the newest hundred of all. For the command line."""
    query = select(VoiceCall).options(
        joinedload(VoiceCall.agent), joinedload(VoiceCall.service), joinedload(VoiceCall.interaction)
    )
    if ended:
        query = query.order_by(VoiceCall.id.desc()).limit(100)
    else:
        query = query.where(VoiceCall.ended_at.is_(None)).order_by(VoiceCall.id)
    moment = now()
    return [
        {
            "key": call.key,
            "state": call.state,
            "direction": call.direction,
            "from": call.from_number,
            "to": call.to_number,
            "service": call.service.key if call.service else "",
            "agent": call.agent.login if call.agent else "",
            "case": call.case_id or "",
            "seconds": int(((call.ended_at or moment) - call.started_at).total_seconds()),
            "cause": call.cause,
        }
        for call in db.session.scalars(query)
    ]


def end_call(key: str) -> None:
    """End a call for everybody. Raises ``Rejected`` (``call-ended``)."""
    with transaction():
        ending.end(book.by_key(key), "normal")
