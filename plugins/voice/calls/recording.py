"""Recording a call: by the rule of its service or by the agent, paused while card data are told. What is kept is another matter.

Whenever a recording begins, by rule or in the middle of a talk, everybody hears the announcement of the service, else a tone
(:data:`NOTICE`); who comes into a recorded call later hears it alone. The recording begins with it: nothing waits for its end.
"""

from __future__ import annotations

from sqlalchemy import select

from core.contracts import Rejected
from core.db import db, transaction
from core.house import okno
from plugins.voice import switchboard
from plugins.voice.calls import book, picture, saying
from plugins.voice.messages.operations import sound_of
from plugins.voice.messages.rules import rule_of
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.recordings import library

# The pitch of the warning tone of recorded calls (47 CFR 64.501: 1400 Hz), long enough to be noticed in a talk.
NOTICE = "tone:1400/500"


def begin_by_rule(call: VoiceCall) -> None:
    """Record if the service records all its calls; the consent announcement comes first. Needs an open transaction."""
    if rule_of(call.service_id).record == "always":
        begin(call)


def begin(call: VoiceCall) -> None:
    """Record from now on, under a new key. Needs an open transaction."""
    call.recordings += 1
    call.recording, call.recording_key = "on", f"{call.key}-{call.recordings}"
    db.session.flush()
    library.begin(call, call.recording_key, call.agent_id)
    saying.say(call, f"consent{call.recordings}", _notice(call), saying.ALL, kept=True)
    book.changed(call)


def _notice(call: VoiceCall) -> str:
    """What is played to whom is recorded: the announcement, else a tone if ``voice.recording_tone`` says so, else ""."""
    tone = NOTICE if okno().config.get("voice.recording_tone") else ""
    return sound_of(rule_of(call.service_id).consent_id) or tone


def tell_newcomer(call: VoiceCall, leg: VoiceLeg) -> None:
    """Somebody from outside has come into a call that is being recorded. Needs an open transaction."""
    if call.recording and leg.user_id is None and leg.media:
        saying.say(call, f"consent{call.recordings}-{leg.key}", _notice(call), leg.media, kept=True)


def switch(key: str, user_id: int, on: bool) -> None:
    """The agent begins, pauses or continues to record.

    Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``recording-forbidden``, ``voice-unsupported``, ``voice-unavailable``.
    """
    if on and not switchboard.require()["abilities"]["recording"]:
        raise Rejected(switchboard.WORDS["unsupported"], "voice-unsupported")
    with transaction():
        call, leg = book.mine(key, user_id)
        if not book.others(call, leg):
            raise book.not_now()
        if on and not call.recording:
            if not picture.is_recordable(call):
                raise Rejected(picture.NOT_RECORDED, "recording-forbidden")
            begin(call)
            return
        if call.recording:
            call.recording = "on" if on else "paused"
            db.session.flush()
            library.pause(call.recording_key, not on)
            book.changed(call)


def done(key: str, path: str, seconds: float) -> None:
    """The voice process has completed a file. Needs an open transaction."""
    library.done(key, path, seconds)


def failed(key: str, why: str) -> None:
    """The voice process could not go on writing: the call does, and says that it is not recorded. Needs an open transaction."""
    library.failed(key, why)
    query = select(VoiceCall.id).where(VoiceCall.recording_key == key, VoiceCall.ended_at.is_(None))
    call_id = db.session.scalar(query)
    call = book.lock(call_id) if call_id is not None else None
    if call is not None and call.recording and call.recording_key == key:
        call.recording = ""
        db.session.flush()
        book.changed(call)
