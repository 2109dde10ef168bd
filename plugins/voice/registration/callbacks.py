"""Who waits may hang up and be called back: the interaction keeps its place in the queue, and the agent who accepts it calls.

The course of a call and the list of callbacks ask here; the queue itself knows nothing of it. The only code that changes callbacks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from core import assignment, own_settings, timeline
from core.clock import now
from core.contracts import Badge, Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Interaction
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.registration import VoiceCallback

LONGEST_PAUSE = timedelta(days=1)
LOST_AFTER = timedelta(minutes=1)
OPEN = ("waiting", "calling")
LATEST = timedelta(days=14)
LONGEST_REASON = 200
GONE = Text(
    "This callback is not waiting any more: somebody calls, or it is over",
    "Этот обратный звонок уже не ждёт: по нему звонят или он завершён",
)


# --- in the course of calls --------------------------------------------------------------------------


def wish(interaction_id: int, number: str) -> VoiceCallback:
    """The caller hangs up and is to be called back at ``number``; wished twice it is one."""
    with transaction():
        same = waiting(interaction_id)
        if same is not None:
            return same
        interaction = db.session.get_one(Interaction, interaction_id)
        row = VoiceCallback(interaction_id=interaction_id, service_id=interaction.service_id, number=number[:40])
        db.session.add(row)
        db.session.flush()
        words = Text(f"Asks to be called back: {number}", f"Просит перезвонить: {number}")
        _note(interaction, words, None)
        _tell(row.id, row.service_id, row.state)
        return row


def waiting(interaction_id: int) -> VoiceCallback | None:
    """The open callback of an interaction: waiting or being called."""
    query = select(VoiceCallback).where(
        VoiceCallback.interaction_id == interaction_id, VoiceCallback.state.in_(("waiting", "calling"))
    )
    row: VoiceCallback | None = db.session.scalar(query.execution_options(populate_existing=True))
    return row


def same_wish(service_id: int, number: str) -> VoiceCallback | None:
    """The open callback that this number has in a service already."""
    query = select(VoiceCallback).where(
        VoiceCallback.number == number,
        VoiceCallback.state.in_(("waiting", "calling")),
        VoiceCallback.service_id == service_id,
    )
    row: VoiceCallback | None = db.session.scalar(query.order_by(VoiceCallback.id).limit(1))
    return row


def wanted(interaction_ids: Iterable[int]) -> list[int]:
    """Of these interactions, those whose contact waits to be called back; one statement."""
    query = select(VoiceCallback.interaction_id).where(
        VoiceCallback.interaction_id.in_(list(interaction_ids)), VoiceCallback.state == "waiting"
    )
    return list(db.session.scalars(query.order_by(VoiceCallback.interaction_id)))


def begin(interaction_id: int, user_id: int | None = None) -> str:
    """The agent has accepted: the number to call, "" when nobody is to be called back (any more)."""
    with transaction():
        row = waiting(interaction_id)
        values = {"called_at": now(), "due_at": None, "by_id": user_id}
        if row is None or not _move(row, "waiting", "calling", attempts=row.attempts + 1, **values):
            return ""
        return row.number


def end(interaction_id: int, reached: bool) -> str:
    """The call back was answered or not; the new state: done, waiting (it is tried again), failed, "" when there is none.

    What is tried again is to be given to :func:`wait_again`, once nothing else holds its interaction.
    """
    with transaction():
        row = waiting(interaction_id)
        if row is None:
            return ""
        again = not reached and row.attempts < most_attempts()
        state = "done" if reached else "waiting" if again else "failed"
        values: dict[str, object] = {"ended_at": None if again else now()}
        pause = pause_after(row.attempts)
        if again and pause:
            # Nobody has promised it: it is anybody's turn then.
            values |= {"due_at": now() + pause, "by_id": None}
        if not _move(row, "calling", state, **values):
            return ""
        if not reached:
            _tell_not_reached(row, now() + pause if again else None)
        return state


def most_attempts() -> int:
    """How often it is tried: ``voice.callback_tries``, at least once."""
    return max(int(okno().config.get("voice.callback_tries")), 1)


def pause_after(attempts: int) -> timedelta:
    """How long nobody calls after so many tries that reached nobody: ``voice.callback_retry_minutes``, each time twice as long."""
    minutes = max(int(okno().config.get("voice.callback_retry_minutes")), 0)
    return min(timedelta(minutes=minutes * 2 ** max(min(attempts, 20) - 1, 0)), LONGEST_PAUSE)


def _tell_not_reached(row: VoiceCallback, again_at: datetime | None) -> None:
    tried, most = row.attempts, most_attempts()
    if again_at is not None:
        words = Text(
            f"Callback, try {tried} of {most}: nobody was reached. The next one at {_shown(again_at)}",
            f"Обратный звонок, попытка {tried} из {most}: не дозвонились. Следующая — {_shown(again_at)}",
        )
    else:
        words = Text(
            f"The callback has ended: nobody was reached in {tried} tries",
            f"Обратный звонок завершён: не дозвонились, попыток — {tried}",
        )
    _note(row.interaction, words, row.by_id)


def wait_again(interaction_id: int, user_id: int) -> None:
    """Out of the hands of who called, into the queue: at once, or when the pause of the callback is over. Needs an open transaction."""
    assignment.release(interaction_id, user_id)
    row = waiting(interaction_id)
    if row is not None and row.due_at is not None:
        assignment.put_off(interaction_id)


def drop(interaction_ids: Collection[int]) -> None:
    """These interactions were closed: nobody waits in them to be called back any more. Needs an open transaction."""
    if not interaction_ids:
        return
    query = select(VoiceCallback).where(
        VoiceCallback.interaction_id.in_(interaction_ids), VoiceCallback.state.in_(OPEN)
    )
    for row in db.session.scalars(query.order_by(VoiceCallback.id).execution_options(populate_existing=True)).all():
        if row.state == "calling":
            over(row.interaction_id)
        else:
            _move(row, "waiting", "cancelled", ended_at=now(), due_at=None)


def over(interaction_id: int) -> None:
    """Nobody calls any more whose turn it was: the agent has finished it, passed it on, was lost. Needs an open transaction."""
    row = waiting(interaction_id)
    if row is not None and row.state == "calling":
        _move(row, "calling", "done" if _was_reached(row) else "cancelled", ended_at=now())


def _was_reached(row: VoiceCallback) -> bool:
    answered = select(VoiceCall.id).where(VoiceCall.interaction_id == row.interaction_id, VoiceCall.direction == "out")
    return db.session.scalar(answered.where(VoiceCall.answered_at.is_not(None)).limit(1)) is not None


def end_lost() -> int:
    """Callbacks that somebody was to call and nobody does: the process died in between, or the interaction moved on. A job of the
    worker; they are treated as not reached. Gives how many."""
    calls = select(VoiceCall.id).where(
        VoiceCall.interaction_id == VoiceCallback.interaction_id, VoiceCall.ended_at.is_(None)
    )
    query = select(VoiceCallback.id).where(
        VoiceCallback.state == "calling", VoiceCallback.called_at < now() - LOST_AFTER, ~calls.exists()
    )
    lost = list(db.session.scalars(query.order_by(VoiceCallback.id).limit(200)))
    db.session.rollback()
    return sum(_end_lost(callback_id) for callback_id in lost)


def _end_lost(callback_id: int) -> bool:
    with transaction():
        row = _locked(callback_id)
        if row is None or row.state != "calling":
            return False
        going_on = select(VoiceCall.id).where(
            VoiceCall.interaction_id == row.interaction_id, VoiceCall.ended_at.is_(None)
        )
        if db.session.scalar(going_on.limit(1)) is not None:
            return False
        give_up(row.interaction_id)
        return True


def give_up(interaction_id: int) -> None:
    """The call back was not even begun: whoever has the interaction is rid of it until the next try. Needs an open transaction."""
    interaction = db.session.get_one(
        Interaction, interaction_id, populate_existing=True, with_for_update={"of": Interaction}
    )
    if interaction.state == "active" and interaction.agent_id is not None:
        if end(interaction_id, reached=False) == "waiting":
            wait_again(interaction_id, interaction.agent_id)
        else:
            assignment.finish(interaction_id, interaction.agent_id)
    elif interaction.state in ("queued", "offered", "put_off"):
        row = waiting(interaction_id)
        if row is not None:
            _move(row, "calling", "waiting", by_id=None)
    else:
        over(interaction_id)


# --- what people do with them ------------------------------------------------------------------------


def take_over(callback_id: int, user_id: int) -> int:
    """The agent calls now; gives the interaction, which is in the agent's hands.

    Raises ``Rejected``: ``callback-gone``, and what :func:`core.assignment.take` says.
    """
    with transaction():
        row = _waiting_one(callback_id)
        assignment.come_back(row.interaction_id)
        assignment.take(row.interaction_id, user_id)
        return row.interaction_id


def postpone(callback_id: int, user_id: int, at: datetime) -> None:
    """It is promised for another time: until then nobody is asked, then whoever promised it first.

    Raises ``Rejected``: ``callback-gone``, ``callback-time``.
    """
    if not now() < at <= now() + LATEST:
        words = Text("Choose a time within the next two weeks", "Выберите время в пределах двух недель")
        raise Rejected(words, "callback-time")
    with transaction():
        row = _waiting_one(callback_id)
        if row.due_at is not None:
            # Promised before: out of the queue and in again, so that it is asked of the new one.
            assignment.come_back(row.interaction_id)
        _free(row.interaction_id, user_id)
        if not _move(row, "waiting", "waiting", due_at=at, by_id=user_id):
            raise Rejected(GONE, "callback-gone")
        shown = _shown(at)
        words = Text(f"The callback is put off until {shown}", f"Обратный звонок отложен до {shown}")
        _note(row.interaction, words, user_id)


def _shown(at: datetime) -> str:
    return at.astimezone(ZoneInfo(okno().config.get("core.timezone"))).strftime("%d.%m %H:%M")


def _free(interaction_id: int, user_id: int) -> None:
    try:
        assignment.put_off(interaction_id, user_id)
    except Rejected as refused:
        raise Rejected(GONE, "callback-gone") from refused


def cancel(callback_id: int, user_id: int | None, reason: str) -> None:
    """Nobody is to be called back, for a reason that the case's history keeps. Raises ``Rejected``: ``callback-gone``, ``callback-reason``."""
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        words = Text("Say why nobody shall call back", "Укажите, почему перезванивать не нужно")
        raise Rejected(words, "callback-reason")
    with transaction():
        row = _waiting_one(callback_id)
        words = Text(f"The callback is cancelled: {reason}", f"Обратный звонок отменён: {reason}")
        try:
            assignment.abandon(row.interaction_id, words, user_id)
        except Rejected as refused:
            raise Rejected(GONE, "callback-gone") from refused
        if not _move(row, "waiting", "cancelled", ended_at=now(), due_at=None, by_id=user_id, reason=reason):
            raise Rejected(GONE, "callback-gone")


