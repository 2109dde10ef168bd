"""Signing out: what an agent still has in hand decides whether and how. Live conversations are finished first, letters wait."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from core import presence, sessions
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Contact, Draft, Interaction, SignIn


@dataclass(slots=True)
class InHand:
    """What would be left behind: live conversations, letters and the answers begun to these letters."""

    live: list[Interaction] = field(default_factory=list)
    letters: list[Interaction] = field(default_factory=list)
    drafts: int = 0
    names: dict[int, str] = field(default_factory=dict)

    def name_of(self, interaction: Interaction) -> str:
        """With whom the interaction is: a name, else an address."""
        return self.names.get(interaction.contact_id or 0) or interaction.address or interaction.case.number


def in_hand(user_id: int) -> InHand:
    """The agent's active interactions; an offer that rings goes back by itself and one in wrap-up waits."""
    query = (
        select(Interaction)
        .where(Interaction.agent_id == user_id, Interaction.state == "active")
        .options(joinedload(Interaction.case))
        .order_by(Interaction.accepted_at)
    )
    found = InHand()
    for interaction in db.session.scalars(query):
        channel = okno().channels.get(interaction.channel)
        (found.live if channel and channel.capabilities.live else found.letters).append(interaction)
    contacts = {item.contact_id for item in (*found.live, *found.letters) if item.contact_id}
    named = select(Contact.id, Contact.name).where(Contact.id.in_(contacts))
    found.names = {row.id: row.name for row in db.session.execute(named)}
    if found.letters:
        begun = select(func.count(func.distinct(Draft.case_id))).where(
            Draft.user_id == user_id,
            Draft.kind == "reply",
            Draft.case_id.in_([item.case_id for item in found.letters]),
        )
        found.drafts = db.session.scalar(begun) or 0
    return found


def refuse_live(found: InHand) -> None:
    """Raise ``Rejected`` (``live-in-hand``) that names the live conversations, if there are any."""
    if not found.live:
        return
    channels = okno().channels
    named = [(channels[item.channel].label, found.name_of(item)) for item in found.live]
    raise Rejected(
        Text(
            "Finish or transfer first: " + ", ".join(f"{label.en.lower()} with {name}" for label, name in named) + ".",
            "Сначала завершите или передайте: " + ", ".join(f"{label.ru} — {name}" for label, name in named) + ".",
        ),
        "live-in-hand",
    )


def sign_out(user_id: int, sign_in_id: int) -> None:
    """End this sign-in; the agent goes offline when it was the last. Letters and drafts stay in the personal queue.

    Raises ``Rejected`` (``live-in-hand``) while a call or chat is active.
    """
    with transaction():
        refuse_live(in_hand(user_id))
        sessions.end(SignIn.id == sign_in_id, "sign_out")
        if not sessions.open_ones(user_id):
            presence.sign_off(user_id)
