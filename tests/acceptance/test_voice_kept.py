"""What stands around a call, by real sound: a menu heard and answered by keys, a message left, a call announced, recorded and paused."""

from __future__ import annotations

import io
import re
from collections import deque
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.voice.sounds.sound_files import RATE, as_wav
from tests.support.kb_house import _free_port
from tests.support.mail_sink import MailSink
from tests.support.softphone_house import NUMBER
from tests.support.tone_parties import FRAME, TONES, WINDOW_FRAMES, tone, tones_in
from tests.support.tone_people import PLUGINS, Agent, CallCentre, Person, Refusal, Visitor, serve_calls
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
VISITOR, ANNA, QUESTION, BORIS, CONSENT = TONES
NOTICE = 1400
BOX = "support-box@example.org"
MENU = {
    "numbers": [NUMBER],
    "steps": {
        "ask": {"type": "digits", "message": "question", "options": {"1": "agent", "2": "box"}, "seconds": 30, "otherwise": "ask"},
        "agent": {"type": "queue", "service": "support"},
        "box": {"type": "voicemail", "service": "support"},
    },
}  # fmt: skip


def prepare(house: CallCentre) -> None:
    """A menu, the sounds it plays, and a service that records every call."""
    from core.app import create_app
    from core.db import db
    from core.services import get_service
    from plugins.voice.lines import directory
    from plugins.voice.menus import operations as menus
    from plugins.voice.messages import operations as messages
    from plugins.voice.messages import rules
    from plugins.voice.voicemail import boxes

    app = create_app(house.home, check_schema=False)
    with app.app_context():
        messages.add("Вопрос", as_wav(tone(QUESTION, 20, RATE)), owner_id=None, key="question")
        consent = messages.add("Предупреждение", as_wav(tone(CONSENT, 6, RATE)), owner_id=None, key="consent")
        menus.save_menu("main", MENU)
        rules.set_rule("support", rules.Rule(record="always", consent_id=consent.id))
        box = boxes.ensure_box(boxes.Whose(service_id=get_service("support").id))
        boxes.set_box(box.id, active=True, email=BOX, email_as="attachment")
        line = {"title_en": "Cards", "title_ru": "Карты", "product": "Карты", "number": "200", "service": "support"}
        directory.save_line("cards", **line)
        directory.save_line("closed", **line, active=False)
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def mails():
    """The SMTP server through which the centre sends."""
    sink = MailSink(_free_port())
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(scope="module")
def centre(migrated_templates, tmp_path_factory, mails: MailSink):
    sending = {
        "OKNO_EMAIL_LISTEN": "false",
        "OKNO_EMAIL_SMTP_SERVER": mails.host,
        "OKNO_EMAIL_SMTP_SERVER_PORT": str(mails.port),
        "OKNO_EMAIL_SMTP_SECURITY": "none",
    }
    folder = tmp_path_factory.mktemp("kept")
    for made in serve_calls(migrated_templates, folder, sending, (*PLUGINS, "email")):
        prepare(made)
        yield made


@pytest.fixture
def house(centre: CallCentre):
    yield centre
    centre.all_leave()


def record(house: CallCentre, rule: str, consent: bool) -> None:
    """How the calls of the service are recorded from now on."""
    from core.app import create_app
    from core.db import db
    from plugins.voice.messages import rules
    from plugins.voice.models.messages import VoiceMessage

    app = create_app(house.home, check_schema=False)
    with app.app_context():
        message_id = db.session.scalars(db.select(VoiceMessage.id).where(VoiceMessage.key == "consent")).one()
        rules.set_rule("support", rules.Rule(record=rule, consent_id=message_id if consent else None))
        db.session.remove()
        db.engine.dispose()


def sound_of(house: CallCentre, sha256: str) -> NDArray[np.int16]:
    """A kept recording: (channels, samples) at 16 kHz."""
    return opened((house.home / "files" / sha256[:2] / sha256[2:]).read_bytes())


