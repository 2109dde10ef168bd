"""Pings (пинг): a question from a case to an expert, a supervisor or expert support; the answer comes back into the case.

waiting → taken → answered; a taken one may be given back, one not answered yet may be withdrawn. Each step is one
compare-and-swap, so that two experts never answer the same question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from core import timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Case, Draft, Interaction, Ping, PingTarget, TeamMember, User
from core.notifications import notify

WAITING, TAKEN, ANSWERED, WITHDRAWN = "waiting", "taken", "answered", "withdrawn"
OPEN = (WAITING, TAKEN)
KINDS: dict[str, Text] = {
    "expert": Text("Expert", "Эксперт"),
    "supervisor": Text("Supervisor", "Супервизор"),
    "expert_support": Text("Expert support", "Экспертная поддержка"),
}
LONGEST = 20_000
GONE = Text(
    "This ping has moved on: a colleague has taken, answered or withdrawn it",
    "Этот пинг уже в другом состоянии: его взяли, на него ответили или его отозвали",
)


@dataclass(frozen=True, slots=True)
class TargetFigures:
    """Pings to one target in a span of time; seconds are means, None where there is nothing to average."""

    target: PingTarget
    asked: int
    answered: int
    in_time: int
    open: int
    to_take: float | None
    to_answer: float | None


def targets() -> list[PingTarget]:
    """Whom a ping may reach, in the order they were set up."""
    query = select(PingTarget).where(PingTarget.active).options(joinedload(PingTarget.team)).order_by(PingTarget.id)
    return list(db.session.scalars(query))


def answerers(target: PingTarget, asked_by_id: int) -> set[int]:
    """Who may answer: the target's team; for a supervisor without a team of its own, those of the asker's teams."""
    query = select(TeamMember.user_id).join(User).where(User.disabled_at.is_(None))
    if target.team_id is not None:
        query = query.where(TeamMember.team_id == target.team_id)
    elif target.kind == "supervisor":
        teams = select(TeamMember.team_id).where(TeamMember.user_id == asked_by_id)
        query = query.where(TeamMember.team_id.in_(teams), TeamMember.supervisor)
    else:
        return set()
    return set(db.session.scalars(query)) - {asked_by_id}


def for_user(user_id: int) -> ColumnElement[bool]:
    """The condition for pings that ``user_id`` may answer; see :func:`answerers`."""
    mine, theirs = aliased(TeamMember), aliased(TeamMember)
    in_team = exists().where(mine.user_id == user_id, mine.team_id == PingTarget.team_id)
    above = exists().where(
        mine.user_id == user_id, mine.supervisor, mine.team_id == theirs.team_id, theirs.user_id == Ping.asked_by_id
    )
    no_team = and_(PingTarget.team_id.is_(None), PingTarget.kind == "supervisor", above)
    return and_(Ping.asked_by_id != user_id, or_(in_team, no_team))


def concerns(user_id: int, case_id: int) -> bool:
    """Whether a ping from this case gives ``user_id`` reason to read it."""
    query = select(Ping.id).join(PingTarget).where(Ping.case_id == case_id, Ping.state != WITHDRAWN, for_user(user_id))
    return db.session.scalar(query.limit(1)) is not None


def check_values(target: PingTarget, values: Mapping[str, str]) -> dict[str, str]:
    """The target's fields out of ``values``. Raises ``Rejected`` naming the required ones that are missing."""
    clean = {field["key"]: str(values.get(field["key"], "")).strip()[:2000] for field in target.fields}
    missing = [field for field in target.fields if field.get("required") and not clean[field["key"]]]
    if missing:
        english = ", ".join(field["title_en"] for field in missing)
        russian = ", ".join(f"«{field['title_ru']}»" for field in missing)
        raise Rejected(Text(f"Fill in first: {english}", f"Сначала заполните: {russian}"), "ping-fields-required")
    return {key: value for key, value in clean.items() if value}


