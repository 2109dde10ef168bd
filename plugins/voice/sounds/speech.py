"""Text that is spoken: by the program of the setting ``voice.speech_command``, kept by its text so that it is spoken once.

No speech library belongs to the house: espeak-ng speaks when it is installed, any other program that writes a WAV to standard
output can be named instead. Without one, menus play recorded messages and their texts are left out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import structlog
from flask import current_app

from core.contracts import Rejected
from core.house import okno
from plugins.voice.sounds.sound_files import read_sound

DEFAULT = "espeak-ng -v {language} -s 150 --stdout"
LONGEST_SECONDS = 20
MOST_SECONDS = 300
AGAIN_SECONDS = 600.0
log = structlog.get_logger("okno.voice.speech")


def command() -> list[str]:
    """The program and its words, [] when there is none on this machine."""
    words = shlex.split(okno().config.get("voice.speech_command") or DEFAULT)
    return words if words and shutil.which(words[0]) else []


def folder() -> Path:
    """Where spoken texts are kept; it may be emptied at any time."""
    return Path(current_app.config["OKNO_HOME"]) / "voice" / "speech"


def kept(text: str, language: str) -> Path | None:
    """A WAV that says ``text`` if it was spoken before; the program is not asked."""
    words = command()
    target = _target(words, text, language) if words and text.strip() else None
    return target if target is not None and target.exists() else None


def speak_ahead(texts: Collection[tuple[str, str]], seconds: float) -> int:
    """Speak what was not spoken yet, (text, language) each, for at most ``seconds``; gives how many.

    What the program fails at is left alone for a while, so that it is not tried with every look.
    """
    words = command()
    silent: dict[Path, float] = current_app.extensions.setdefault("okno_voice_unspoken", {})
    until, done = time.monotonic() + seconds, 0
    for text, language in sorted(texts) if words else ():
        target = _target(words, text, language)
        if not text.strip() or target.exists() or time.monotonic() < silent.get(target, 0.0):
            continue
        if time.monotonic() > until:
            break
        if spoken(text, language) is None:
            silent[target] = time.monotonic() + AGAIN_SECONDS
        else:
            done += 1
    return done


def _target(words: Sequence[str], text: str, language: str) -> Path:
    name = hashlib.sha256("\0".join((*words, language, text)).encode()).hexdigest()
    return folder() / f"{name}.wav"


def spoken(text: str, language: str) -> Path | None:
    """A WAV that says ``text``; None without a program that speaks, and when it fails (which is logged)."""
    words = command()
    if not words or not text.strip():
        return None
    target = _target(words, text, language)
    if target.exists():
        return target
    try:
        wav = _speak([word.replace("{language}", language) for word in words], text)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("a text could not be spoken", command=words[0], error=str(error)[:300])
        return None
    try:
        # Programs that write to a pipe cannot say the length in the header: read and written anew it is right.
        _keep(target, read_sound(wav, MOST_SECONDS).wav)
    except Rejected as refusal:
        log.warning("the speech command gave no sound", command=words[0], bytes=len(wav), why=refusal.code)
        return None
    return target


def _speak(words: list[str], text: str) -> bytes:
    done = subprocess.run(words, input=text.encode(), capture_output=True, timeout=LONGEST_SECONDS, check=True)
    return done.stdout


def _keep(target: Path, wav: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{secrets.token_hex(8)}")
    try:
        partial.write_bytes(wav)
        os.replace(partial, target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
