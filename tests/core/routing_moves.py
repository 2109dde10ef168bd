"""What tests of the live router share: a live channel, arrivals, rows as they are now, further teams."""

from __future__ import annotations

from core import assignment, hookimpl, intake, presence
from core.contracts import Address, Capabilities, Channel, Inbound, Text
from core.db import db, transaction
from core.model import Interaction, Service, Team, TeamMember
from tests.core.conftest import ENTRY


class Talk:
    """A second, live channel beside the toy's letters; calling it lets a conversation begin and returns the interaction."""

    def __init__(self) -> None:
        self.count = 0

    @hookimpl
    def register_channels(self) -> list[Channel]:
        live = Capabilities(live=True, queued=False)
        return [Channel("talk", Text("Talk", "Разговор"), "message", live, "email", lambda delivery: None)]

    def __call__(self, entry: str = ENTRY) -> int:
        self.count += 1
        return receive("talk", f"talk{self.count}", entry)


def receive(channel: str, key: str, entry: str = ENTRY) -> int:
    sender = Address("email", f"{key}@example.org", key.title())
    return intake.receive(Inbound(channel, key, sender, entry, subject=key, body_text=key)).interaction_id


def service() -> Service:
    return db.session.scalars(db.select(Service).order_by(Service.id)).first()


def state_of(agent: int) -> str:
    return presence.of(agent).state


def row(interaction_id: int) -> Interaction:
    return db.session.get_one(Interaction, interaction_id, populate_existing=True)


def rings(centre) -> dict[int, int]:
    return {offer.agent_id: offer.interaction_id for offer in centre.open_offers()}


def accept_all(centre) -> None:
    for offer in centre.open_offers():
        assignment.accept(offer.id, offer.agent_id)


def team_of(centre, key: str, *agents: int) -> int:
    """A further team, with these agents taken out of the others."""
    with transaction():
        team = Team(key=key, title_en=key, title_ru=key)
        db.session.add(team)
        db.session.flush()
        db.session.execute(db.delete(TeamMember).where(TeamMember.user_id.in_(agents)))
        db.session.add_all(TeamMember(team_id=team.id, user_id=agent) for agent in agents)
        return team.id
