"""What is said or played into a call: one sound after the other, each begun once."""

from __future__ import annotations

from typing import Any

from core.contracts import Rejected, Text
from core.db import db, transaction
from plugins.voice.calls import book
from plugins.voice.messages import operations as messages
from plugins.voice.models.calls import VoiceCall

ALL = "all"
MOST = 6


def say(call: VoiceCall, name: str, sound: str, to: str = "", **more: Any) -> bool:
    """Play ``sound`` after what is being played; False for "" and when too much waits already. Needs an open transaction.

    ``name`` is unique in the call. ``to``: "" for the contact, :data:`ALL` for everybody, or a leg of the backend. With ``kept``
    (a notice that must be heard) :func:`hush` leaves it.
    """
    says = list(call.course.get("says", ()))
    if not sound or len(says) >= MOST or any(one["id"] == f"{call.key}.{name}" for one in says):
        return False
    says.append({"id": f"{call.key}.{name}", "to": to or call.customer_leg, "sound": sound, **more})
    call.course = {**call.course, "says": says}
    db.session.flush()
    book.changed(call)
    return True


def hush(call: VoiceCall, *, notices: bool = False) -> None:
    """Nothing of what waits is said any more, but for what must be heard; with ``notices`` not even that. Needs an open transaction."""
    says = list(call.course.get("says", ()))
    kept = [one for one in says if one.get("kept") and not notices]
    if len(kept) < len(says):
        call.course = {**call.course, "says": kept}
        db.session.flush()
        book.changed(call)


def heard(call: VoiceCall, playback: str) -> dict[str, Any] | None:
    """A sound was heard to its end: the next one begins. Gives what it was. Needs an open transaction."""
    says = list(call.course.get("says", ()))
    done = next((one for one in says if one["id"] == playback), None)
    if done is None:
        return None
    says.remove(done)
    call.course = {**call.course, "says": says}
    db.session.flush()
    book.changed(call)
    return dict(done)


def message(key: str, user_id: int, message_id: int | None, *, stop: bool = False, leave: bool = False) -> None:
    """The agent plays a recorded message into the call, stops it, or leaves one on an answering machine and is free at once.

    With ``leave`` the agent's own choice is taken when no message is named; the call ends when it was heard. Raises ``Rejected``:
    ``call-ended``, ``not-in-call``, ``call-not-now``, ``voice-message-unknown``.
    """
    with transaction():
        call, leg = book.mine(key, user_id)
        if stop:
            hush(call)
            return
        if not book.others(call, leg):
            raise book.not_now()
        chosen = message_id or (messages.machine_message_id(user_id) if leave else None)
        if chosen is None:
            words = Text("Choose a message first", "Сначала выберите сообщение")
            raise Rejected(words, "voice-message-unknown")
        sound = messages.sound_of(messages.seen(chosen, user_id).id)
        # Who leaves a message behind is heard by one only: what is for everybody would wait for ever.
        hush(call, notices=leave)
        number = int(call.course.get("messages", 0)) + 1
        call.course = {**call.course, "messages": number}
        if leave:
            _leave(call, user_id, sound, number)
        else:
            say(call, f"message{number}", sound, ALL)


def _leave(call: VoiceCall, user_id: int, sound: str, number: int) -> None:
    """The contact's machine hears the message alone; the agent has hung up."""
    from plugins.voice.calls import ending

    own = book.leg_of(call, user_id)
    customer = next((one for one in book.legs_of(call) if one.user_id is None and one.state == "up"), None)
    if own is None or customer is None:
        raise book.not_now()
    say(call, f"message{number}", sound, customer.media, last=True)
    ending.go_away(call, own)
