"""A small centre that is called: a service with a number, three agents and a supervisor, a voice process without sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from core import assignment, presence
from core.db import db, transaction
from core.model import Interaction, Offer, Presence, Role, Service, ServiceEntry, Team, TeamMember, User
from core.routing import abandoning, closing
from plugins.voice.calls import arrival, book, dialling, menus, phones, picture, reconciling
from plugins.voice.messages import operations as messages
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.registration import callbacks
from plugins.voice.sounds.sound_files import as_wav
from tests.support.applications import MigratedTemplates, make_app
from tests.support.memory_driver import MemoryVoice
from tests.support.tone_parties import tone

NUMBER = "+78000000001"
CALLER = "+74951234567"
SDP = "v=0 offer"
PEOPLE = {"anna": ("Анна", "101"), "boris": ("Борис", "102"), "vera": ("Вера", "103"), "elena": ("Елена", "104")}


@dataclass
class CallHouse:
    """The house and its people, inside an application context."""

    app: Flask
    voice: MemoryVoice
    users: dict[str, int]
    service_id: int
    other_service_id: int

    def __getattr__(self, name: str) -> int:
        try:
            return self.users[name]
        except KeyError:
            raise AttributeError(name) from None

    # --- people ------------------------------------------------------------------------------------------

    def ready(self, name: str) -> None:
        presence.sign_on(self.users[name])
        presence.set_state(self.users[name], presence.READY)

    def state_of(self, name: str) -> str:
        return (
            db.session.scalar(
                select(Presence.state)
                .where(Presence.user_id == self.users[name])
                .execution_options(populate_existing=True)
            )
            or "offline"
        )

    def browser(self, name: str) -> str:
        """The agent's browser connects and its sound flows; gives the leg."""
        media = phones.connect(self.users[name], SDP)["leg"]
        self.voice.driver.media_flows(media)
        self.voice.pump()
        return media

    def media(self, name: str) -> str:
        phone = picture.phone_of(self.users[name])
        return (phone.media or "") if phone else ""

    # --- calls -------------------------------------------------------------------------------------------

    def visitor(self, number: str = CALLER, name: str = "Пётр") -> str:
        """A visitor's call waits; gives its key."""
        call, _ = arrival.from_page(NUMBER, SDP, name=name, number=number)
        key, media = call.key, call.customer_leg
        self.voice.driver.media_flows(media)
        self.voice.pump()
        return key

    def line(self, number: str = CALLER, to: str = NUMBER) -> str:
        """A call comes in on a telephone line; gives its key."""
        leg = f"line-{len(self.voice.driver.legs)}"
        self.voice.driver.rings_in(leg, f"tel:{number}", f"tel:{to}")
        self.voice.pump()
        return str(db.session.scalars(select(VoiceCall.key).where(VoiceCall.customer_leg == leg)).one())

    def answered(self, name: str = "anna") -> str:
        """A visitor's call that this agent has taken with a browser; gives its key."""
        key = self.visitor()
        self.ready(name)
        self.accept(name)
        self.browser(name)
        return key

    def accept(self, name: str) -> int:
        assignment.route_due()
        open_offer = select(Offer).where(Offer.outcome.is_(None), Offer.agent_id == self.users[name])
        offer = db.session.scalars(open_offer).one()
        interaction_id = assignment.accept(offer.id, self.users[name])
        self.voice.pump()
        return interaction_id

    def call(self, key: str) -> VoiceCall:
        query = select(VoiceCall).where(VoiceCall.key == key).execution_options(populate_existing=True)
        return db.session.scalars(query).one()

    def interaction(self, key: str) -> Interaction:
        return db.session.get_one(Interaction, self.call(key).interaction_id, populate_existing=True)

    def customer(self, key: str) -> str:
        return self.call(key).customer_leg

    def outside(self, key: str) -> str:
        """The backend's leg of a number that was dialled into the call."""
        query = select(VoiceLeg.media).where(
            VoiceLeg.call_id == self.call(key).id, VoiceLeg.kind == "external", VoiceLeg.left_at.is_(None)
        )
        return str(db.session.scalars(query).one())

    def dial(self, name: str, number: str, **asked: object) -> str:
        key = dialling.call(self.users[name], {"number": number, **asked})
        self.voice.pump()
        return key

    def hears(self, leg: str) -> set[str]:
        """Who is heard, by the names of agents and «customer», «outside»."""
        self.voice.pump()
        named = {self.media(name): name for name in self.users if self.media(name)}
        return {
            named.get(one, "customer" if one.startswith("c-") else "outside") for one in self.voice.driver.hears(leg)
        }

    def live_legs(self) -> list[str]:
        self.voice.pump()
        return sorted(leg for leg, view in self.voice.driver.legs.items() if view.state != "ended")

    def add_message(self, key: str, owner: str = "") -> int:
        """A recorded message: a central one of that key, or an agent's own."""
        sound = as_wav(tone(650, 0.3, 16_000))
        return messages.add(key or "Привет", sound, owner_id=self.users.get(owner), key=key).id

    def clear(self) -> None:
        """End what a test has left: calls, connections, wrap-ups; everybody goes."""
        self.voice.away = False
        db.session.rollback()
        for leg in self.live_legs():
            self.voice.driver.goes(leg)
        self.voice.pump()
        reconciling.end_calls_of_others("nobody")
        self.voice.pump()
        for name, user_id in self.users.items():
            if self.state_of(name) != "offline":
                with transaction():
                    closing.leave(user_id, "sign_off")
        waiting = select(Interaction.id).where(Interaction.state.in_(("put_off", "queued", "offered")))
        for interaction_id in list(db.session.scalars(waiting)):
            abandoning.abandon(interaction_id)
        assert self.live_legs() == []