def ask(
    case_id: int,
    user_id: int,
    target_id: int,
    question: str,
    values: Mapping[str, str] | None = None,
    interaction_id: int | None = None,
) -> int:
    """Send a ping from a case; returns its id. Raises ``Rejected`` when something required is missing or nobody could answer."""
    with transaction():
        target = db.session.get(PingTarget, target_id)
        if target is None or not target.active:
            raise Rejected(
                Text("There is no such addressee of pings", "Такого адресата пингов нет"), "ping-target-unknown"
            )
        case = db.session.get(Case, case_id)
        if case is None:
            raise Rejected(Text("There is no such case", "Такого запроса нет"), "case-unknown")
        if interaction_id is not None and not _belongs(interaction_id, case_id):
            interaction_id = None
        clean = check_values(target, values or {})
        words = question.strip()[:LONGEST]
        if not words:
            raise Rejected(Text("Write your question first", "Сначала напишите вопрос"), "ping-question-required")
        people = answerers(target, user_id)
        if not people:
            text = Text(
                f"Nobody can answer for '{target.title_en}': an administrator has to put people into its team",
                f"За «{target.title_ru}» некому ответить: администратору нужно добавить людей в группу адресата",
            )
            raise Rejected(text, "ping-nobody")
        ping = Ping(
            case_id=case_id,
            interaction_id=interaction_id,
            target_id=target_id,
            asked_by_id=user_id,
            question=words,
            values=clean,
        )
        db.session.add(ping)
        db.session.flush()
        titles = {"title_en": target.title_en, "title_ru": target.title_ru}
        timeline.write(case_id, "ping.asked", actor_id=user_id, ping_id=ping.id, target=titles, text=words[:500])
        told = {"number": case.number, "subject": case.subject, "target": titles, "text": words[:140]}
        notify(people, "ping.asked", f"/pings/{ping.id}", told, actor_id=user_id)
        db.session.execute(_forget(user_id, case_id, "ask"))
        _tell(ping)
        return ping.id


def _belongs(interaction_id: int, case_id: int) -> bool:
    query = select(Interaction.id).where(Interaction.id == interaction_id, Interaction.case_id == case_id)
    return db.session.scalar(query) is not None


def _forget(user_id: int, case_id: int, kind: str) -> Any:
    return Draft.__table__.delete().where(Draft.user_id == user_id, Draft.case_id == case_id, Draft.kind == kind)


def _tell(ping: Ping) -> None:
    data = {
        "ping_id": ping.id,
        "case_id": ping.case_id,
        "state": ping.state,
        "asked_by_id": ping.asked_by_id,
        "answered_by_id": ping.answered_by_id,
    }
    events.publish("desk", "ping.changed", data)


def _move(ping_id: int, before: Iterable[str], after: str, *conditions: ColumnElement[bool], **values: Any) -> Ping:
    """One step of the machine, or ``Rejected`` when it is too late."""
    statement = update(Ping).where(Ping.id == ping_id, Ping.state.in_(list(before)), *conditions)
    moved = db.session.execute(statement.values(state=after, **values).execution_options(synchronize_session=False))
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise Rejected(GONE, "ping-gone")
    ping = db.session.get_one(Ping, ping_id, populate_existing=True)
    _tell(ping)
    return ping


def get(ping_id: int) -> Ping:
    """One ping with what a page shows of it; ``Rejected`` when there is none."""
    query = select(Ping).where(Ping.id == ping_id).options(*_shown())
    ping: Ping | None = db.session.scalar(query)
    if ping is None:
        raise Rejected(Text("There is no such ping", "Такого пинга нет"), "ping-unknown")
    return ping


def _shown() -> tuple[Any, ...]:
    return (
        joinedload(Ping.case),
        joinedload(Ping.target).joinedload(PingTarget.team),
        joinedload(Ping.asked_by),
        joinedload(Ping.answered_by),
    )


def may_answer(ping: Ping, user_id: int) -> bool:
    """Whether this person is one of the addressees."""
    return user_id in answerers(ping.target, ping.asked_by_id)


def _as_answerer(ping_id: int, user_id: int) -> None:
    if not may_answer(get(ping_id), user_id):
        raise Rejected(
            Text("This ping was sent to other colleagues", "Этот пинг адресован другим коллегам"), "ping-not-yours"
        )


def take(ping_id: int, user_id: int) -> None:
    """An addressee takes the question; nobody else answers it then."""
    with transaction():
        _as_answerer(ping_id, user_id)
        ping = _move(ping_id, [WAITING], TAKEN, answered_by_id=user_id, taken_at=now())
        timeline.write(ping.case_id, "ping.taken", actor_id=user_id, ping_id=ping_id)


def give_back(ping_id: int, user_id: int) -> None:
    """Who has taken it lets another addressee answer; it keeps its place."""
    with transaction():
        _move(ping_id, [TAKEN], WAITING, Ping.answered_by_id == user_id, answered_by_id=None, taken_at=None)


