"""What stands around a call, by real sound: a menu heard and answered by keys, a message left, a call announced, recorded and paused."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.voice.sounds.sound_files import RATE, as_wav
from tests.support.softphone_house import NUMBER
from tests.support.tone_parties import TONES, tone, tones_in
from tests.support.tone_people import CallCentre, Refusal, serve_calls
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
VISITOR, ANNA, QUESTION, BORIS, CONSENT = TONES
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
    from plugins.voice.lines import directory
    from plugins.voice.menus import operations as menus
    from plugins.voice.messages import operations as messages
    from plugins.voice.messages import rules

    app = create_app(house.home, check_schema=False)
    with app.app_context():
        messages.add("Вопрос", as_wav(tone(QUESTION, 20, RATE)), owner_id=None, key="question")
        consent = messages.add("Предупреждение", as_wav(tone(CONSENT, 6, RATE)), owner_id=None, key="consent")
        menus.save_menu("main", MENU)
        rules.set_rule("support", rules.Rule(record="always", consent_id=consent.id))
        line = {"title_en": "Cards", "title_ru": "Карты", "product": "Карты", "number": "200", "service": "support"}
        directory.save_line("cards", **line)
        directory.save_line("closed", **line, active=False)
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def centre(migrated_templates, tmp_path_factory):
    for made in serve_calls(migrated_templates, tmp_path_factory.mktemp("kept")):
        prepare(made)
        yield made


@pytest.fixture
def house(centre: CallCentre):
    yield centre
    centre.all_leave()


def sound_of(house: CallCentre, sha256: str) -> NDArray[np.int16]:
    """A kept recording: (channels, samples) at 16 kHz."""
    content = (house.home / "files" / sha256[:2] / sha256[2:]).read_bytes()
    with av.open(io.BytesIO(content)) as box:
        resampler = av.AudioResampler(format="s16p", rate=RATE)
        frames = [ready for frame in box.decode(audio=0) for ready in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def loud(samples: NDArray[np.int16]) -> set[float]:
    """The tones of the loudest second."""
    seconds = [samples[at : at + RATE] for at in range(0, len(samples) - RATE, RATE // 4)]
    return tones_in(max(seconds, key=lambda one: float(np.abs(one.astype(float)).mean())), rate=RATE) or set()


@pytest.mark.feature("V-08", "V-09")
def test_a_caller_hears_a_menu_presses_a_key_and_leaves_a_message(house: CallCentre):
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


@pytest.mark.feature("V-05", "V-07")
def test_a_call_is_announced_recorded_on_two_channels_and_paused(house: CallCentre):
    visitor = house.visitor(VISITOR)
    visitor.hears(QUESTION)
    visitor.do("dtmf", digits="1")
    anna = house.agent("anna", ANNA, ready=True)
    key = anna.answer()
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


@pytest.mark.feature("V-12")
def test_a_call_is_passed_to_a_line_of_the_directory(house: CallCentre):
    visitor = house.visitor(VISITOR)
    visitor.hears(QUESTION)
    visitor.do("dtmf", digits="1")
    anna = house.agent("anna", ANNA, ready=True)
    key = anna.answer()
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
