"""Who waits: menus, voicemail, callbacks, announcements, and what time does to calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import assignment, clock
from core.db import db
from core.model import Interaction
from plugins.voice.calls import book, company, ending, menus, picture, talk, timing, waiting
from plugins.voice.calls import dialling as dial
from plugins.voice.menus import operations as menu_book
from plugins.voice.messages import rules
from plugins.voice.messages.rules import Rule
from plugins.voice.models.calls import VoiceLeg
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.models.voicemail import Voicemail
from plugins.voice.process.scene import MUSIC
from plugins.voice.quality import looks
from plugins.voice.quality.looks import Looks
from plugins.voice.sounds import speech
from plugins.voice.voicemail.forwarding import Forward, set_forwards
from tests.support.call_house import CALLER, shared_house

MENU_NUMBER = "+78000000009"
MENU = {
    "title": {"en": "Main", "ru": "Главное"},
    "numbers": [MENU_NUMBER],
    "start": "choice",
    "steps": {
        "choice": {
            "type": "digits",
            "message": "welcome",
            "options": {"1": "sales", "2": "back", "3": "box", "4": "outside"},
            "otherwise": "bye",
            "tries": 2,
            "seconds": 5,
        },
        "sales": {"type": "queue", "service": "sales", "priority": 7},
        "back": {"type": "callback", "service": "support"},
        "box": {"type": "voicemail", "service": "support"},
        "outside": {"type": "number", "number": "+79160000000"},
        "bye": {"type": "hangup"},
    },
}


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    for made in shared_house(tmp_path_factory.mktemp("waiting"), migrated_templates):
        made.add_message("welcome")
        menu_book.save_menu("main", MENU)
        yield made


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()
    rules.set_rule("support", Rule())


def playing(house, key: str) -> list[str]:
    """The ids of what is played at the contact, the waiting music left out."""
    leg = house.customer(key)
    driver = house.voice.driver
    return [name for name, one in driver.playing.items() if one.target == leg and not name.startswith("wait.")]


def hear_out(house, key: str) -> None:
    for name in playing(house, key):
        house.voice.driver.heard_out(name)
    house.voice.pump()


def press(house, key: str, digit: str) -> None:
    house.voice.driver.presses(house.customer(key), digit)
    house.voice.pump()


def test_a_menu_asks_and_leads_into_the_queue_of_a_service(house):
    key = house.line(to=MENU_NUMBER)
    assert (house.call(key).state, len(playing(house, key))) == ("menu", 1)
    hear_out(house, key)
    assert "collect_until" in house.call(key).course
    press(house, key, "1")
    interaction = house.interaction(key)
    assert (house.call(key).state, interaction.service_id, interaction.priority) == (
        "queued",
        house.other_service_id,
        7,
    )
    assert house.voice.driver.sounds_at(house.customer(key)) == [MUSIC]


def test_a_text_that_nobody_has_spoken_is_a_tone_and_the_menu_goes_on(house, monkeypatch):
    monkeypatch.setattr(speech, "DEFAULT", "no-such-program-here")
    document = {
        "language": "ru",
        "numbers": ["+78000000010"],
        "steps": {
            "hello": {"type": "say", "text": {"ru": "Здравствуйте"}, "next": "ask"},
            "ask": {"type": "digits", "text": {"ru": "Нажмите один"}, "options": {"1": "go"}, "otherwise": "go"},
            "go": {"type": "queue", "service": "sales"},
        },
    }
    menu_book.save_menu("unspoken", document)
    assert menu_book.unspoken() == {"unspoken": ["Здравствуйте", "Нажмите один"]}
    key = house.line(to="+78000000010")
    for step in ("hello", "ask"):
        assert house.call(key).course["menu"]["step"] == step
        assert house.voice.driver.sounds_at(house.customer(key)) == [menus.INSTEAD]
        hear_out(house, key)
    assert "collect_until" in house.call(key).course
    press(house, key, "1")
    assert house.call(key).state == "queued"


def test_who_presses_nothing_is_asked_again_and_then_let_go(house):
    key = house.line(to=MENU_NUMBER)
    for _ in range(2):
        hear_out(house, key)
        assert menus.expire_due() == 0
        with clock.at(clock.now() + timedelta(seconds=6)):
            assert menus.expire_due() == 1
        house.voice.pump()
    assert (house.call(key).state, house.live_legs()) == ("ended", [])


def test_a_key_may_be_pressed_while_the_question_is_asked(house):
    key = house.line(to=MENU_NUMBER)
    press(house, key, "4")
    outside = house.outside(key)
    assert house.voice.driver.dialled[-1][1] == "tel:+79160000000"
    house.voice.driver.media_flows(outside)
    assert house.hears(house.customer(key)) == {"outside"}
    house.voice.driver.goes(outside)
    assert house.live_legs() == []


def test_a_message_is_left_after_the_tone_and_kept(house):
    key = house.line(to=MENU_NUMBER)
    press(house, key, "3")
    driver, before = house.voice.driver, len(db.session.scalars(db.select(Voicemail)).all())
    while playing(house, key):
        assert driver.recordings == {}
        hear_out(house, key)
    assert [tape.target for tape in driver.recordings.values()] == [house.customer(key)]
    driver.goes(house.customer(key))
    house.voice.pump()
    left = db.session.scalars(db.select(Voicemail).order_by(Voicemail.id)).all()
    assert len(left) == before + 1
    assert (left[-1].number, left[-1].call_id) == (CALLER, house.call(key).id)


def test_a_caller_asks_to_be_called_back_and_the_agent_who_accepts_calls(house, monkeypatch):
    monkeypatch.setitem(house.app.extensions["okno"].config.values, "voice.callback_retry_minutes", 0)
    key = house.line(to=MENU_NUMBER)
    press(house, key, "2")
    assert (house.call(key).state, house.live_legs()) == ("ended", [])
    waiting_one = db.session.scalars(db.select(Interaction).where(Interaction.state == "queued")).one()
    house.ready("anna")
    assert house.accept("anna") == waiting_one.id
    house.voice.pump()
    again = picture.of_user(house.anna)[0]
    assert (again["direction"], again["number"], again["state"]) == ("out", CALLER, "ringing")
    house.voice.driver.goes(house.customer(again["key"]), "no_answer")
    house.voice.pump()
    db.session.expire_all()
    states = db.session.scalars(db.select(VoiceCallback.state)).all()
    assert (states, db.session.get_one(Interaction, waiting_one.id).state) == (["waiting"], "queued")
    house.ready("boris")
    house.accept("boris")
    house.voice.pump()
    again = picture.of_user(house.boris)[0]
    house.voice.driver.media_flows(house.customer(again["key"]))
    house.voice.pump()
    ending.hang_up(again["key"], house.boris)
    house.voice.pump()
    assert db.session.scalars(db.select(VoiceCallback.state)).all() == ["done"]
    assert db.session.get_one(Interaction, waiting_one.id).state == "wrap_up"


def test_who_waits_may_press_1_to_be_called_back(house):
    key = house.line()
    press(house, key, "1")
    assert (house.call(key).state, house.live_legs()) == ("ended", [])
    assert db.session.scalars(db.select(VoiceCallback.state).where(VoiceCallback.state == "waiting")).all() == [
        "waiting"
    ]


def test_places_in_the_queue_are_told_to_pages_when_they_change(house):
    first, second = house.visitor("+74950000001"), house.visitor("+74950000002")
    assert [waiting.standing(house.call(key))[0] for key in (first, second)] == [1, 2]
    house.voice.driver.goes(house.customer(first))
    house.voice.pump()
    assert waiting.announce_due() >= 1
    assert house.call(second).course["told"][0] == 1
    assert waiting.announce_due() == 0


def test_announcements_are_spoken_between_the_music(house, monkeypatch):
    monkeypatch.setattr(waiting, "sound_of_text", lambda text, language: f"tone:500/100 {text}")
    key = house.line()
    with clock.at(clock.now() + timedelta(seconds=61)):
        assert waiting.announce_due() == 1
        assert waiting.announce_due() == 0
    house.voice.pump()
    (said,) = house.voice.driver.sounds_at(house.customer(key))
    assert "ваш номер 1" in said
    hear_out(house, key)
    assert house.voice.driver.sounds_at(house.customer(key)) == [MUSIC]


def test_after_a_long_wait_the_caller_may_leave_a_message(house):
    rules.set_rule("support", Rule(voicemail_seconds=120))
    key = house.line()
    interaction_id = house.interaction(key).id
    with clock.at(clock.now() + timedelta(seconds=121)):
        assert timing.take_messages_due() == 1
    house.voice.pump()
    assert (house.call(key).state, len(playing(house, key))) == ("menu", 1)
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "closed"


def test_a_colleague_who_does_not_answer_stops_ringing_or_is_forwarded(house):
    house.ready("anna")
    house.ready("boris")
    key = dial.call(house.anna, {"user_id": house.boris})
    assert timing.end_unanswered() == 0
    with clock.at(clock.now() + timedelta(seconds=31)):
        assert timing.end_unanswered() == 1
    assert (house.call(key).cause, house.state_of("anna")) == ("no_answer", "ready")
    set_forwards(house.boris, {"no_answer": Forward("+79161112233", 10)})
    key = dial.call(house.anna, {"user_id": house.boris})
    with clock.at(clock.now() + timedelta(seconds=11)):
        assert timing.end_unanswered() == 1
    house.voice.pump()
    assert house.voice.driver.dialled[-1][1] == "tel:+79161112233"
    set_forwards(house.boris, {"always": Forward("+79164445566")})
    ending.hang_up(key, house.anna)
    key = dial.call(house.anna, {"user_id": house.boris})
    house.voice.pump()
    assert house.voice.driver.dialled[-1][1] == "tel:+79164445566"
    set_forwards(house.boris, {})


def test_the_greeting_is_heard_by_both_and_a_machine_gets_its_message_while_the_agent_is_free(house):
    message_id = house.add_message("", owner="anna")
    from plugins.voice.messages import operations as messages

    messages.choose(house.anna, greeting_id=message_id, machine_id=message_id)
    key = house.answered()
    house.voice.pump()
    driver = house.voice.driver
    assert [one.target for one in driver.playing.values()] == [house.call(key).bridge]
    from plugins.voice.calls import saying

    saying.message(key, house.anna, None, leave=True)
    house.voice.pump()
    assert (house.live_legs(), house.interaction(key).state) == ([house.customer(key)], "wrap_up")
    hear_out(house, key)
    assert (house.live_legs(), house.call(key).state) == ([], "ended")


def test_quality_is_kept_with_its_worst(house):
    key = house.answered()
    talk.note_quality(key, house.anna, {"loss_percent": 3.5, "jitter_ms": 8, "rtt_ms": 40})
    talk.note_quality(key, house.anna, {"loss_percent": 0.1, "jitter_ms": 25, "rtt_ms": 40})
    own = book.leg_of(house.call(key), house.anna)
    assert figures_of(own) == (0.1, 25.0, 40.0, 3.5, 25.0)


def test_reports_of_listeners_and_of_those_who_have_left_are_taken_and_not_kept(house):
    key = house.answered()
    house.browser("elena")
    company.supervise(key, house.elena, "monitor")
    poor = {"loss_percent": 50, "jitter_ms": 8, "rtt_ms": 40}
    talk.note_quality(key, house.elena, poor)
    ending.hang_up(key, house.anna)
    talk.note_quality(key, house.anna, poor)
    legs = db.session.scalars(select(VoiceLeg).where(VoiceLeg.call_id == house.call(key).id)).all()
    assert len(legs) == 3
    assert {figures_of(leg) for leg in legs} == {(None,) * 5}


def figures_of(leg):
    return tuple(getattr(leg, name) for name in talk.FIGURES)


def test_what_the_switch_measures_is_kept_of_both_sides_when_it_is_news(house):
    key = house.answered()

    def tells(media, loss, jitter):
        house.voice.driver.tell("leg.quality", leg=media, data={"loss_percent": loss, "jitter_ms": jitter, "rtt_ms": 9})
        house.voice.pump()

    def kept(kind):
        return next(figures_of(leg) for leg in book.legs_of(house.call(key)) if leg.kind == kind)

    # The caller: first figures, then worse ones; then that it is good again, for no page of theirs tells it.
    for loss, jitter in ((0.1, 2.0), (0.3, 4.0), (6.0, 4.0), (5.5, 30.0), (0.2, 3.0), (0.0, 1.0)):
        tells(house.customer(key), loss, jitter)
    assert kept("customer") == (0.2, 3.0, 9.0, 6.0, 30.0)
    # The agent's telephone has no leg of its own in the call: what is heard of it counts for the call that they talk in.
    assert kept("agent") == (None,) * 5
    tells(house.media("anna"), 3.0, 2.0)
    assert kept("agent") == (3.0, 2.0, 9.0, 3.0, 2.0)
    talk.hold(key, house.anna)
    house.voice.pump()
    tells(house.media("anna"), 50.0, 2.0)
    tells("nobody", 50.0, 2.0)
    assert kept("agent") == (3.0, 2.0, 9.0, 3.0, 2.0)


def test_the_mean_holds_every_look_whether_it_was_news_or_not(house):
    key = house.answered()
    customer, anna = house.customer(key), house.media("anna")

    def tells(media, loss, jitter):
        house.voice.driver.tell("leg.quality", leg=media, data={"loss_percent": loss, "jitter_ms": jitter, "rtt_ms": 9})
        house.voice.pump()

    def means(kind):
        rows = db.session.scalars(db.select(VoiceLeg).where(VoiceLeg.call_id == house.call(key).id))
        return next((leg.samples, leg.mean_loss, leg.mean_jitter) for leg in rows if leg.kind == kind)

    tells(customer, 1.0, 4.0)
    assert means("customer") == (1, 1.0, 4.0)
    for _ in range(looks.MOST_AT_ONCE - 1):
        tells(customer, 0.0, 2.0)
    assert means("customer")[0] == 1
    tells(customer, 0.0, 2.0)
    assert means("customer") == (13, 0.077, 2.15)
    # The agent's page says how many looks its figures stand for.
    talk.note_quality(key, house.anna, {"loss_percent": 3.0, "jitter_ms": 9.0, "rtt_ms": 40}, Looks(3, 1.0, 5.0))
    talk.note_quality(key, house.anna, {"loss_percent": 0.0, "jitter_ms": 1.0, "rtt_ms": 40})
    tells(anna, 0.0, 1.0)
    assert means("agent") == (4, 0.75, 4.0)
    # What is left over is kept when the call ends.
    tells(customer, 0.0, 2.0)
    ending.hang_up(key, house.anna)
    house.voice.pump()
    assert (means("customer")[0], means("agent")[:2]) == (14, (5, 0.6))
    assert looks.waiting(house.app).of_calls(customer) == {}


def test_a_telephone_outside_of_the_browser_rings_for_the_agent(house):
    from plugins.voice.calls import phones

    phones.choose(house.anna, "external", "+7 495 555-00-01")
    house.ready("anna")
    key = house.visitor()
    house.accept("anna")
    house.voice.pump()
    driver = house.voice.driver
    leg, address, _ = driver.dialled[-1]
    assert (leg, address) == (house.media("anna"), "tel:+74955550001")
    driver.media_flows(leg)
    assert house.hears(house.customer(key)) == {"anna"}
    driver.goes(leg)
    house.voice.pump()
    assert (house.live_legs(), house.interaction(key).state) == ([], "wrap_up")
    phones.choose(house.anna, "browser")


def test_a_ringing_offer_that_expires_goes_on_waiting(house):
    key = house.visitor()
    house.ready("anna")
    assert assignment.route_due() == 1
    with clock.at(clock.now() + timedelta(seconds=60)):
        assert assignment.expire_due() == 1
    assert (house.call(key).state, len(book.legs_of(house.call(key)))) == ("queued", 1)
