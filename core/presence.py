"""The agent's state: a small machine, each change compare-and-swapped, recorded with its cause and told to the desk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, select, update

from core import notifications, reasons, sessions
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, on_commit, transaction
from core.events import log as events
from core.events.wake import wake
from core.house import okno
from core.model import Interaction, Presence, PresenceChange, Team, TeamMember

OFFLINE, READY, RINGING, BUSY, WRAP_UP, NOT_READY = STATES = (
    "offline",
    "ready",
    "ringing",
    "busy",
    "wrap_up",
    "not_ready",
)
CHOSEN_BY_AGENT = (READY, NOT_READY)
WORKING = (RINGING, BUSY, WRAP_UP)
MISSED = ("rejected", "no_answer")
NEXT: dict[str, frozenset[str]] = {
    OFFLINE: frozenset({READY, NOT_READY, BUSY, WRAP_UP}),
    READY: frozenset({RINGING, BUSY, NOT_READY, OFFLINE}),
    RINGING: frozenset({READY, BUSY, WRAP_UP, NOT_READY, OFFLINE}),
    BUSY: frozenset({RINGING, WRAP_UP, READY, NOT_READY, OFFLINE}),
    WRAP_UP: frozenset({RINGING, READY, BUSY, NOT_READY, OFFLINE}),
    NOT_READY: frozenset({READY, RINGING, BUSY, WRAP_UP, NOT_READY, OFFLINE}),
}
# Somebody else may change a state between our look and our swap; each attempt looks again.
ATTEMPTS = 5
Outcome = Literal["now", "later", "same"]


@dataclass(frozen=True, slots=True)
class TeamRules:
    """What follows what, for one agent: ``after_…`` are ``ready`` or ``not_ready``; 0 ``away_minutes`` means never."""

    after_sign_in: str
    after_work: str
    after_reject: str
    after_no_answer: str
    away_minutes: int
    break_minutes: int
    start_url: str


def rules_of(user_id: int) -> TeamRules:
    """The rules of the agent's first team; what that leaves open, and for who is in no team, the house's settings."""
    first = (
        select(Team)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == user_id)
        .order_by(Team.id)
        .limit(1)
    )
    team, house = db.session.scalar(first), okno().config

    def after(what: str) -> str:
        return str((getattr(team, f"after_{what}") if team else "") or house.get(f"routing.after_{what}"))

    return TeamRules(
        after("sign_in"),
        after("work"),
        after("reject"),
        after("no_answer"),
        away_minutes=team.away_minutes if team else house.get("routing.away_minutes"),
        break_minutes=team.break_minutes if team else house.get("routing.break_minutes"),
        start_url=team.start_url if team else "",
    )


def of(user_id: int) -> Presence:
    """The presence row, made at first use (needs an open transaction then)."""
    row = db.session.get(Presence, user_id, populate_existing=True)
    if row is None:
        row = Presence(user_id=user_id, state=OFFLINE, since=now(), seen_at=now(), version=0)
        db.session.add(row)
        db.session.flush()
    return row


def last_change(user_id: int) -> PresenceChange | None:
    """How the agent came into the present state."""
    newest = select(PresenceChange).where(PresenceChange.user_id == user_id)
    return db.session.scalar(newest.order_by(PresenceChange.at.desc(), PresenceChange.id.desc()).limit(1))


# --- the machine -------------------------------------------------------------------------------------


def swap(user_id: int, before: str, after: str, reason: str, cause: str, actor_id: int | None = None) -> bool:
    """Move from ``before`` to ``after`` if nobody was faster; the heart of the machine. Needs an open transaction."""
    if after not in NEXT[before]:
        raise ValueError(f"no way from {before} to {after}")
    moment = now()
    values: dict[str, Any] = {"state": after, "reason": reason, "since": moment, "version": Presence.version + 1}
    if after not in WORKING:
        values |= {"next_state": "", "next_reason": "", "next_by_id": None}
    if after == READY and before in (NOT_READY, OFFLINE):
        values["idle_since"] = moment
    statement = update(Presence).where(Presence.user_id == user_id, Presence.state == before).values(**values)
    kept = db.session.execute(
        statement.returning(Presence.next_state, Presence.next_reason).execution_options(synchronize_session=False)
    ).first()
    if kept is None:
        return False
    change = PresenceChange(user_id=user_id, at=moment, before=before, after=after, reason=reason, cause=cause)
    change.actor_id = actor_id
    db.session.add(change)
    _tell(user_id, after, reason, moment, kept.next_state, kept.next_reason)
    if after == READY:
        on_commit(lambda: wake("routing"))
    return True


def _tell(user_id: int, state: str, reason: str, since: datetime, next_state: str, next_reason: str) -> None:
    data = {"user_id": user_id, "state": state, "reason": reason, "since": since.isoformat()}
    events.publish("desk", "presence.changed", data | {"next_state": next_state, "next_reason": next_reason})


def load(user_id: int) -> tuple[int, int, int]:
    """How many interactions the agent has (offered, active, in wrap-up)."""
    counted = db.session.execute(
        select(Interaction.state, func.count())
        .where(Interaction.agent_id == user_id, Interaction.state.in_(("offered", "active", "wrap_up")))
        .group_by(Interaction.state)
    )
    counts = {row[0]: row[1] for row in counted}
    return counts.get("offered", 0), counts.get("active", 0), counts.get("wrap_up", 0)


def settle(user_id: int, cause: str) -> None:
    """Bring the state in line with the work in hand; without any, ``cause`` decides. Needs a transaction.

    Busy lasts until the last active interaction ends, whatever is offered meanwhile.
    """
    for _ in range(ATTEMPTS):
        row = of(user_id)
        if row.state == OFFLINE:
            return
        offered, active, wrapping = load(user_id)
        working = BUSY if active else RINGING if offered else WRAP_UP if wrapping else ""
        if working:
            if cause in MISSED:
                _no_more_pushes(row, cause)
            if row.state == working or swap(user_id, row.state, working, "", cause):
                return
        elif row.state not in WORKING or _idle(row, cause):
            return


def _idle(row: Presence, cause: str) -> bool:
    """From the last interaction to what was asked for, else to what the rules say."""
    if row.next_state and not (row.next_state == READY and cause in MISSED):
        by = row.next_by_id
        why = row.next_reason if row.next_reason in MISSED else "supervisor" if by else "asked"
        return swap(row.user_id, row.state, row.next_state, row.next_reason, why, by)
    after, reason = READY, ""
    if cause in MISSED:
        rules = rules_of(row.user_id)
        after = rules.after_reject if cause == "rejected" else rules.after_no_answer
        reason = cause if after == NOT_READY else ""
    elif row.state != RINGING:
        after = rules_of(row.user_id).after_work
    return swap(row.user_id, row.state, after, reason, cause)


def _no_more_pushes(row: Presence, cause: str) -> None:
    """Who misses an offer beside other work gets no more of them, where the rules say Not ready after that."""
    rules = rules_of(row.user_id)
    after = rules.after_reject if cause == "rejected" else rules.after_no_answer
    if after == NOT_READY and not row.next_state:
        _ask(row, NOT_READY, cause, None)


def _ask(row: Presence, state: str, reason: str, by_id: int | None) -> bool:
    """Note what comes after the last interaction ("" takes it back); False when the agent is no longer at work."""
    statement = update(Presence).where(Presence.user_id == row.user_id, Presence.state.in_(WORKING))
    values = {"next_state": state, "next_reason": reason, "next_by_id": by_id, "version": Presence.version + 1}
    found = db.session.execute(
        statement.values(**values)
        .returning(Presence.state, Presence.reason, Presence.since)
        .execution_options(synchronize_session=False)
    ).first()
    if found is None:
        return False
    _tell(row.user_id, found.state, found.reason, found.since, state, reason)
    return True


# --- what routing does not count ---------------------------------------------------------------------


def engage(user_id: int, cause: str) -> None:
    """A ready agent is busy with something that is no interaction (a colleague calls): nothing is offered until :func:`disengage`.

    Needs an open transaction.
    """
    if of(user_id).state == READY and swap(user_id, READY, BUSY, "", cause):
        _ask(of(user_id), READY, "", None)


def disengage(user_id: int, cause: str) -> None:
    """It is over: the state follows the work in hand again. Needs an open transaction."""
    if of(user_id).state == BUSY:
        settle(user_id, cause)


# --- what people ask for -----------------------------------------------------------------------------


def set_state(user_id: int, state: str, reason: str = "", cause: str = "agent") -> Outcome:
    """The agent's own choice: ready, or not ready with a reason; "later" when it comes after the work in hand.

    Ready asked for while ready or ringing changes nothing ("same"). Raises ``Rejected``: ``state-not-chosen``,
    ``reason-unknown``, ``offline``.
    """
    _check_choice(state, reason)
    return change_to(user_id, state, "" if state == READY else reason, cause, user_id)


def _check_choice(state: str, reason: str) -> None:
    if state not in CHOSEN_BY_AGENT:
        raise Rejected(
            Text("This state cannot be chosen by hand", "Это состояние нельзя выбрать вручную"), "state-not-chosen"
        )
    if state == NOT_READY and reason and reason not in {row.key for row in reasons.choosable()}:
        raise Rejected(Text("There is no such reason", "Такой причины нет"), "reason-unknown")


def change_to(user_id: int, state: str, reason: str, cause: str, actor_id: int) -> Outcome:
    """Ready or Not ready now, or after the work in hand. ``actor_id`` is the agent or who decides for the agent."""
    with transaction():
        for _ in range(ATTEMPTS):
            row = of(user_id)
            if actor_id == user_id:
                row.active_at = now()
                db.session.flush()
            if row.state == OFFLINE:
                raise Rejected(Text("Open the desk first", "Сначала откройте рабочее место"), "offline")
            if row.state in WORKING:
                outcome = _afterwards(row, state, reason, actor_id if actor_id != user_id else None)
                if outcome is not None:
                    return outcome
            elif (row.state, row.reason) == (state, reason):
                return "same"
            elif swap(user_id, row.state, state, reason, cause, actor_id):
                return "now"
        raise Rejected(Text("The state is changing. Try again.", "Состояние меняется. Повторите."), "state-in-motion")


def _afterwards(row: Presence, state: str, reason: str, by_id: int | None) -> Outcome | None:
    """Note what to do after the work; Ready that comes by itself needs no note. None when the work has just ended."""
    if state == READY and (row.state == RINGING or rules_of(row.user_id).after_work == READY):
        if not row.next_state:
            return "same"
        return "later" if _ask(row, "", "", None) else None
    if (row.next_state, row.next_reason) == (state, reason):
        return "later"
    return "later" if _ask(row, state, reason, by_id) else None


def force(user_id: int, state: str, reason: str, actor_id: int) -> Outcome:
    """A supervisor's decision: Ready, or Not ready with a reason that agents may choose ("" says whose decision it is).

    "later" when work is in hand. The agent is told. Raises ``Rejected`` as :func:`set_state` does.
    """
    _check_choice(state, reason)
    why = (reason or reasons.FORCED) if state == NOT_READY else ""
    with transaction():
        outcome = change_to(user_id, state, why, "supervisor", actor_id)
        if outcome != "same":
            told = {"state": state, "reason": why, "later": outcome == "later"}
            notifications.notify([user_id], "state.forced", "/", told, actor_id)
        return outcome


def cancel_next(user_id: int) -> None:
    """Take back what was asked for while busy. Safe to repeat."""
    with transaction():
        row = of(user_id)
        if row.next_state:
            _ask(row, "", "", None)


# --- coming and going --------------------------------------------------------------------------------


def sign_on(user_id: int) -> None:
    """The desk has been opened: from offline to where the rules say, or straight back to the work that is still there."""
    with transaction():
        row = of(user_id)
        row.seen_at = now()
        if row.state != OFFLINE:
            return
        row.active_at = now()
        db.session.flush()
        _, active, wrapping = load(user_id)
        if active or wrapping:
            swap(user_id, OFFLINE, BUSY if active else WRAP_UP, "", "sign_on")
        elif row.reason == reasons.CONNECTION_LOST and not sessions.signed_in_since(user_id, row.since):
            swap(user_id, OFFLINE, NOT_READY, reasons.CONNECTION_LOST, "sign_on")
        else:
            after = rules_of(user_id).after_sign_in
            swap(user_id, OFFLINE, after, reasons.SIGNED_IN if after == NOT_READY else "", "sign_on")


def sign_off(user_id: int, cause: str = "sign_off", actor_id: int | None = None) -> None:
    """Leave: whatever was offered goes back to the queue (see :func:`core.assignment.give_back`)."""
    from core.assignment import give_back

    with transaction():
        for _ in range(ATTEMPTS):
            if of(user_id).state == OFFLINE:
                return
            give_back(user_id, cause)
            reason = cause if cause == reasons.CONNECTION_LOST else ""
            # What was given back has been waited for: another process may have signed them off meanwhile.
            before = of(user_id).state
            if before == OFFLINE or swap(user_id, before, OFFLINE, reason, cause, actor_id):
                return


def touch(user_ids: Iterable[int]) -> None:
    """These users have the desk open right now; one statement for all of them."""
    ids = list(user_ids)
    if ids:
        with transaction():
            statement = update(Presence).where(Presence.user_id.in_(ids)).values(seen_at=now())
            db.session.execute(statement.execution_options(synchronize_session=False))


def drop_lost(grace_seconds: float) -> int:
    """Sign off everybody whose desk has been gone for longer than the grace; returns how many.

    A page that said good-bye ends its session, too; one that was lost may come back into it.
    """
    oldest = now() - timedelta(seconds=grace_seconds)
    lost = list(
        db.session.scalars(select(Presence.user_id).where(Presence.state != OFFLINE, Presence.seen_at < oldest))
    )
    db.session.rollback()
    for user_id in lost:
        with transaction():
            row = of(user_id)
            if row.state != OFFLINE and row.seen_at < oldest:
                closed = sessions.end_left(user_id, row.seen_at)
                sign_off(user_id, "tab_closed" if closed else reasons.CONNECTION_LOST)
    return len(lost)