def promised(house: CallHouse, number: str = CALLER) -> VoiceCallback:
    """A caller of that number waits to be called back."""
    key = house.visitor(number)
    with transaction():
        menus.call_back(book.by_key(key))
    house.voice.pump()
    return callbacks.latest()[-1]


def furnish() -> tuple[dict[str, int], int, int]:
    """The rows of the house: users by login, the service that is called, another one."""
    with transaction():
        team = Team(key="first", title_en="First line", title_ru="Первая линия")
        privileges = ["desk.use", "case.view", "case.reply", "voice.call", "supervisor.view"]
        role = Role(key="agent", title_en="Agent", title_ru="Оператор", privileges=privileges)
        users = {
            login: User(login=login, first_name=name, phone=phone, language="ru", roles=[role])
            for login, (name, phone) in PEOPLE.items()
        }
        service = Service(
            key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[team], wrap_up_seconds=600
        )
        service.disposition_required = False
        service.entries.append(ServiceEntry(channel="voice", address=NUMBER))
        other = Service(key="sales", title_en="Sales", title_ru="Продажи", teams=[team])
        other.disposition_required = False
        other.entries.append(ServiceEntry(channel="voice", address="+78000000002"))
        db.session.add_all([team, service, other, *users.values()])
        db.session.flush()
        for login, user in users.items():
            db.session.add(TeamMember(team_id=team.id, user_id=user.id, supervisor=login == "elena"))
        return {login: user.id for login, user in users.items()}, service.id, other.id


@contextmanager
def call_house(app: Flask) -> Iterator[CallHouse]:
    """The house, furnished."""
    with app.app_context():
        users, service_id, other_id = furnish()
        voice = MemoryVoice(app)
        try:
            yield CallHouse(app, voice, users, service_id, other_id)
        finally:
            voice.close()
            db.session.remove()


def shared_house(home: Path, templates: MigratedTemplates) -> Iterator[CallHouse]:
    """The house on SQLite, for all tests of a module."""
    settings: dict[str, Any] = {"core.plugins": ["voice"]}
    app = make_app(home, templates.copy("sqlite", settings, home), settings)
    with call_house(app) as made:
        yield made
    with app.app_context():
        db.engine.dispose()