def opened(content: bytes) -> NDArray[np.int16]:
    """A file with sound as (channels, samples) at 16 kHz."""
    with av.open(io.BytesIO(content)) as box:
        resampler = av.AudioResampler(format="s16p", rate=RATE)
        frames = [ready for frame in box.decode(audio=0) for ready in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def loud(samples: NDArray[np.int16]) -> set[float]:
    """The tones of the loudest second."""
    seconds = [samples[at : at + RATE] for at in range(0, len(samples) - RATE, RATE // 4)]
    return tones_in(max(seconds, key=lambda one: float(np.abs(one.astype(float)).mean())), rate=RATE) or set()


def answered(house: CallCentre) -> tuple[Visitor, Agent, str]:
    """A caller who has gone through the menu, the agent who answered, and the key of their call."""
    visitor = house.visitor(VISITOR)
    visitor.hears(QUESTION)
    visitor.do("dtmf", digits="1")
    anna = house.agent("anna", ANNA, ready=True)
    return visitor, anna, anna.answer()


@pytest.mark.feature("V-08", "V-09")
def test_a_caller_hears_a_menu_presses_a_key_and_leaves_a_message(house: CallCentre, mails: MailSink):
    visitor = house.visitor(VISITOR)
    visitor.hears(QUESTION)
    visitor.do("dtmf", digits="2")
    taping = "SELECT 1 FROM voice_call WHERE key = ? AND json_extract(course, '$.tape') IS NOT NULL"
    wait_until(lambda: house.rows(taping, visitor.key), what="the tone, and the tape behind it")
    path = house.home / "voice" / "recordings" / f"m-{visitor.key}.wav"
    wait_until(lambda: path.exists() and path.stat().st_size > 3 * 2 * RATE, what="three seconds of the message")
    visitor.do("hangup")
    kept = "SELECT sha256, seconds, number FROM voicemail WHERE state = 'done' AND key = ?"
    [(sha256, seconds, number)] = wait_until(lambda: house.rows(kept, f"m-{visitor.key}"), 40, "an encoded message")
    assert (seconds > 2, number) == (True, "+74951234567")
    assert loud(sound_of(house, sha256)[0]) == {VISITOR}
    # The letter has gone through a mail server: with the sound itself, and with a link under which it is heard.
    letter = mails.wait_for(lambda mail: BOX in mail.recipients, 40)
    assert "Пётр" in str(letter.message["Subject"])
    [sound] = list(letter.message.iter_attachments())
    assert (sound.get_content_type(), str(sound.get_filename()).endswith(".ogg")) == ("audio/ogg", True)
    assert loud(opened(sound.get_payload(decode=True))[0]) == {VISITOR}
    [link] = re.findall(r"https?://\S+(/voice/voicemail/\d+)", letter.text)
    anna = house.agent("anna", ANNA)
    page = anna.opener.open(f"{house.url}{link}").read().decode()
    assert f"{link}/sound" in page
    heard = anna.opener.open(f"{house.url}{link}/sound").read()
    assert loud(opened(heard)[0]) == {VISITOR}


@pytest.mark.feature("V-05", "V-07")
def test_a_call_is_announced_recorded_on_two_channels_and_paused(house: CallCentre):
    visitor, anna, key = answered(house)
    visitor.hears(ANNA, CONSENT)
    anna.hears(VISITOR, CONSENT)
    visitor.hears(ANNA)
    (message_id,) = house.rows("SELECT id FROM voice_message WHERE key = 'question'")[0]
    anna.do(key, "message", id=message_id)
    visitor.hears(ANNA, QUESTION)
    anna.do(key, "record", on=False)
    paused = "SELECT paused_at IS NOT NULL, path FROM voice_recording WHERE key LIKE ?"
    [(is_paused, path)] = house.rows(paused, f"{key}-%")
    assert is_paused
    before = Path(path).stat().st_size
    wait_until(lambda: Path(path).stat().st_size > before + 2 * 2 * 2 * RATE, what="two seconds of the pause")
    anna.do(key, "record", on=True)
    anna.do(key, "hangup")
    kept = "SELECT sha256, json_array_length(pauses), state FROM voice_recording WHERE state = 'done' AND key LIKE ?"
    [(sha256, pauses, _)] = wait_until(lambda: house.rows(kept, f"{key}-%"), 40, "an encoded recording")
    assert pauses == 1
    left, right = sound_of(house, sha256)
    channels = [{one for one in loud(side) if one in (VISITOR, ANNA)} for side in (left, right)]
    assert sorted(channels, key=min) == [{VISITOR}, {ANNA}]
    quiet = [float(np.abs(left[at : at + RATE].astype(float)).max()) for at in range(0, len(left) - RATE, RATE // 4)]
    assert min(quiet) < 200 < max(quiet)
    case_id = house.rows("SELECT case_id FROM voice_call WHERE key = ?", key)[0][0]
    told = "SELECT kind FROM timeline_entry WHERE case_id = ? AND kind LIKE 'voice.recording%' ORDER BY id"
    assert [kind for (kind,) in house.rows(told, case_id)] == [
        "voice.recording.paused",
        "voice.recording.resumed",
        "voice.recording",
    ]


def heard_by(person: Person) -> deque[NDArray[np.int16]]:
    """All that this person hears from now on, in frames."""
    assert person.party is not None
    person.party.heard = deque(maxlen=50 * 10)
    return person.party.heard


def windows(frames: deque[NDArray[np.int16]], tones: tuple[float, ...]) -> list[set[float]]:
    """Which of the tones were heard, window after window."""
    samples = np.concatenate(list(frames)) if frames else np.zeros(0, np.int16)
    window = WINDOW_FRAMES * FRAME
    stretches = [samples[at : at + window] for at in range(0, len(samples) - window, 2 * FRAME)]
    return [found for one in stretches if (found := tones_in(one, tones)) is not None]


@pytest.mark.feature("V-07")
def test_a_caller_is_told_of_a_recording_that_begins_in_the_middle_of_the_talk(house: CallCentre):
    record(house, "ask", consent=True)
    visitor, anna, key = answered(house)
    visitor.hears(ANNA)
    anna.hears(VISITOR)
    assert house.rows("SELECT 1 FROM voice_recording WHERE key LIKE ?", f"{key}-%") == []
    anna.do(key, "record", on=True)
    visitor.hears(ANNA, CONSENT)
    # The agent's «stop» of a message does not take the announcement back.
    anna.do(key, "message", stop=True)
    visitor.hears(ANNA, CONSENT)
    visitor.hears(ANNA)
    anna.do(key, "hangup")
    kept = "SELECT sha256 FROM voice_recording WHERE state = 'done' AND key LIKE ?"
    [(sha256,)] = wait_until(lambda: house.rows(kept, f"{key}-%"), 40, "an encoded recording")
    # Nothing is lost: the tape runs while the announcement is played, with both voices from the first moment; the first party is left,
    # everything else right.
    sides = sound_of(house, sha256)
    assert sides.shape[1] > 6 * RATE
    begins = [tones_in(side[RATE // 2 : RATE // 2 + RATE], rate=RATE) for side in sides]
    assert sorted(begins, key=lambda found: min(found or {0})) == [{VISITOR}, {ANNA, CONSENT}]


@pytest.mark.feature("V-07")
def test_where_no_announcement_is_chosen_a_tone_tells_of_the_recording(house: CallCentre):
    record(house, "ask", consent=False)
    visitor, anna, key = answered(house)
    visitor.hears(ANNA)
    frames = heard_by(visitor)
    anna.do(key, "record", on=True)
    wait_until(
        lambda: {ANNA, NOTICE} in windows(frames.copy(), (*TONES[:3], NOTICE)), 20, "the tone beside the agent's voice"
    )
    frames.clear()
    wait_until(lambda: windows(frames.copy(), (ANNA, NOTICE))[-1:] == [{ANNA}], 20, "the voice without the tone")


@pytest.mark.feature("V-12")
def test_a_call_is_passed_to_a_line_of_the_directory(house: CallCentre):
    visitor, anna, key = answered(house)
    visitor.hears(ANNA)
    lines = anna.ask("GET", "lines.json?q=200")["lines"]
    assert [(line["product"], line["number"]) for line in lines] == [("Карты", "200")]
    [(closed,)] = house.rows("SELECT id FROM voice_line WHERE key = 'closed'")
    with pytest.raises(Refusal) as refusal:
        anna.do(key, "transfer", target={"line_id": closed})
    assert refusal.value.code == "voice-line-unknown"
    boris = house.agent("boris", BORIS, ready=True)
    anna.post_form("/desk/state", state="not_ready")
    anna.do(key, "transfer", target={"line_id": lines[0]["id"]})
    assert boris.answer() == key
    visitor.hears(BORIS)
    boris.hears(VISITOR)
