"""Whose an interaction becomes other than by an offer: taken, assigned, passed on, moved between support lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import exists, or_, select

from core import casework, presence, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Interaction, Presence, Service, ServiceTeam, SupportLine, Team, User
from core.notifications import notify
from core.permissions import allowed
from core.routing import hands, offers, stays
from core.routing.queueing import NOT_YOURS, fresh, look_again, swap, tell, withdraw
from core.snapshots import interaction_info, service_info

TAKEN = Text("A colleague was faster", "Коллега успел раньше")
OFFLINE = Text("Open the desk first", "Сначала откройте рабочее место")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of taking several: ids taken, and of each other one why not."""

    taken: tuple[int, ...]
    refused: tuple[tuple[int, Rejected], ...]


def take(interaction_id: int, user_id: int) -> None:
    """Pull from the group queue. Raises ``Rejected``: ``taken``, ``offline``, ``capacity-limit``."""
    with transaction():
        if not swap(interaction_id, "queued", "active", agent_id=user_id, accepted_at=now(), team_id=None):
            raise Rejected(TAKEN, "taken")
        offers.assigned(interaction_id, user_id, "taken")
        if hands.state_of(user_id) == presence.OFFLINE:
            raise Rejected(OFFLINE, "offline")
        hands.check_limit(_person(user_id), fresh(interaction_id).channel, himself=True)


def take_several(interaction_ids: Iterable[int], user_id: int) -> Taken:
    """Pull several, in the order given, each by itself: what a colleague has taken or the limit refuses is left out."""
    taken: list[int] = []
    refused: list[tuple[int, Rejected]] = []
    for interaction_id in dict.fromkeys(interaction_ids):
        try:
            take(interaction_id, user_id)
            taken.append(interaction_id)
        except Rejected as refusal:
            refused.append((interaction_id, refusal))
    return Taken(tuple(taken), tuple(refused))


def assign(interaction_id: int, to_user_id: int, by_user_id: int, note: str = "") -> None:
    """Give an open interaction into somebody's hands without asking; for supervisors, the caller has checked that.

    Raises ``Rejected``: ``user-disabled``, ``agent-offline`` for a live one to somebody who is not there, ``capacity-limit``,
    ``moved-on``.
    """
    with transaction():
        interaction = fresh(interaction_id)
        if interaction.agent_id == to_user_id and interaction.state in ("active", "wrap_up"):
            return
        _give(interaction, _person(to_user_id), "assigned", by_user_id, note)


def transfer(
    interaction_id: int,
    by_user_id: int,
    *,
    to_user_id: int | None = None,
    to_service_id: int | None = None,
    to_team_id: int | None = None,
    note: str = "",
) -> None:
    """Pass an open interaction on to one agent, to a service or to a team; it keeps its place in the queue by its age.

    A conversation rings at the agent, a letter goes into the agent's personal queue. ``by_user_id`` has it, or it waits, or
    is somebody who watches teams. Raises ``Rejected``: ``not-your-interaction``, ``transfer-target``, ``transfer-same``,
    ``user-disabled``, ``agent-not-free``, ``capacity-limit``, ``transfer-service-unknown``, ``team-unknown``, ``moved-on``.
    """
    targets = [target for target in (to_user_id, to_service_id, to_team_id) if target is not None]
    if len(targets) != 1:
        raise Rejected(Text("Choose whom to pass it to", "Выберите, кому передать"), "transfer-target")
    with transaction():
        interaction = _movable(interaction_id, by_user_id)
        if to_user_id is not None:
            _to_user(interaction, _person(to_user_id), by_user_id, note)
        elif to_service_id is not None:
            _to_service(interaction, to_service_id, by_user_id, note)
        else:
            _to_team(interaction, targets[0], by_user_id, note)


def move_line(interaction_id: int, by_user_id: int, line: int, note: str = "") -> None:
    """Move the interaction and its case up or down the support lines of its service, where it waits for that line's teams.

    Raises ``Rejected``: ``not-your-interaction``, ``line-unknown``, ``transfer-same``, ``moved-on``.
    """
    with transaction():
        interaction = _movable(interaction_id, by_user_id)
        if line == interaction.line:
            raise Rejected(Text(f"It is on line {line} already", f"Оно уже на линии {line}"), "transfer-same")
        known = or_(
            exists().where(SupportLine.service_id == interaction.service_id, SupportLine.number == line),
            exists().where(ServiceTeam.service_id == interaction.service_id, ServiceTeam.line == line),
        )
        if not db.session.scalar(select(known)):
            missing = Text(f"This service has no line {line}", f"У этого сервиса нет линии {line}")
            raise Rejected(missing, "line-unknown")
        case, before_line = interaction.case, interaction.line
        before = withdraw(interaction)
        interaction = fresh(interaction_id)
        interaction.line = line
        stays.move(case, line, by_user_id, note)
        casework.touch(case, line=line, cause="line")
        timeline.write(
            case.id,
            "line.moved",
            actor_id=by_user_id,
            interaction_id=interaction_id,
            before=before_line,
            after=line,
            note=note,
        )
        _settle(before)
        tell(interaction)


# --- inside ------------------------------------------------------------------------------------------


