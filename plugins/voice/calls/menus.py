"""A caller's way through a voice menu: what the pure course decides is said, asked and done in the call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select

from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Service, User
from plugins.voice.calls import book, ending, saying, waiting
from plugins.voice.menus import course
from plugins.voice.menus.course import Action, Input, Move, State
from plugins.voice.menus.document import Menu
from plugins.voice.menus.operations import menu as menu_of
from plugins.voice.menus.operations import moment
from plugins.voice.messages import operations as messages
from plugins.voice.models.calls import VoiceCall
from plugins.voice.registration import callbacks
from plugins.voice.voicemail import boxes, messages_left

MOST_MOVES = 20
# Two short tones: something is asked that cannot be said.
INSTEAD = "tone:650/250,0/150,650/250"
log = structlog.get_logger("okno.voice.menus")
NOT_OFFERED = Text("We cannot call back from here: stay on the line", "Перезвонить не получится: оставайтесь на линии")
VOICEMAIL_SECONDS = 300


def begin(call: VoiceCall, menu: Menu) -> None:
    """The caller is at the menu's start. Needs an open transaction."""
    _perform(call, course.begin(menu, moment()))


def digit(call: VoiceCall, pressed: str) -> None:
    """The contact pressed a key. Needs an open transaction."""
    if call.state == "queued":
        if pressed == "1" and call.course.get("callback"):
            call_back(call)
    elif call.state == "menu" and call.course.get("voicemail"):
        if pressed == "#":
            ending.end(call, "normal")
    elif call.state == "menu" and "menu" in call.course:
        saying.hush(call)
        _go_on(call, Input("digit", pressed))


def played(call: VoiceCall) -> None:
    """All that was to be said has been heard. Needs an open transaction."""
    if call.state != "menu" or call.course.get("says"):
        return
    if then := call.course.get("then"):
        _forget(call, "then")
        _do(call, Action(then["do"], then["data"]))
    elif "menu" in call.course and "collect_until" not in call.course:
        _go_on(call, Input("played"))


def expire_due() -> int:
    """Callers who press nothing, and messages that have become too long; a job of the worker. Gives how many."""
    query = select(VoiceCall.id, VoiceCall.course).where(VoiceCall.ended_at.is_(None), VoiceCall.state == "menu")
    moment_now = now()
    due = [
        row.id
        for row in db.session.execute(query)
        if (until := row.course.get("collect_until")) and datetime.fromisoformat(until) <= moment_now
    ]
    db.session.rollback()
    for call_id in due:
        with transaction():
            call = book.lock(call_id)
            if call is None or "collect_until" not in call.course:
                continue
            if call.course.get("voicemail"):
                ending.end(call, "normal")
            else:
                _go_on(call, Input("silence"))
    return len(due)


def _go_on(call: VoiceCall, given: Input) -> None:
    state = State.read(call.course["menu"])
    menu = menu_of(state.menu)
    if menu is None:
        ending.end(call, "normal")
        return
    _forget(call, "collect_until")
    _perform(call, course.next_step(menu, state, given, moment()))


def _perform(call: VoiceCall, move: Move) -> None:
    """Carry a move out; a step for which there is nothing to play is passed as if it had been heard."""
    for _ in range(MOST_MOVES):
        path = [*call.course.get("path", ()), *move.path][-50:]
        call.course = {**call.course, "path": path}
        if move.state is None:
            _forget(call, "menu")
        else:
            call.course = {**call.course, "menu": move.state.plain()}
        waits = _carry_out(call, move.actions)
        if waits or move.state is None or call.ended_at is not None or call.state != "menu":
            return
        menu = menu_of(move.state.menu)
        if menu is None:
            break
        move = course.next_step(menu, move.state, Input("played"), moment())
    ending.end(call, "normal")


def _carry_out(call: VoiceCall, actions: tuple[Action, ...]) -> bool:
    """Whether the course now waits for something to happen."""
    waits = False
    for action in actions:
        number = int(call.course.get("said", 0)) + 1
        if action.do in ("say", "message"):
            call.course = {**call.course, "said": number}
            waits = saying.say(call, f"menu{number}", _sound(action)) or waits
        elif action.do == "collect":
            until = now() + timedelta(seconds=float(action.data.get("seconds", course.SECONDS)))
            call.course = {**call.course, "collect_until": until.isoformat()}
            waits = True
        elif waits:
            call.course = {**call.course, "then": {"do": action.do, "data": dict(action.data)}}
        else:
            _do(call, action)
            waits = True
    db.session.flush()
    book.changed(call)
    return waits


