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
from pathlib import Path

import structlog
from flask import current_app

from core.contracts import Rejected
from core.house import okno
from plugins.voice.sounds.sound_files import read_sound

DEFAULT = "espeak-ng -v {language} -s 150 --stdout"
LONGEST_SECONDS = 20
MOST_SECONDS = 300
log = structlog.get_logger("okno.voice.speech")


def command() -> list[str]:
    """The program and its words, [] when there is none on this machine."""
    words = shlex.split(okno().config.get("voice.speech_command") or DEFAULT)
    return words if words and shutil.which(words[0]) else []


def folder() -> Path:
    """Where spoken texts are kept; it may be emptied at any time."""
    return Path(current_app.config["OKNO_HOME"]) / "voice" / "speech"


def spoken(text: str, language: str) -> Path | None:
    """A WAV that says ``text``; None without a program that speaks, and when it fails (which is logged)."""
    words = command()
    if not words or not text.strip():
        return None
    name = hashlib.sha256("\0".join((*words, language, text)).encode()).hexdigest()
    target = folder() / f"{name}.wav"
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