def _person(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None or user.disabled_at is not None:
        raise Rejected(Text("There is no such agent (any more)", "Такого оператора (уже) нет"), "user-disabled")
    return user


def _movable(interaction_id: int, by_user_id: int) -> Interaction:
    """The open interaction, if it waits or is in the hands of ``by_user_id`` or of an agent whom that person watches."""
    interaction = fresh(interaction_id)
    theirs = interaction.state in ("active", "wrap_up") and interaction.agent_id != by_user_id
    if interaction.state == "closed" or (theirs and not allowed(_person(by_user_id), "supervisor.view")):
        raise Rejected(NOT_YOURS, "not-your-interaction")
    return interaction


def _is_live(interaction: Interaction) -> bool:
    channel = okno().channels.get(interaction.channel)
    return channel is not None and channel.capabilities.live


def _settle(agent_id: int | None) -> None:
    """The agent who had it has room again."""
    if agent_id is not None:
        hands.rest_from(agent_id)
        presence.settle(agent_id, "transferred")


def _write(interaction: Interaction, by_user_id: int, kind: str, titles: Text, note: str) -> None:
    timeline.write(
        interaction.case_id,
        "interaction.transferred",
        actor_id=by_user_id,
        interaction_id=interaction.id,
        to=kind,
        title_en=titles.en,
        title_ru=titles.ru,
        note=note,
    )


def _give(interaction: Interaction, target: User, how: str, by_user_id: int, note: str) -> None:
    """Into the hands of ``target``, from wherever it is."""
    interaction_id, case = interaction.id, interaction.case
    before = withdraw(interaction)
    if not swap(interaction_id, "queued", "active", agent_id=target.id, accepted_at=now()):
        raise Rejected(TAKEN, "taken")
    words_of = {"title_en": target.name, "title_ru": target.name, "note": note}
    offers.assigned(interaction_id, target.id, how, by_user_id, before, **words_of)
    interaction = fresh(interaction_id)
    if _is_live(interaction) and hands.state_of(target.id) == presence.OFFLINE:
        words = Text(f"{target.name} is not at the desk", f"{target.name} не на рабочем месте")
        raise Rejected(words, "agent-offline")
    hands.check_limit(target, interaction.channel, himself=target.id == by_user_id)
    data = {"number": case.number, "subject": case.subject, "note": note}
    notify([target.id], f"interaction.{how}", f"/cases/{case.id}", data, by_user_id)


def _to_user(interaction: Interaction, target: User, by_user_id: int, note: str) -> None:
    if interaction.agent_id == target.id:
        raise Rejected(Text("It is there already", "Оно уже там"), "transfer-same")
    if _is_live(interaction):
        _ring(interaction, target, by_user_id, note)
    else:
        _give(interaction, target, "passed", by_user_id, note)


def _ring(interaction: Interaction, target: User, by_user_id: int, note: str) -> None:
    """Offer a conversation to one agent; declined or missed it waits for everybody, at its place."""
    interaction_id = interaction.id
    before = withdraw(interaction)
    for agent_id in sorted({target.id, before or target.id}):
        hands.claim(agent_id)
    interaction = fresh(interaction_id)
    if not hands.may_be_offered(target, interaction.channel):
        words = Text(f"{target.name} cannot take it now", f"{target.name} сейчас не может принять обращение")
        raise Rejected(words, "agent-not-free")
    interaction.preferred_agent_id = target.id
    _write(interaction, by_user_id, "user", Text(target.name, target.name), note)
    db.session.flush()
    row = db.session.get_one(Presence, target.id, populate_existing=True)
    offers.make(
        [
            offers.Proposal(
                interaction_id=interaction_id,
                interaction_version=interaction.version,
                case_id=interaction.case_id,
                service_id=interaction.service_id,
                agent_id=target.id,
                agent_version=row.version,
                seconds=interaction.service.offer_seconds,
            )
        ]
    )
    _settle(before)


def _to_service(interaction: Interaction, service_id: int, by_user_id: int, note: str) -> None:
    service = db.session.get(Service, service_id)
    if service is None or not service.active:
        raise Rejected(Text("There is no such service", "Такого сервиса нет"), "transfer-service-unknown")
    if service_id == interaction.service_id and interaction.state == "queued":
        raise Rejected(Text("It is there already", "Оно уже там"), "transfer-same")
    interaction_id, case, old_service = interaction.id, interaction.case, interaction.service_id
    before = withdraw(interaction)
    interaction = fresh(interaction_id)
    interaction.service_id, interaction.line = service_id, 1
    db.session.flush()
    tell(interaction)
    place = okno().hooks.choose_queue(interaction_info(interaction), service_info(service))
    if place is not None:
        interaction.priority = place.priority
    if case.service_id == old_service:
        casework.touch(case, service_id=service_id, line=1, cause="transferred")
    _write(interaction, by_user_id, "service", Text(service.title_en, service.title_ru), note)
    _settle(before)
    look_again()


def _to_team(interaction: Interaction, team_id: int, by_user_id: int, note: str) -> None:
    team = db.session.get(Team, team_id)
    if team is None:
        raise Rejected(Text("There is no such group", "Такой группы нет"), "team-unknown")
    interaction_id = interaction.id
    before = withdraw(interaction)
    interaction = fresh(interaction_id)
    interaction.team_id = team_id
    _write(interaction, by_user_id, "team", Text(team.title_en, team.title_ru), note)
    _settle(before)
    tell(interaction)