def _sound(action: Action) -> str:
    """What the caller hears; a tone where a text was not spoken yet (or nothing here speaks), so that nobody sits in silence."""
    if action.do == "message":
        return messages.sound_of_key(str(action.data["key"])) or INSTEAD
    text, language = str(action.data["text"]), str(action.data["language"])
    sound = messages.kept_sound_of_text(text, language)
    if not sound:
        log.warning("a text of a menu is not spoken: the caller hears a tone", text=text[:80], language=language)
    return sound or INSTEAD


def _do(call: VoiceCall, action: Action) -> None:
    """An end of the course."""
    from plugins.voice.calls import arrival, company

    service_id = _service(action.data.get("service"))
    if action.do == "queue":
        arrival.queue(call, service_id, priority=action.data.get("priority"))
    elif action.do == "callback":
        arrival.queue(call, service_id)
        call_back(call)
    elif action.do == "voicemail":
        take_message(call, service_id=service_id, user_id=action.data.get("user"))
    elif action.do == "dial":
        company.connect_number(call, str(action.data["number"]))
    elif action.do == "tape":
        _tape(call)
    else:
        ending.end(call, "normal")


def _service(key: Any) -> int | None:
    return db.session.scalar(select(Service.id).where(Service.key == str(key))) if key else None


def _forget(call: VoiceCall, name: str) -> None:
    call.course = {key: value for key, value in call.course.items() if key != name}
    db.session.flush()


# --- instead of waiting ------------------------------------------------------------------------------


def call_back(call: VoiceCall, number: str = "") -> bool:
    """The caller hangs up and is called back in turn: the interaction stays in the queue. Needs an open transaction.

    ``number`` is where, that of the call without it. A number that waits in this service already keeps its earlier place.
    """
    interaction_id, number = call.interaction_id, number or call.from_number
    if interaction_id is None or not number.startswith("+"):
        return False
    same = callbacks.same_wish(call.service_id, number) if call.service_id is not None else None
    if same is None or same.interaction_id == interaction_id:
        place, wait = waiting.standing(call)
        same = callbacks.wish(interaction_id, number)
        call.interaction_id = None
    else:
        place, wait = waiting.standing_of(same.interaction_id)
    call.course = {**call.course, "promised": {"number": same.number, "position": place, "wait_seconds": wait}}
    db.session.flush()
    ending.end(call, "normal")
    return True


def promise(call: VoiceCall, typed: str) -> None:
    """A visitor who waits asks to be called back at a number of theirs. Needs an open transaction.

    Raises ``Rejected``: ``callback-not-offered``, ``number-invalid``, ``direction-forbidden``.
    """
    from plugins.voice.calls import dialling

    if call.state != "queued" or not call.course.get("callback"):
        raise Rejected(NOT_OFFERED, "callback-not-offered")
    call_back(call, dialling.promised_number(typed))


def take_message(call: VoiceCall, *, service_id: int | None = None, user_id: int | None = None) -> None:
    """The caller leaves a message after the greeting and the tone. Needs an open transaction."""
    whose = boxes.Whose(user_id=int(user_id)) if user_id else boxes.Whose(service_id=service_id or call.service_id)
    if whose.user_id is None and whose.service_id is None:
        ending.end(call, "normal")
        return
    box = boxes.ensure_box(whose)
    language = "en" if call.service is not None and call.service.language == "en" else "ru"
    call.state = "menu"
    call.course = {
        **{key: value for key, value in call.course.items() if key in ("visitor", "answer", "path")},
        "voicemail": box.id,
        "then": {"do": "tape", "data": {}},
    }
    db.session.flush()
    saying.say(call, "box", boxes.greeting_sound(box, language))
    saying.say(call, "tone", boxes.TONE)
    book.changed(call)


def _tape(call: VoiceCall) -> None:
    from plugins.voice.recordings.library import path_for

    key = f"m-{call.key}"
    until = now() + timedelta(seconds=VOICEMAIL_SECONDS)
    tape = {"key": key, "path": str(path_for(key))}
    call.course = {**call.course, "tape": tape, "collect_until": until.isoformat()}
    db.session.flush()
    book.changed(call)


def message_left(key: str, path: str) -> bool:
    """A voicemail was recorded (the voice process tells): keep it; False when the recording is of another kind."""
    if not key.startswith("m-"):
        return False
    call = db.session.scalar(select(VoiceCall).where(VoiceCall.key == key.removeprefix("m-")))
    box_id = call.course.get("voicemail") if call is not None else None
    if call is None or box_id is None:
        return True
    number, name = call.from_number if call.from_number.startswith("+") else "", call.name
    if call.direction == "internal":
        colleague = db.session.get(User, call.started_by_id) if call.started_by_id else None
        number, name = call.from_number, colleague.name if colleague else ""
    messages_left.keep(box_id, key, path, number=number, name=name, call_id=call.id, case_id=call.case_id)
    return True
