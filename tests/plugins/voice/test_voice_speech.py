"""Texts that are spoken: once, ahead of the calls that need them, and never while a call waits."""

from __future__ import annotations

import pytest

from plugins.voice.menus import operations as menus
from plugins.voice.messages import operations as messages
from plugins.voice.sounds import speech
from tests.support.voice_features_house import FeaturesHouse, beep


@pytest.fixture
def house(features: FeaturesHouse) -> FeaturesHouse:
    return features


def test_a_text_is_spoken_once_by_the_program_that_is_set(house, tmp_path, monkeypatch):
    sound = tmp_path / "said.wav"
    sound.write_bytes(beep())
    said = tmp_path / "said.txt"
    script = tmp_path / "speak"
    script.write_text(f"#!/bin/sh\ncat >> {said}\ncat {sound}\n")
    script.chmod(0o755)
    monkeypatch.setattr(speech, "DEFAULT", "no-such-program-here")
    assert speech.spoken("Здравствуйте", "ru") is None
    monkeypatch.setattr(speech, "DEFAULT", str(script))
    first, again = speech.spoken("Здравствуйте", "ru"), speech.spoken("Здравствуйте", "ru")
    assert first == again and first.read_bytes().startswith(b"RIFF")
    assert said.read_text("utf-8") == "Здравствуйте"
    script.write_text("#!/bin/sh\necho no sound\n")
    assert speech.spoken("Другое", "ru") is None


def test_the_texts_of_a_menu_are_spoken_when_it_is_saved_and_never_within_a_call(house, tmp_path, monkeypatch):
    sound, said = tmp_path / "ahead.wav", tmp_path / "ahead.txt"
    sound.write_bytes(beep())
    script = tmp_path / "speak-ahead"
    script.write_text(f"#!/bin/sh\ncat >> {said}\ncat {sound}\n")
    script.chmod(0o755)
    monkeypatch.setattr(speech, "DEFAULT", str(script))
    document = {
        "language": "ru",
        "steps": {"hello": {"type": "say", "text": {"ru": "Добрый день"}, "next": "bye"}, "bye": {"type": "hangup"}},
    }
    menus.save_menu("ahead", document)
    assert said.read_text("utf-8") == "Добрый день"
    assert messages.kept_sound_of_text("Добрый день", "ru").startswith("file:")
    assert messages.kept_sound_of_text("Другое", "ru") == "" and said.read_text("utf-8") == "Добрый день"
    # What is missing later (another program, an emptied folder) the worker speaks; what fails is left alone for a while.
    for path in speech.folder().glob("*.wav"):
        path.unlink()
    assert speech.speak_ahead(menus.spoken_texts(), 20) == 1
    assert speech.speak_ahead(menus.spoken_texts(), 20) == 0
    script.write_text(f"#!/bin/sh\necho x >> {said}\n")
    assert [speech.speak_ahead({("Никак", "ru")}, 20) for _ in range(2)] == [0, 0]
    assert said.read_text("utf-8").count("x") == 1
