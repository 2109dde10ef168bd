"""Calls on both data bases, and what two processes do at once: one wins, the other is told."""

from __future__ import annotations

import threading

import pytest

from core import assignment
from core.contracts import Rejected
from core.db import db
from core.model import Interaction
from plugins.voice.calls import company, driver_events, ending, picture, talk
from plugins.voice.calls.dialling import Target
from plugins.voice.models.calls import VoiceCall
from tests.support.call_house import call_house


@pytest.fixture
def house(app):
    with call_house(app) as made:
        # Two threads may not drive one loop: commands wait for each other as at the real socket.
        lock, ask = threading.Lock(), made.voice.ask

        def in_turn(*arguments):
            with lock:
                return ask(*arguments)

        app.extensions["okno_voice_transport"] = in_turn
        yield made


def at_once(house, *works) -> list[str]:
    """Run works in threads that begin together; the codes of those that were refused, sorted."""
    begin, codes = threading.Barrier(len(works)), []

    def run(work):
        with house.app.app_context():
            begin.wait(10)
            try:
                work()
            except Rejected as refused:
                codes.append(refused.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    db.session.rollback()
    return sorted(codes)


def test_the_contact_hangs_up_while_the_agent_answers(house):
    key = house.visitor()
    house.ready("anna")
    assignment.route_due()
    media, seq = house.customer(key), house.voice.host.ring.last + 1
    db.session.rollback()
    event = {"kind": "leg.hangup", "leg": media, "data": {"cause": "normal"}}
    at_once(
        house,
        lambda: talk.answer(key, house.anna),
        lambda: driver_events.apply(house.voice.host.process, seq, event),
    )
    assert house.call(key).ended_at is not None
    assert house.interaction(key).state in ("wrap_up", "closed")
    assert picture.of_user(house.anna) == []


def test_an_event_is_carried_out_once_whoever_reads_it(house):
    key = house.answered()
    seq = house.voice.host.ring.last + 1
    event = {"kind": "leg.hangup", "leg": house.customer(key), "data": {"cause": "normal"}}
    db.session.rollback()
    done = []
    at_once(
        house,
        *[lambda: done.append(driver_events.apply(house.voice.host.process, seq, event)) for _ in range(3)],
    )
    assert sorted(done) == [False, False, True]
    assert house.call(key).cause == "normal"


def test_two_colleagues_are_consulted_at_once_and_one_is(house):
    key = house.answered()
    for name in ("boris", "vera"):
        house.ready(name)
    db.session.rollback()
    codes = at_once(
        house,
        lambda: company.consult(key, house.anna, Target(user_id=house.boris)),
        lambda: company.consult(key, house.anna, Target(user_id=house.vera)),
    )
    assert codes == ["call-not-now"]
    assert len(db.session.scalars(db.select(VoiceCall).where(VoiceCall.consult_of_id.is_not(None))).all()) == 1


def test_both_ends_hang_up_at_once(house):
    key = house.answered()
    seq = house.voice.host.ring.last + 1
    event = {"kind": "leg.hangup", "leg": house.customer(key), "data": {"cause": "normal"}}
    db.session.rollback()
    at_once(
        house,
        lambda: ending.hang_up(key, house.anna),
        lambda: driver_events.apply(house.voice.host.process, seq, event),
    )
    assert house.call(key).state == "ended"
    assert db.session.scalars(db.select(Interaction.state)).all() == ["wrap_up"]
    assert house.live_legs() == []


def test_the_picture_of_many_calls_takes_a_constant_number_of_statements(house, count_queries):
    house.answered()
    with count_queries() as one:
        picture.of_user(house.anna)
    for name in ("boris", "vera"):
        house.ready(name)
        company.invite(picture.of_user(house.anna)[0]["key"], house.anna, Target(user_id=house.users[name]))
        talk.answer(picture.of_user(house.users[name])[0]["key"], house.users[name])
    db.session.rollback()
    with count_queries() as more:
        picture.of_user(house.anna)
    assert more.count <= one.count + 1
