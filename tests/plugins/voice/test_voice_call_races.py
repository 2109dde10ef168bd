"""Calls on both data bases, and what two processes do at once: one wins, the other is told."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core import assignment, clock
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Interaction, User
from plugins.voice.calls import book, company, dialling, driver_events, ending, phones, picture, serving, talk
from plugins.voice.calls.dialling import Target
from plugins.voice.models.calls import VoiceCall
from plugins.voice.registration import callbacks
from tests.support.call_house import SDP, call_house, promised


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


def test_a_consultation_is_hung_up_while_it_is_merged(house, monkeypatch):
    key = house.answered()
    house.ready("boris")
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    talk.answer(second, house.boris)
    first_id, lock, by_key, inside = house.call(key).id, book.lock, book.by_key, threading.Event()
    db.session.rollback()

    def held_open(call_id):
        found = lock(call_id)
        if call_id == first_id and threading.current_thread().name == "merger":
            inside.wait(0.5)
        return found

    def seen(call_key):
        found = by_key(call_key)
        inside.set()
        return found

    monkeypatch.setattr(book, "lock", held_open)
    monkeypatch.setattr(book, "by_key", seen)

    def merging():
        threading.current_thread().name = "merger"
        company.merge(key, house.anna)

    codes = at_once(house, merging, lambda: ending.hang_up(second, house.boris))
    assert codes in (["call-ended"], ["no-consult"])
    members = {leg.user_id for leg in book.legs_of(house.call(key))} - {None}
    assert members == ({house.anna, house.boris} if codes == ["call-ended"] else {house.anna})
    assert house.call(second).state == "ended"


def test_who_was_consulted_outside_hangs_up_while_being_merged(house, monkeypatch):
    key = house.answered()
    second = company.consult(key, house.anna, Target(number=dialling.parse("+79161234567")))
    house.voice.pump()
    media = house.outside(second)
    house.voice.driver.media_flows(media)
    house.voice.pump()
    lock, began, looked = book.lock, threading.Event(), threading.Event()
    seq, process = house.voice.host.ring.last + 1, house.voice.host.process
    db.session.rollback()

    def noticed(call_id):
        if threading.current_thread().name == "listener":
            looked.set()
        return lock(call_id)

    monkeypatch.setattr(book, "lock", noticed)

    def merging():
        with transaction():
            company.merge(key, house.anna)
            began.set()
            looked.wait(0.5)

    def hanging_up():
        began.wait(10)
        threading.current_thread().name = "listener"
        driver_events.apply(process, seq, {"kind": "leg.hangup", "leg": media, "data": {"cause": "normal"}})

    assert at_once(house, merging, hanging_up) == []
    there = book.legs_of(house.call(key))
    assert sorted(leg.kind for leg in there) == ["agent", "customer"]
    assert house.hears(house.customer(key)) == {"anna"}


def test_the_customer_leaves_while_a_consultation_is_completed(house):
    key = house.answered()
    house.ready("boris")
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    talk.answer(second, house.boris)
    seq = house.voice.host.ring.last + 1
    event = {"kind": "leg.hangup", "leg": house.customer(key), "data": {"cause": "normal"}}
    db.session.rollback()
    codes = at_once(
        house,
        lambda: company.complete(key, house.anna),
        lambda: driver_events.apply(house.voice.host.process, seq, event),
    )
    assert codes in ([], ["no-consult"], ["call-ended"])
    first, asked = house.call(key), house.call(second)
    assert (first.state, house.interaction(key).state) == ("ended", "wrap_up")
    # Either Boris had it and wraps up, or the two agents still talk, and nothing can be merged any more.
    if codes:
        assert asked.state == "talking"
        (shown,) = picture.of_user(house.anna)
        assert [shown["can"][what] for what in ("swap", "merge", "complete", "hangup")] == [False, False, False, True]
    else:
        assert (asked.state, house.interaction(key).agent_id) == ("ended", house.boris)


def test_a_transfer_and_a_hang_up_and_two_completions_at_once(house):
    key = house.answered()
    house.ready("boris")
    db.session.rollback()
    codes = at_once(
        house,
        lambda: company.transfer(key, house.anna, Target(user_id=house.boris)),
        lambda: ending.hang_up(key, house.anna),
    )
    assert codes in (["not-in-call"], ["call-ended"])
    assert house.interaction(key).state == ("offered" if codes == ["not-in-call"] else "wrap_up")
    house.voice.pump()
    house.clear()
    key = house.answered()
    house.ready("boris")
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    talk.answer(second, house.boris)
    db.session.rollback()
    assert at_once(house, *[lambda: company.complete(key, house.anna)] * 2) == ["no-consult"]
    assert (house.interaction(key).agent_id, house.interaction(key).state) == (house.boris, "active")
    assert [leg.user_id for leg in book.legs_of(house.call(key)) if leg.user_id] == [house.boris]


def test_a_call_ends_while_its_agent_answers_another(house, monkeypatch):
    with transaction():
        db.session.get_one(User, house.anna).capacity = {"voice": {"push": 2, "limit": 2}}
    first = house.answered()
    second = house.visitor("+74957654321")
    assert assignment.route_due() == 1
    lock, hold, answering = book.lock, serving.hold_others, threading.Event()
    seq, process = house.voice.host.ring.last + 1, house.voice.host.process
    first_id, event = house.call(first).id, {"kind": "leg.hangup", "leg": house.customer(first), "data": {}}
    db.session.rollback()

    def held_open(call_id):
        found = lock(call_id)
        if call_id == first_id and threading.current_thread().name == "listener":
            answering.wait(0.5)
        return found

    def noticed(user_id, but):
        answering.set()
        hold(user_id, but)

    monkeypatch.setattr(book, "lock", held_open)
    monkeypatch.setattr(serving, "hold_others", noticed)

    def hanging_up():
        threading.current_thread().name = "listener"
        driver_events.apply(process, seq, event)

    assert at_once(house, hanging_up, lambda: talk.answer(second, house.anna)) == []
    assert (house.call(first).state, house.interaction(first).state) == ("ended", "wrap_up")
    assert (house.call(second).state, book.leg_of(house.call(second), house.anna).held) == ("talking", False)


def test_a_call_ends_while_its_agents_browser_connects_anew(house, monkeypatch):
    key = house.answered()
    call_id, lock, of = house.call(key).id, book.lock, phones.of
    inside, phoned = threading.Event(), threading.Event()
    seq, process = house.voice.host.ring.last + 1, house.voice.host.process
    event = {"kind": "leg.hangup", "leg": house.customer(key), "data": {}}
    db.session.rollback()

    def held_open(asked):
        found = lock(asked)
        if asked == call_id and threading.current_thread().name == "listener":
            inside.set()
            phoned.wait(0.5)
        return found

    def noticed(user_id):
        if threading.current_thread().name != "listener":
            inside.wait(0.5)
        found = of(user_id)
        phoned.set()
        return found

    monkeypatch.setattr(book, "lock", held_open)
    monkeypatch.setattr(phones, "of", noticed)
    connected = []

    def hanging_up():
        threading.current_thread().name = "listener"
        driver_events.apply(process, seq, event)

    assert at_once(house, hanging_up, lambda: connected.append(phones.connect(house.anna, SDP))) == []
    assert len(connected) == 1 and house.call(key).state == "ended"


def test_two_agents_take_one_callback_over_and_one_calls(house):
    row = promised(house)
    callback_id, interaction_id = row.id, row.interaction_id
    for name in ("anna", "boris"):
        house.ready(name)
    db.session.rollback()
    codes = at_once(
        house,
        lambda: callbacks.take_over(callback_id, house.anna),
        lambda: callbacks.take_over(callback_id, house.boris),
    )
    assert codes in (["callback-gone"], ["taken"])
    house.voice.pump()
    (call,) = db.session.scalars(db.select(VoiceCall).where(VoiceCall.direction == "out")).all()
    (open_one,) = callbacks.latest()
    assert (open_one.state, open_one.attempts, open_one.by_id) == ("calling", 1, call.agent_id)
    with clock.at(clock.now() + timedelta(minutes=2)):
        assert callbacks.end_lost() == 0
    # Nobody is there; what is cancelled while its pause ends stays cancelled.
    house.voice.driver.goes(call.customer_leg, "busy")
    house.voice.pump()
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "put_off"
    later = clock.now() + timedelta(minutes=11)
    db.session.rollback()
    done = []

    def come_due():
        with clock.at(later):
            done.append(callbacks.come_due())

    codes = at_once(house, come_due, lambda: callbacks.cancel(callback_id, house.anna, "не нужно"))
    assert (codes, callbacks.latest()) == ([], [])
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "closed"
    assert done in ([0], [1])


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
