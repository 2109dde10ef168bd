"""What changes in a call: it comes in, is answered, ends. Signalling only: no audio passes here yet."""

from __future__ import annotations

import re
import secrets

from core import assignment, intake, timeline
from core.contracts import Address, Delivery, Inbound, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.intake import Received
from core.model import Case, Interaction

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
        )
    )


def note_answer(interaction_id: int) -> None:
    """Write into the case's history that the call was answered."""
    _note(interaction_id, "voice.answered", Text("Call answered", "На звонок ответили"))


def hang_up(interaction_id: int, user_id: int) -> None:
    """The agent ends the call; wrap-up begins. Raises ``Rejected`` when it is not theirs."""
    with transaction():
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
    """Whether the call is in an agent's hands."""
    interaction = db.session.get(Interaction, interaction_id)
    return interaction is not None and interaction.channel == CHANNEL and interaction.state == "active"


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
