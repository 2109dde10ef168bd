"""Random lives of calls: whatever people do in whatever order, rows, routing and the backend agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core import assignment, presence
from core.contracts import Rejected
from core.db import db
from core.model import Interaction, Offer, Presence
from plugins.voice.calls import book, company, dialling, ending, phones, stage, talk
from plugins.voice.calls.dialling import Target
from plugins.voice.models.calls import VoiceCall, VoiceLeg, VoicePhone
from tests.support.call_house import SDP, CallHouse, shared_house

LIVES, STEPS = 6, 40
AGENTS = ("anna", "boris", "vera")
WHO, PLACE, RARELY = st.sampled_from(AGENTS), st.integers(0, 3), st.integers(0, 5)

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


class Lives(RuleBasedStateMachine):
    """What callers, agents and the network may do."""

    house: CallHouse

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    # --- helpers -----------------------------------------------------------------------------------------

    def attempt(self, work: Callable[..., Any], *arguments: Any) -> None:
        """What makes no sense now is refused, and changes nothing."""
        try:
            work(*arguments)
        except Rejected:
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

    @initialize()
    def a_morning(self) -> None:
        """Everybody is there, two callers wait, the first is served."""
        for who in AGENTS:
            self.house.ready(who)
        for _ in range(2):
            self.a_visitor_calls()
        self.answers("anna")
        self.connects_the_browser("anna")
        self.answers("boris")

    @rule()
    def a_visitor_calls(self) -> None:
        if len(self.open_calls()) < 5:
            self.number += 1
            self.house.visitor(f"+7495000{self.number:04}")

    @rule(place=PLACE)
    def a_contact_hangs_up(self, place: int) -> None:
        calls = [call for call in self.open_calls() if call.customer_leg]
        call = self.pick(calls, place)
        if call is not None and self.house.voice.driver.legs[call.customer_leg].state != "ended":
            self.house.voice.driver.goes(call.customer_leg)
            self.house.voice.pump()

    @rule(place=PLACE)
    def a_number_outside_answers(self, place: int) -> None:
        ringing = [leg for leg, view in self.house.voice.driver.legs.items() if view.state == "ringing"]
        leg = self.pick(sorted(ringing), place)
        if leg is not None:
            self.house.voice.driver.media_flows(leg)
            self.house.voice.pump()

    @rule(place=PLACE, cause=st.sampled_from(["busy", "no_answer"]))
    def a_number_outside_does_not_answer(self, place: int, cause: str) -> None:
        ringing = [leg for leg, view in self.house.voice.driver.legs.items() if view.state == "ringing"]
        leg = self.pick(sorted(ringing), place)
        if leg is not None:
            self.house.voice.driver.goes(leg, cause)
            self.house.voice.pump()

    # --- agents ------------------------------------------------------------------------------------------

    @rule(who=WHO)
    def gets_ready(self, who: str) -> None:
        self.attempt(self.house.ready, who)
        self.attempt(assignment.route_due)

    @rule(who=WHO)
    def answers(self, who: str) -> None:
        assignment.route_due()
        ringing = db.select(VoiceLeg.call_id, VoiceLeg.user_id).where(
            VoiceLeg.user_id.is_not(None), VoiceLeg.left_at.is_(None), VoiceLeg.state == "ringing"
        )
        users = {row.call_id: row.user_id for row in db.session.execute(ringing)}
        mine = [call for call in self.open_calls() if users.get(call.id) == self.house.users[who]]
        for call in mine or [call for call in self.open_calls() if call.id in users][:1]:
            self.attempt(talk.answer, call.key, users[call.id])

    @rule(who=WHO, place=PLACE)
    def declines(self, who: str, place: int) -> None:
        self.on(who, place, talk.reject)

    @rule(who=WHO)
    def connects_the_browser(self, who: str) -> None:
        self.house.browser(who)

    @rule(who=WHO)
    def loses_the_browser(self, who: str) -> None:
        if media := self.house.media(who):
            self.house.voice.driver.goes(media, "lost")
            self.house.voice.pump()

    @rule(who=WHO, really=RARELY)
    def goes_home(self, who: str, really: int) -> None:
        if really:
            return
        self.attempt(presence.sign_off, self.house.users[who], "connection_lost")

    @rule(who=WHO, place=PLACE)
    def wraps_up(self, who: str, place: int) -> None:
        query = db.select(Interaction.id).where(
            Interaction.agent_id == self.house.users[who], Interaction.state.in_(("wrap_up", "active"))
        )
        interaction_id = self.pick(sorted(db.session.scalars(query)), place)
        if interaction_id is not None:
            self.attempt(assignment.complete, interaction_id, self.house.users[who], None)

    @rule(who=WHO, other=WHO)
    def calls_a_colleague(self, who: str, other: str) -> None:
        self.attempt(dialling.call, self.house.users[who], {"user_id": self.house.users[other]})

    @rule(who=WHO)
    def calls_a_number(self, who: str) -> None:
        self.attempt(dialling.call, self.house.users[who], {"number": "+74957654321"})

    @rule(who=WHO, place=PLACE, what=st.sampled_from(DOINGS), other=WHO, outside=st.booleans())
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

    @rule(who=WHO, place=PLACE)
    def transfers_to_a_service(self, who: str, place: int) -> None:
        self.on(who, place, company.transfer, Target(service_id=self.house.other_service_id))

    @rule(place=PLACE, mode=st.sampled_from(["monitor", "whisper", "barge", ""]))
    def the_supervisor_listens(self, place: int, mode: str) -> None:
        call = self.pick(self.open_calls(), place)
        if call is not None:
            phones.connect(self.house.elena, SDP)
            self.house.voice.driver.media_flows(self.house.media("elena"))
            self.attempt(company.supervise, call.key, self.house.elena, mode)

    @rule(really=RARELY)
    def the_voice_process_dies(self, really: int) -> None:
        if really:
            return
        self.house.voice.begin()
        self.house.voice.pump()

    # --- what is always true -----------------------------------------------------------------------------

    @invariant()
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

    @invariant()
    def nobody_talks_in_two_calls(self) -> None:
        for user_id in self.house.users.values():
            talks = db.select(VoiceLeg.id).where(
                VoiceLeg.user_id == user_id,
                VoiceLeg.left_at.is_(None),
                VoiceLeg.state == "up",
                VoiceLeg.held.is_(False),
            )
            assert len(db.session.scalars(talks).all()) <= 1

    @invariant()
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

    @invariant()
    def nothing_is_offered_to_who_talks(self) -> None:
        db.session.rollback()
        for offer in db.session.scalars(db.select(Offer).where(Offer.outcome.is_(None))):
            row = db.session.get_one(Presence, offer.agent_id, populate_existing=True)
            assert row.state in ("ringing", "busy"), row.state

    def teardown(self) -> None:
        self.house.clear()


def test_random_lives_of_calls(house):
    Lives.house = house
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Lives,
        settings=settings(phases=[Phase.explicit, Phase.generate], max_examples=LIVES, stateful_step_count=STEPS, deadline=None, suppress_health_check=quiet),
    )
