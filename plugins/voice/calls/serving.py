"""Calls follow their interactions: they ring where routing offers them, connect when an agent accepts, wait again when given back.

The core tells of each change as an event in the transaction that makes it, so a call and its interaction change together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from core import timeline
from core.clock import now
from core.contracts import PublishedEvent, Text
from core.db import db, on_commit, transaction
from core.model import Interaction, Presence, User
from plugins.voice.calls import book, ending, phones, recording, saying, waiting
from plugins.voice.messages.operations import greeting_sound
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.registration import callbacks


def moved(events: Sequence[PublishedEvent]) -> None:
    """Interactions have changed; their calls follow. Needs an open transaction."""
    ids = sorted({event.payload["interaction_id"] for event in events if event.type == "interaction.changed"})
    if not ids:
        return
    _call_back(events)
    callbacks.drop(_closed(events))
    for call_id in book.of_interactions(ids):
        call = book.lock(call_id)
        if call is None or call.interaction_id is None:
            continue
        interaction = db.session.get(Interaction, call.interaction_id, populate_existing=True)
        if interaction is not None:
            follow(call, interaction)


def _closed(events: Sequence[PublishedEvent]) -> list[int]:
    """The interactions that these events say to be over."""
    told = [event.payload for event in events if event.type == "interaction.changed"]
    return sorted({payload["interaction_id"] for payload in told if payload["state"] == "closed"})


def _call_back(events: Sequence[PublishedEvent]) -> None:
    """Who has accepted an interaction whose contact asked to be called back calls, once that is committed."""
    from plugins.voice.calls import dialling

    taken = {
        event.payload["interaction_id"]: event.payload["agent_id"]
        for event in events
        if event.type == "interaction.changed" and event.payload["state"] == "active"
    }
    for interaction_id in callbacks.wanted(taken) if taken else ():
        on_commit(partial(dialling.call_back, interaction_id, taken[interaction_id]))


def follow(call: VoiceCall, interaction: Interaction) -> None:
    """Bring the call in line with its interaction as it is now. Needs an open transaction."""
    state, agent_id = interaction.state, interaction.agent_id
    if interaction.case_id != call.case_id or interaction.service_id != call.service_id:
        call.case_id, call.service_id = interaction.case_id, interaction.service_id
        book.changed(call)
    if state == "offered" and agent_id is not None:
        _give_up(call, agent_id)
        _ring(call, agent_id)
    elif state == "queued":
        _give_up(call, None)
    elif state == "active" and agent_id is not None:
        take(call, agent_id)
    elif state in ("wrap_up", "closed") and (call.agent_id == agent_id or call.state == "queued"):
        ending.end(call, "normal", agent_id)


def _give_up(call: VoiceCall, ringing_at: int | None) -> None:
    """Out of the hands of who had it or heard it ring, back to waiting."""
    for leg in book.legs_of(call):
        if leg.user_id is None or leg.user_id == ringing_at:
            continue
        if leg.user_id == call.agent_id or (leg.state == "ringing" and leg.kind == "agent"):
            book.leave(call, leg, "transferred" if leg.state == "up" else "cancelled")
            phones.release(leg.user_id, call)
    if call.agent_id is not None and call.agent_id != ringing_at:
        call.agent_id = None
    if call.state == "talking" and call.agent_id is None:
        waiting.begin(call, again=True)
    book.changed(call)


def _ring(call: VoiceCall, agent_id: int) -> None:
    if book.leg_of(call, agent_id) is None:
        book.add(call, "agent", user=db.session.get_one(User, agent_id))


def take(call: VoiceCall, agent_id: int) -> None:
    """The agent has the call: connected as soon as the telephone is, other calls on hold. Needs an open transaction."""
    own = book.leg_of(call, agent_id)
    if own is not None and own.state == "up" and call.agent_id == agent_id:
        return
    for leg in book.legs_of(call):
        stale = leg.kind == "agent" and leg.user_id != agent_id
        if stale and (leg.user_id == call.agent_id or (leg.state == "ringing" and call.agent_id is None)):
            book.leave(call, leg, "transferred" if leg.state == "up" else "cancelled")
            assert leg.user_id is not None
            phones.release(leg.user_id, call)
    if own is None:
        own = book.add(call, "agent", user=db.session.get_one(User, agent_id))
    first = call.answered_at is None
    call.agent_id = agent_id
    join(call, own)
    if call.direction == "in" and call.state in ("queued", "menu"):
        call.state, call.answered_at = "talking", call.answered_at or now()
        keep = {
            name: value
            for name, value in call.course.items()
            if name in ("visitor", "answer", "music", "path", "unreachable")
        }
        call.course = keep
        if first:
            _greet(call, agent_id)
            recording.begin_by_rule(call)
    db.session.flush()
    _note(call, agent_id)
    book.changed(call)


def join(call: VoiceCall, leg: VoiceLeg) -> None:
    """A colleague or the agent answers: up, everything else of theirs on hold. Needs an open transaction."""
    assert leg.user_id is not None
    leg.state, leg.held, leg.joined_at = "up", False, leg.joined_at or now()
    db.session.flush()
    hold_others(leg.user_id, call)
    phones.ensure(leg.user_id, call)
    book.changed(call)


def hold_others(user_id: int, but: VoiceCall) -> None:
    """One talk at a time: the user's other calls wait, whatever is listened to is left. Needs an open transaction.

    One that somebody else is changing at this moment (its contact hangs up, say) waits as soon as both are done.
    """
    for call_id in book.open_calls_of(user_id):
        if call_id == but.id:
            continue
        if not book.is_free(call_id):
            on_commit(partial(_hold_later, call_id, user_id))
        elif (other := book.lock(call_id)) is not None:
            hold_in(other, user_id)


def _hold_later(call_id: int, user_id: int) -> None:
    with transaction():
        call = book.lock(call_id)
        if call is not None and book.talks_elsewhere(user_id, call):
            hold_in(call, user_id)


def hold_in(call: VoiceCall, user_id: int) -> None:
    """The user's place in a call waits; who listens to it leaves. Needs an open transaction."""
    own = book.leg_of(call, user_id)
    if own is None or own.state != "up":
        return
    if own.kind == "supervisor":
        book.leave(call, own)
    elif not own.held:
        own.held = True
        db.session.flush()
        book.changed(call)


def _greet(call: VoiceCall, agent_id: int) -> None:
    """The agent's own greeting, if one was chosen; both hear it."""
    saying.say(call, "greeting", greeting_sound(agent_id), saying.ALL)


def _note(call: VoiceCall, agent_id: int) -> None:
    if call.case_id is None or call.direction == "out":
        return
    words = Text("Call answered", "На звонок ответили")
    timeline.write(
        call.case_id,
        "voice.answered",
        actor_id=agent_id,
        interaction_id=call.interaction_id,
        title_en=words.en,
        title_ru=words.ru,
        call=call.key,
    )


def is_there(user_id: int) -> bool:
    """Whether somebody has the desk open."""
    row = db.session.get(Presence, user_id, populate_existing=True)
    return row is not None and row.state != "offline"
