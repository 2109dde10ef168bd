"""Random lives of calls: whatever people do in whatever order, rows, routing and the backend agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from core import assignment, presence
from core.contracts import Rejected
from core.db import db
from core.model import Interaction, Offer, Presence
from plugins.voice.calls import book, company, dialling, ending, phones, stage, talk
from plugins.voice.calls.dialling import Target
from plugins.voice.models.calls import VoiceCall, VoiceLeg, VoicePhone
from tests.support.call_house import SDP, CallHouse, shared_house

LIVES, STEPS = 6, 60
AGENTS = ("anna", "boris", "vera")

# Weighted: what leads to many people in a call comes more often than what ends it.
DOINGS = [
    *[company.consult] * 4,
    *[company.merge, company.complete, company.invite, company.swap] * 2,
    *[talk.hold, talk.retrieve, talk.mute, company.transfer],
    *[ending.leave, ending.hang_up, ending.end_for_all],
]


@pytest.fixture(scope="module")
def house(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("lives"), migrated_templates)


class Lives:
    """What callers, agents and the network may do, chosen by ``random``; ``told`` is what was done."""

    def __init__(self, house: CallHouse, seed: int) -> None:
        self.house, self.random = house, random.Random(seed)
        self.number = 0
        self.told: list[str] = []

    def live(self, steps: int) -> None:
        """So many steps, with a look after each at what is always true. Raises AssertionError with the steps so far."""
        self.a_morning()
        for _ in range(steps):
            work, arguments = self.choose()
            self.told.append(f"{work.__name__} {[getattr(one, '__name__', one) for one in arguments]}")
            try:
                work(*arguments)
                self.check()
            except Exception as error:
                raise AssertionError("\n".join(self.told[-40:])) from error

    def choose(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What is done next, by whom, to whom."""
        who, other, place, outside = (
            self.random.choice(AGENTS),
            self.random.choice(AGENTS),
            self.random.randrange(4),
            self.random.random() < 0.4,
        )
        things: list[tuple[int, Callable[..., Any], tuple[Any, ...]]] = [
            (4, self.a_visitor_calls, ()),
            (2, self.a_contact_hangs_up, (place,)),
            (6, self.a_number_outside_answers, (place,)),
            (2, self.a_number_outside_does_not_answer, (place, self.random.choice(["busy", "no_answer"]))),
            (3, self.gets_ready, (who,)),
            (8, self.answers, (who,)),
            (1, self.declines, (who, place)),
            (4, self.connects_the_browser, (who,)),
            (2, self.loses_the_browser, (who,)),
            (1, self.goes_home, (who,)),
            (3, self.wraps_up, (who, place)),
            (2, self.calls_a_colleague, (who, other)),
            (2, self.calls_a_number, (who,)),
            (24, self.does, (who, place, self.random.choice(DOINGS), other, outside)),
            (1, self.transfers_to_a_service, (who, place)),
            (2, self.the_supervisor_listens, (place, self.random.choice(["monitor", "whisper", "barge", ""]))),
            (1, self.the_voice_process_dies, (self.random.random() < 0.7,)),
        ]
        (chosen,) = self.random.choices(things, [weight for weight, _, _ in things])
        return chosen[1], chosen[2]

    def check(self) -> None:
        """What is always true."""
        self.the_backend_agrees_with_the_rows()
        self.nobody_talks_in_two_calls()
        self.calls_and_interactions_agree()
        self.nothing_is_offered_to_who_talks()

    # --- helpers -----------------------------------------------------------------------------------------

    def attempt(self, work: Callable[..., Any], *arguments: Any) -> None:
        """What makes no sense now is refused, and changes nothing."""
        try:
            work(*arguments)
            self.told.append(f"    {work.__name__}: done")
        except Rejected as refused:
            self.told.append(f"    {work.__name__}: {refused.code}")
            db.session.rollback()
        self.house.voice.pump()
        db.session.expire_all()

    def pick(self, items: list[Any], place: int) -> Any:
        return items[place % len(items)] if items else None

    def open_calls(self) -> list[VoiceCall]:
        db.session.rollback()
        query = db.select(VoiceCall).where(VoiceCall.ended_at.is_(None)).order_by(VoiceCall.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))

    def calls_of(self, who: str) -> list[str]:
        ids = book.open_calls_of(self.house.users[who], up=False)
        return [call.key for call in self.open_calls() if call.id in ids]

    def on(self, who: str, place: int, work: Callable[..., Any], *arguments: Any) -> None:
        key = self.pick(self.calls_of(who), place)
        if key is not None:
            self.attempt(work, key, self.house.users[who], *arguments)

    # --- the world ---------------------------------------------------------------------------------------

    def a_morning(self) -> None:
        """Everybody is there, two callers wait, the first is served."""
        for who in AGENTS:
            self.house.ready(who)
        for _ in range(2):
            self.a_visitor_calls()
        self.answers("anna")
        self.connects_the_browser("anna")
        self.answers("boris")

    def a_visitor_calls(self) -> None:
        if len(self.open_calls()) < 5:
            self.number += 1
            self.house.visitor(f"+7495000{self.number:04}")

    def a_contact_hangs_up(self, place: int) -> None:
        calls = [call for call in self.open_calls() if call.customer_leg]
        call = self.pick(calls, place)
        if call is not None and self.house.voice.driver.legs[call.customer_leg].state != "ended":
            self.house.voice.driver.goes(call.customer_leg)
            self.house.voice.pump()

    def a_number_outside_answers(self, place: int) -> None:
        ringing = [leg for leg, view in self.house.voice.driver.legs.items() if view.state == "ringing"]
        leg = self.pick(sorted(ringing), place)
        if leg is not None:
            self.house.voice.driver.media_flows(leg)
            self.house.voice.pump()

    def a_number_outside_does_not_answer(self, place: int, cause: str) -> None:
        ringing = [leg for leg, view in self.house.voice.driver.legs.items() if view.state == "ringing"]
        leg = self.pick(sorted(ringing), place)
        if leg is not None:
            self.house.voice.driver.goes(leg, cause)
            self.house.voice.pump()

    # --- agents ------------------------------------------------------------------------------------------

    def gets_ready(self, who: str) -> None:
        self.attempt(self.house.ready, who)
        self.attempt(assignment.route_due)

    def answers(self, who: str) -> None:
        assignment.route_due()
        ringing = db.select(VoiceLeg.call_id, VoiceLeg.user_id).where(
            VoiceLeg.user_id.is_not(None), VoiceLeg.left_at.is_(None), VoiceLeg.state == "ringing"
        )
        users = {row.call_id: row.user_id for row in db.session.execute(ringing)}
        mine = [call for call in self.open_calls() if users.get(call.id) == self.house.users[who]]
        for call in mine or [call for call in self.open_calls() if call.id in users][:1]:
            self.attempt(talk.answer, call.key, users[call.id])

    def declines(self, who: str, place: int) -> None:
        self.on(who, place, talk.reject)

    def connects_the_browser(self, who: str) -> None:
        self.house.browser(who)

    def loses_the_browser(self, who: str) -> None:
        if media := self.house.media(who):
            self.house.voice.driver.goes(media, "lost")
            self.house.voice.pump()

    def goes_home(self, who: str) -> None:
        self.attempt(presence.sign_off, self.house.users[who], "connection_lost")

    def wraps_up(self, who: str, place: int) -> None:
        query = db.select(Interaction.id).where(
            Interaction.agent_id == self.house.users[who], Interaction.state.in_(("wrap_up", "active"))
        )
        interaction_id = self.pick(sorted(db.session.scalars(query)), place)
        if interaction_id is not None:
            self.attempt(assignment.complete, interaction_id, self.house.users[who], None)

    def calls_a_colleague(self, who: str, other: str) -> None:
        self.attempt(dialling.call, self.house.users[who], {"user_id": self.house.users[other]})

    def calls_a_number(self, who: str) -> None:
        self.attempt(dialling.call, self.house.users[who], {"number": "+74957654321"})

    def does(self, who: str, place: int, what: Callable[..., Any], other: str, outside: bool) -> None:
        """Somebody who is in a call does something with it; whoever rings then is answered as often as not."""
        key = self.pick(self.calls_of(who), place)
        if key is None:
            return
        user_id = self.house.users[who]
        if what is talk.mute:
            self.attempt(what, key, user_id, outside)
        elif what in (company.consult, company.transfer, company.invite):
            number = Target(number=dialling.parse("+79161112233"))
            self.attempt(what, key, user_id, number if outside else Target(user_id=self.house.users[other]))
            if place % 2:
                self.answers(other)
        else:
            self.attempt(what, key, user_id)

    def transfers_to_a_service(self, who: str, place: int) -> None:
        self.on(who, place, company.transfer, Target(service_id=self.house.other_service_id))

    def the_supervisor_listens(self, place: int, mode: str) -> None:
        call = self.pick(self.open_calls(), place)
        if call is not None:
            phones.connect(self.house.elena, SDP)
            self.house.voice.driver.media_flows(self.house.media("elena"))
            self.attempt(company.supervise, call.key, self.house.elena, mode)

    def the_voice_process_dies(self, spared: bool) -> None:
        if spared:
            return
        self.house.voice.begin()
        self.house.voice.pump()

    # --- what is always true -----------------------------------------------------------------------------

    def the_backend_agrees_with_the_rows(self) -> None:
        self.house.voice.pump()
        driver = self.house.voice.driver
        alive = {leg for leg, view in driver.legs.items() if view.state != "ended"}
        known: set[str] = set(db.session.scalars(db.select(VoicePhone.media).where(VoicePhone.media.is_not(None))))
        for call in self.open_calls():
            known |= self.check_call(call)
        assert alive <= known, f"nobody knows {alive - known}"
        bridges = {call.bridge for call in self.open_calls()}
        assert set(driver.bridges) <= bridges

    def check_call(self, call: VoiceCall) -> set[str]:
        driver, legs = self.house.voice.driver, book.legs_of(call)
        telephones = stage._phones({leg.user_id for leg in legs if leg.user_id})
        media = {leg.id: stage.media_of(leg, telephones) for leg in legs}
        inside = [
            media[leg.id]
            for leg in legs
            if leg.state == "up"
            and leg.kind in book.PEOPLE
            and not leg.held
            and media[leg.id] in driver.legs
            and driver.legs[media[leg.id]].state == "up"
        ]
        muted = {media[leg.id] for leg in legs if leg.muted}
        if len(inside) >= 2:
            for one in inside:
                others = set(inside) - {one} - muted
                assert others <= driver.hears(one), f"{one} does not hear {others - driver.hears(one)}"
        return {leg for leg in media.values() if leg}

    def nobody_talks_in_two_calls(self) -> None:
        for user_id in self.house.users.values():
            talks = db.select(VoiceLeg.id).where(
                VoiceLeg.user_id == user_id,
                VoiceLeg.left_at.is_(None),
                VoiceLeg.state == "up",
                VoiceLeg.held.is_(False),
            )
            assert len(db.session.scalars(talks).all()) <= 1

    def calls_and_interactions_agree(self) -> None:
        db.session.rollback()
        calls = db.select(VoiceCall).where(VoiceCall.interaction_id.is_not(None))
        for call in db.session.scalars(calls.execution_options(populate_existing=True)):
            interaction = db.session.get_one(Interaction, call.interaction_id, populate_existing=True)
            if call.ended_at is not None:
                assert interaction.state in ("wrap_up", "closed"), (call.key, interaction.state)
            elif call.state == "queued":
                assert interaction.state in ("queued", "offered"), (call.key, interaction.state)
            elif call.agent_id is not None:
                assert (interaction.state, interaction.agent_id) == ("active", call.agent_id), call.key

    def nothing_is_offered_to_who_talks(self) -> None:
        db.session.rollback()
        for offer in db.session.scalars(db.select(Offer).where(Offer.outcome.is_(None))):
            row = db.session.get_one(Presence, offer.agent_id, populate_existing=True)
            assert row.state in ("ringing", "busy"), row.state


@pytest.mark.parametrize("seed", range(LIVES))
def test_random_lives_of_calls(house, seed):
    try:
        Lives(house, seed).live(STEPS)
    finally:
        house.clear()