def come_due() -> int:
    """Callbacks whose promised time has come, or whose pause is over, wait in the queue again; a job of the worker. Gives how many."""
    query = select(VoiceCallback.id).where(VoiceCallback.due_at.is_not(None), VoiceCallback.due_at <= now())
    due = list(db.session.scalars(query.order_by(VoiceCallback.due_at).limit(200)))
    db.session.rollback()
    return sum(_come_back(callback_id) for callback_id in due)


def _come_back(callback_id: int) -> bool:
    """Unless somebody has called, cancelled or promised it for later meanwhile."""
    with transaction():
        row = _locked(callback_id)
        if row is None or row.state != "waiting" or row.due_at is None or row.due_at > now():
            return False
        assignment.come_back(row.interaction_id)
        return _move(row, "waiting", "waiting", due_at=None)


def _waiting_one(callback_id: int) -> VoiceCallback:
    """The callback that still waits, locked. Raises ``Rejected`` (``callback-gone``)."""
    row = _locked(callback_id)
    if row is None or row.state != "waiting":
        raise Rejected(GONE, "callback-gone")
    return row


def _locked(callback_id: int) -> VoiceCallback | None:
    """The callback as it is now, its interaction locked before it as everywhere."""
    interaction_id = db.session.scalar(select(VoiceCallback.interaction_id).where(VoiceCallback.id == callback_id))
    if interaction_id is not None:
        db.session.execute(select(Interaction.id).where(Interaction.id == interaction_id).with_for_update())
    row: VoiceCallback | None = db.session.get(VoiceCallback, callback_id, populate_existing=True)
    return row


