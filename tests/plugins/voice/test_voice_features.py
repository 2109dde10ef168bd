"""Menus kept, recorded messages, voicemail, recordings, callbacks: what is stored, who may, what is forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core import calendars, clock, outbox, storage
from core.contracts import Rejected
from core.db import db
from core.model import Interaction, Notification, OutboxRow, StoredFile, TimelineEntry
from core.schemas import Invalid
from plugins.voice import feature_contributions as features
from plugins.voice.lines import directory
from plugins.voice.menus import operations as menus
from plugins.voice.messages import operations as messages
from plugins.voice.messages import rules
from plugins.voice.models.recordings import CallRecording
from plugins.voice.models.voicemail import Voicemail, VoicemailGreeting
from plugins.voice.recordings import library
from plugins.voice.registration import callbacks
from plugins.voice.voicemail import boxes, forwarding, messages_left
from plugins.voice.voicemail.boxes import Whose
from plugins.voice.voicemail.forwarding import Course, Forward
from tests.support.voice_features_house import NUMBER, FeaturesHouse, beep

MENU = {"numbers": [NUMBER], "steps": {"hello": {"type": "queue", "service": "support"}}}


@pytest.fixture
def house(features: FeaturesHouse) -> FeaturesHouse:
    return features


def code_of(act: Any) -> str:
    with pytest.raises(Rejected) as refusal:
        act()
    db.session.rollback()
    return refusal.value.code


# --- menus -------------------------------------------------------------------------------------------


def test_a_menu_answers_its_number_and_two_cannot_have_the_same(house):
    assert menus.menu_of_number(NUMBER) is None
    menus.save_menu("main", MENU)
    assert menus.menu_of_number(NUMBER).key == "main"
    with pytest.raises(Invalid) as refusal:
        menus.save_menu("other", MENU)
    assert "main" in refusal.value.errors["numbers"].en
    db.session.rollback()
    menus.save_menu("main", MENU, active=False)
    assert menus.menu_of_number(NUMBER) is None and menus.menu("main") is None
    menus.remove_menu("main")
    assert menus.list_menus() == []


def test_a_menu_names_only_what_there_is(house):
    for step in (
        {"type": "queue", "service": "nowhere"},
        {"type": "voicemail", "user": "nobody"},
        {"type": "message", "message": "none", "next": "a"},
        {"type": "menu", "menu": "missing"},
        {"type": "hours", "calendar": "moon", "open": "b", "closed": "b"},
    ):
        document = {"steps": {"a": step, "b": {"type": "hangup"}}}
        assert code_of(lambda given=document: menus.save_menu("main", given)) == "menu-invalid"


def test_two_editors_of_a_menu_collide(house):
    row = menus.save_menu("main", MENU)
    seen = row.version
    menus.save_menu("main", MENU, version=seen)
    assert code_of(lambda: menus.save_menu("main", MENU, version=seen)) == "menu-overtaken"


def test_yaml_goes_out_and_comes_in_the_same_and_mistakes_name_the_line(house):
    row = menus.save_menu("main", MENU)
    assert menus.from_yaml(menus.as_yaml(row.document)) == row.document
    with pytest.raises(Invalid) as refusal:
        menus.from_yaml("steps:\n  a: [")
    assert "Line" in refusal.value.errors["document"].en


def test_the_demo_has_a_menu_to_try_and_lines(house):
    features.load_demo()
    features.load_demo()
    assert [(row.key, row.active) for row in menus.list_menus()] == [("main", False)]
    assert [line.service_id for line in directory.list_lines()] == sorted(house.services.values())


# --- recorded messages -------------------------------------------------------------------------------


def test_own_messages_are_the_agents_and_central_ones_everybodys(house):
    anna, boris, vera = (house.users[name] for name in ("anna", "boris", "vera"))
    own = messages.add("Приветствие", beep(), owner_id=anna, by_id=anna)
    central = messages.add("Часы работы", beep(2), owner_id=None, key="hours", by_id=vera)
    assert [row.id for row in messages.visible(anna)] == [own.id, central.id]
    assert [row.id for row in messages.visible(boris)] == [central.id]
    assert code_of(lambda: messages.seen(own.id, boris)) == "voice-message-unknown"
    assert code_of(lambda: messages.add("Чужое", beep(), owner_id=None, by_id=anna)) == "voice-message-not-yours"
    assert code_of(lambda: messages.remove(central.id, anna)) == "voice-message-not-yours"
    assert code_of(lambda: messages.add("Ещё", beep(), owner_id=None, key="hours")) == "voice-message-key"
    path = messages.sound_of(own.id).removeprefix("file:")
    assert Path(path).read_bytes().startswith(b"RIFF")
    assert messages.sound_of_key("hours") == f"file:{storage.path(central.sha256)}"


def test_what_is_chosen_is_played_and_forgotten_with_the_message(house):
    anna = house.users["anna"]
    own = messages.add("Приветствие", beep(), owner_id=anna, by_id=anna)
    messages.choose(anna, greeting_id=own.id, machine_id=own.id)
    assert messages.greeting_sound(anna) == messages.sound_of(own.id) != ""
    assert messages.machine_message_id(anna) == own.id
    sha256 = own.sha256
    messages.remove(own.id, anna)
    db.session.expire_all()
    assert messages.greeting_sound(anna) == "" and messages.machine_message_id(anna) is None
    assert not storage.path(sha256).exists() and db.session.get(StoredFile, sha256) is None


def test_a_message_that_a_menu_plays_stays(house):
    central = messages.add("Закрыто", beep(), owner_id=None, key="closed")
    menus.save_menu("main", {"steps": {"a": {"type": "hangup", "message": "closed"}}})
    assert code_of(lambda: messages.remove(central.id)) == "in-use"


def test_the_rule_of_a_service_is_kept_whole_or_not_at_all(house):
    consent = messages.add("Запись", beep(), owner_id=None)
    wanted = rules.Rule(record="always", consent_id=consent.id, keep_days=30, voicemail_seconds=60)
    rules.set_rule("support", wanted)
    assert rules.rule_of(house.services["support"]) == wanted
    assert rules.rule_of(house.services["sales"]) == rules.Rule()
    for wrong in (rules.Rule(record="maybe"), rules.Rule(keep_days=-1), rules.Rule(music_id=10**6)):
        assert code_of(lambda given=wrong: rules.set_rule("support", given)) == "voice-rule"
    assert rules.rule_of(house.services["support"]) == wanted


def test_a_caller_leaves_a_message_after_a_long_wait_or_when_the_service_is_closed(house):
    support = house.services["support"]
    assert not rules.takes_message(support, "", 10**4, clock.now())
    rules.set_rule("support", rules.Rule(voicemail_seconds=60))
    waited = [rules.takes_message(support, "", seconds, clock.now()) for seconds in (59, 60)]
    assert waited == [False, True]
    rules.set_rule("support", rules.Rule(closed_voicemail=True))
    calendars.add_calendar("days", "Days", "Дни", {"zone": "UTC", "weekly": {"mon-sun": ["09:00-18:00"]}})
    noon = clock.now().replace(hour=12, minute=0)
    night = noon.replace(hour=3)
    assert [rules.takes_message(support, "days", 0, at) for at in (noon, night)] == [False, True]


# --- voicemail ---------------------------------------------------------------------------------------


def test_a_box_has_three_greetings_at_most_and_one_in_use(house):
    box = boxes.ensure_box(Whose(user_id=house.users["anna"]))
    assert boxes.ensure_box(Whose(user_id=house.users["anna"])).id == box.id
    made = [boxes.add_greeting(box.id, f"Вариант {at}", beep(1, 300 + 100 * at)) for at in range(3)]
    assert code_of(lambda: boxes.add_greeting(box.id, "Лишний", beep())) == "voicemail-greetings"
    in_use = select(VoicemailGreeting.id).where(VoicemailGreeting.active)
    assert list(db.session.scalars(in_use)) == [made[2].id]
    boxes.use_greeting(box.id, made[0].id)
    assert list(db.session.scalars(in_use)) == [made[0].id]
    assert boxes.active_box(Whose(user_id=house.users["anna"])) is None
    boxes.set_box(box.id, active=True, email="", email_as="none")
    kept = boxes.active_box(Whose(user_id=house.users["anna"]))
    assert boxes.greeting_sound(kept, "ru") == f"file:{storage.path(made[0].sha256)}"
    boxes.remove_greeting(box.id, made[0].id)
    assert list(db.session.scalars(in_use)) == []
    boxes.set_box(box.id, active=False, email="", email_as="none")
    assert boxes.active_box(Whose(user_id=house.users["anna"])) is None
    assert code_of(lambda: boxes.set_box(box.id, active=True, email="nobody", email_as="none")) == "voicemail-box"


def left(house: FeaturesHouse, tmp_path: Path, box_id: int, key: str = "v1", **values: Any) -> Voicemail:
    path = house.wav(tmp_path, f"{key}.wav")
    return messages_left.keep(box_id, key, str(path), number="+74951112233", name="Иван Петров", **values)


@pytest.mark.parametrize(("email_as", "files"), [("attachment", 1), ("link", 0)])
def test_a_message_is_encoded_told_and_mailed(house, tmp_path, email_as, files):
    anna = house.users["anna"]
    box = boxes.ensure_box(Whose(user_id=anna))
    boxes.set_box(box.id, active=True, email="", email_as=email_as)
    case = house.case("Не дозвонился")
    row = left(house, tmp_path, box.id, case_id=case.id)
    assert left(house, tmp_path, box.id).id == row.id
    assert messages_left.encode_due() == 1 and messages_left.encode_due() == 0
    kept = db.session.get_one(Voicemail, row.id, populate_existing=True)
    assert kept.state == "done" and kept.seconds == pytest.approx(2, abs=0.1)
    assert storage.get(kept.sha256).startswith(b"OggS") and not (tmp_path / "v1.wav").exists()
    assert db.session.scalars(select(Notification.user_id).where(Notification.kind == "voice.voicemail")).all() == [
        anna
    ]
    assert (
        "voice.voicemail"
        in db.session.scalars(select(TimelineEntry.kind).where(TimelineEntry.case_id == case.id)).all()
    )
    letter = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == "mail.notice")).one()
    assert letter.payload["to"] == "anna@example.org" and "Иван Петров" in letter.payload["subject"]
    assert len(letter.payload["files"]) == files
    assert f"https://okno.example/voice/voicemail/{row.id}" in letter.payload["text"]
    outbox.send_due()
    from plugins.email.models import CaughtMail

    caught = db.session.scalars(select(CaughtMail)).one()
    assert caught.recipients == ["anna@example.org"] and (b"audio/ogg" in caught.raw) == bool(files)


def test_messages_are_heard_by_their_owners_and_forgotten_after_their_days(house, tmp_path):
    anna, boris = house.users["anna"], house.users["boris"]
    own = boxes.ensure_box(Whose(user_id=anna))
    shared = boxes.ensure_box(Whose(service_id=house.services["support"]))
    mine, ours = left(house, tmp_path, own.id, "a"), left(house, tmp_path, shared.id, "b")
    messages_left.encode_due()
    assert [row.id for row in messages_left.page(anna)] == [ours.id, mine.id]
    assert messages_left.page(boris) == [] and messages_left.unheard(anna) == 2
    assert code_of(lambda: messages_left.seen(mine.id, boris)) == "voicemail-unknown"
    messages_left.hear(mine.id, anna)
    assert [row.id for row in messages_left.page(anna, unheard=True)] == [ours.id]
    sha256 = db.session.get_one(Voicemail, mine.id, populate_existing=True).sha256
    assert messages_left.prune() == 0
    with clock.at(clock.now() + timedelta(days=91)):
        assert messages_left.prune() == 2
    assert messages_left.page(anna) == [] and not storage.path(sha256).exists()


def test_forwarding_wins_over_voicemail_and_says_when():
    both = {"busy": Forward("+79990000001"), "no_answer": Forward("102", 15)}
    assert forwarding.course({}, None, "new") == Course("ring", seconds=30)
    assert forwarding.course({}, 7, "no_answer") == Course("voicemail", box_id=7)
    assert forwarding.course({}, None, "busy") == Course("end")
    assert forwarding.course(both, 7, "new") == Course("ring", seconds=15)
    assert forwarding.course(both, 7, "no_answer") == Course("forward", number="102")
    assert forwarding.course(both, 7, "busy") == Course("forward", number="+79990000001")
    off = {"busy": Forward("+79990000001", active=False)}
    assert forwarding.course(off, 7, "busy") == Course("voicemail", box_id=7)
    always = {**both, "always": Forward("+79990000002")}
    assert forwarding.course(always, 7, "new") == Course("forward", number="+79990000002")


def test_forwarding_is_kept_and_wrong_numbers_are_named(house):
    anna = house.users["anna"]
    forwarding.set_forwards(anna, {"busy": Forward("+7 (495) 123-45-67"), "always": Forward("")})
    assert forwarding.forwards_of(anna) == {"busy": Forward("+74951234567")}
    assert forwarding.course_of(anna, "busy") == Course("forward", number="+74951234567")
    with pytest.raises(Invalid) as refusal:
        forwarding.set_forwards(anna, {"busy": Forward("sip me")})
    assert set(refusal.value.errors) == {"busy_number"}
    with pytest.raises(Invalid) as refusal:
        forwarding.set_forwards(anna, {"no_answer": Forward("102", 1)})
    assert set(refusal.value.errors) == {"no_answer_seconds"}
    assert forwarding.forwards_of(anna) == {"busy": Forward("+74951234567")}


# --- recordings --------------------------------------------------------------------------------------


def test_a_recording_is_kept_with_its_pauses_and_forgotten_after_its_days(house, tmp_path):
    rules.set_rule("support", rules.Rule(record="always", keep_days=10))
    call = house.call()
    began = clock.now()
    with clock.at(began):
        row = library.begin(call, "r1", house.users["anna"])
        assert library.begin(call, "r1", None).id == row.id
    with clock.at(began + timedelta(seconds=3)):
        assert library.pause("r1", True) and not library.pause("r1", True)
    with clock.at(began + timedelta(seconds=7)):
        assert library.pause("r1", False)
    path = house.wav(tmp_path, "r1.wav", 10)
    assert library.done("r1", str(path), 10) and not library.done("r1", str(path), 10)
    assert library.encode_due() == 1
    kept = db.session.get_one(CallRecording, row.id, populate_existing=True)
    assert (kept.state, kept.pauses) == ("done", [[3.0, 7.0]])
    assert [one.id for one in library.of_case(call.case_id)] == [row.id]
    assert kept.expires_at == kept.started_at + timedelta(days=10)
    sha256 = kept.sha256
    assert storage.path(sha256).exists()
    with clock.at(clock.now() + timedelta(days=11)):
        assert library.prune() == 1
    db.session.expire_all()
    assert db.session.get_one(CallRecording, row.id).state == "removed" and not storage.path(sha256).exists()


def test_a_recording_that_failed_keeps_what_there_is(house, tmp_path):
    call = house.call()
    row = library.begin(call, "r2", None)
    path = house.wav(Path(row.path).parent, "r2.wav")
    assert str(path) == row.path
    assert library.failed("r2", "No space left on device")
    library.encode_due()
    kept = db.session.get_one(CallRecording, row.id, populate_existing=True)
    assert kept.state == "done" and "No space" in kept.failure
    library.begin(call, "r3", None)
    assert library.failed("r3", "No space left on device")
    assert db.session.scalar(select(CallRecording.state).where(CallRecording.key == "r3")) == "failed"


def test_the_recording_of_a_call_that_ended_without_word_is_found(house):
    call = house.call()
    row = library.begin(call, "r4", None)
    house.wav(Path(row.path).parent, "r4.wav")
    assert library.encode_due() == 1
    assert db.session.get_one(CallRecording, row.id, populate_existing=True).state == "done"


def test_a_full_disk_delays_the_encoding_and_loses_nothing(house, monkeypatch):
    import errno

    call = house.call()
    row = library.begin(call, "r5", None)
    path = house.wav(Path(row.path).parent, "r5.wav")
    library.done("r5", str(path), 2)

    def full(_source: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(library, "encode_opus", full)
        library.encode_due()
    assert path.exists()
    assert db.session.get_one(CallRecording, row.id, populate_existing=True).state == "raw"
    library.encode_due()
    assert db.session.get_one(CallRecording, row.id, populate_existing=True).state == "done" and not path.exists()


def test_what_cannot_be_read_is_told_and_goes_with_time(house, tmp_path):
    call = house.call()
    row = library.begin(call, "r6", None)
    broken = tmp_path / "r6.wav"
    broken.write_bytes(b"RIFF")
    library.done("r6", str(broken), 2)
    library.encode_due()
    assert db.session.get_one(CallRecording, row.id, populate_existing=True).state == "failed" and broken.exists()
    with clock.at(clock.now() + timedelta(days=31)):
        assert library.prune() == 1
    assert not broken.exists()


# --- callbacks ---------------------------------------------------------------------------------------


def test_a_callback_is_wished_once_called_and_tried_again(house):
    call = house.call()
    interaction_id = db.session.get_one(Interaction, call.interaction_id).id
    row = callbacks.wish(interaction_id, "+74951112233")
    assert callbacks.wish(interaction_id, "+74951112233").id == row.id
    assert callbacks.end(interaction_id, True) == ""
    for state in ("waiting", "waiting", "failed"):
        assert callbacks.begin(interaction_id) == "+74951112233"
        assert callbacks.begin(interaction_id) == ""
        assert callbacks.end(interaction_id, False) == state
    assert callbacks.begin(interaction_id) == ""
    callbacks.wish(interaction_id, "+74951112233")
    callbacks.begin(interaction_id)
    assert callbacks.end(interaction_id, True) == "done" and callbacks.latest() == []