def answer(ping_id: int, user_id: int, text: str) -> None:
    """Answer a question, waiting or taken by oneself; the answer becomes a note of the case. Raises ``Rejected`` when empty."""
    words = text.strip()[:LONGEST]
    if not words:
        raise Rejected(Text("Write the answer first", "Сначала напишите ответ"), "ping-answer-required")
    with transaction():
        _as_answerer(ping_id, user_id)
        moment = now()
        free = or_(Ping.state == WAITING, Ping.answered_by_id == user_id)
        ping = _move(
            ping_id,
            OPEN,
            ANSWERED,
            free,
            answered_by_id=user_id,
            answer=words,
            answered_at=moment,
            taken_at=func.coalesce(Ping.taken_at, moment),
        )
        timeline.write(
            ping.case_id, "note", actor_id=user_id, text=words, ping_id=ping_id, question=ping.question[:500]
        )
        case = db.session.get_one(Case, ping.case_id)
        told = {"number": case.number, "subject": case.subject, "text": words[:140]}
        people = {ping.asked_by_id} | ({case.assignee_id} if case.assignee_id else set())
        notify(people, "ping.answered", f"/cases/{ping.case_id}", told, actor_id=user_id)
        db.session.execute(_forget(user_id, ping.case_id, "ping"))
        events.publish("desk", "case.changed", {"case_id": case.id, "number": case.number, "changes": ["note"]})


def withdraw(ping_id: int, user_id: int) -> None:
    """The asker does not need an answer any more."""
    with transaction():
        ping = _move(ping_id, OPEN, WITHDRAWN, Ping.asked_by_id == user_id)
        timeline.write(ping.case_id, "ping.withdrawn", actor_id=user_id, ping_id=ping_id)
        if ping.answered_by_id is not None:
            case = db.session.get_one(Case, ping.case_id)
            told = {"number": case.number, "subject": case.subject}
            notify([ping.answered_by_id], "ping.withdrawn", f"/cases/{ping.case_id}", told, actor_id=user_id)


# --- lists and figures -------------------------------------------------------------------------------


def of_case(case_id: int) -> list[Ping]:
    """The pings of a case, the newest first."""
    query = select(Ping).where(Ping.case_id == case_id, Ping.state != WITHDRAWN).options(*_shown())
    return list(db.session.scalars(query.order_by(Ping.id.desc()).limit(50)))


def to_answer(user_id: int, limit: int = 100) -> list[Ping]:
    """What waits for this person: taken by them first, then by age."""
    query = select(Ping).join(PingTarget).where(for_user(user_id)).options(*_shown())
    query = query.where(or_(Ping.state == WAITING, and_(Ping.state == TAKEN, Ping.answered_by_id == user_id)))
    return list(db.session.scalars(query.order_by(Ping.state, Ping.asked_at, Ping.id).limit(limit)))


def asked_by(user_id: int, limit: int = 100) -> list[Ping]:
    """This person's own questions, open ones first, then the newest."""
    query = select(Ping).where(Ping.asked_by_id == user_id, Ping.state != WITHDRAWN).options(*_shown())
    return list(db.session.scalars(query.order_by(Ping.state == ANSWERED, Ping.id.desc()).limit(limit)))


def waiting_count(user_id: int) -> int:
    """How many wait for this person, for the function bar."""
    mine = select(Ping.id).join(PingTarget).where(for_user(user_id)).limit(100)
    mine = mine.where(or_(Ping.state == WAITING, and_(Ping.state == TAKEN, Ping.answered_by_id == user_id)))
    return db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0


def overdue_at(ping: Ping) -> datetime | None:
    """When the target's time to answer ends; None without a target."""
    return ping.asked_at + timedelta(seconds=ping.target.target_seconds) if ping.target.target_seconds else None


def figures(since: datetime, until: datetime) -> list[TargetFigures]:
    """Per target: asked, answered, answered in time, still open, mean seconds to take and to answer. Two statements."""
    every = {target.id: target for target in db.session.scalars(select(PingTarget).order_by(PingTarget.id))}
    columns = (Ping.target_id, Ping.state, Ping.asked_at, Ping.taken_at, Ping.answered_at)
    asked = select(*columns).where(Ping.asked_at >= since, Ping.asked_at < until, Ping.state != WITHDRAWN)
    rows: dict[int, list[Any]] = {}
    for row in db.session.execute(asked):
        rows.setdefault(row.target_id, []).append(row)
    return [_figures(target, rows.get(key, [])) for key, target in every.items() if target.active or key in rows]


def _figures(target: PingTarget, rows: list[Any]) -> TargetFigures:
    took = [(row.taken_at - row.asked_at).total_seconds() for row in rows if row.taken_at]
    answered = [(row.answered_at - row.asked_at).total_seconds() for row in rows if row.answered_at]
    return TargetFigures(
        target=target,
        asked=len(rows),
        answered=len(answered),
        in_time=sum(1 for seconds in answered if not target.target_seconds or seconds <= target.target_seconds),
        open=sum(1 for row in rows if row.state in OPEN),
        to_take=sum(took) / len(took) if took else None,
        to_answer=sum(answered) / len(answered) if answered else None,
    )