def _move(row: VoiceCallback, before: str, after: str, **values: object) -> bool:
    same = update(VoiceCallback).where(VoiceCallback.id == row.id, VoiceCallback.state == before)
    done = db.session.execute(same.values(state=after, **values).execution_options(synchronize_session=False))
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    _tell(row.id, row.service_id, after)
    return True


def _tell(callback_id: int, service_id: int, state: str) -> None:
    events.publish("desk", "callback.changed", {"callback_id": callback_id, "service_id": service_id, "state": state})


def _note(interaction: Interaction, words: Text, user_id: int | None) -> None:
    timeline.write(
        interaction.case_id,
        "voice.callback",
        actor_id=user_id,
        interaction_id=interaction.id,
        title_en=words.en,
        title_ru=words.ru,
    )


# --- reading -----------------------------------------------------------------------------------------


def latest(limit: int = 100) -> list[VoiceCallback]:
    """The open ones in the order of their wish."""
    query = select(VoiceCallback).where(VoiceCallback.state.in_(OPEN))
    return list(db.session.scalars(query.order_by(VoiceCallback.wanted_at, VoiceCallback.id).limit(limit)))


def badges(case_ids: Collection[int], language: str) -> Mapping[int, list[Badge]]:
    """The mark of cases whose contact waits to be called back: in offers, lists and headers; one statement."""
    query = (
        select(Interaction.case_id, VoiceCallback.number)
        .join(Interaction, Interaction.id == VoiceCallback.interaction_id)
        .where(Interaction.case_id.in_(case_ids), VoiceCallback.state.in_(OPEN))
    )
    word = Text("Call back", "Перезвонить").to(language)
    return {
        case_id: [Badge(word, f"{word}: {own_settings.formatted(number)}", "info", "phone-outgoing")]
        for case_id, number in db.session.execute(query.order_by(VoiceCallback.id))
    }
