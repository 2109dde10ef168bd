"""How the agents of a team work: how much of each channel, what together, what follows what. The only code that changes it.

Capacity is ``{channel: {"push": n, "limit": n}}``: ``push`` is how many the router fills an agent's hands with, ``limit``
how many the agent may have by taking more from the queue. ``mix`` lists channels that may be in hand together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from core import audit
from core.contracts import Text
from core.db import db, on_commit, transaction
from core.directory import missing
from core.events.wake import wake
from core.house import okno
from core.model import Team, TeamMember, User
from core.schemas import CHANNEL, Invalid, TeamRulesForm, checked

MOST = 100
Numbers = dict[str, dict[str, int]]


def set_rules(team_id: int, **fields: Any) -> Team:
    """Change the given rules: capacity, mix, after_sign_in, after_work, after_reject, after_no_answer, away_minutes, break_minutes, start_url.

    Raises ``Invalid`` by the field.
    """
    values = checked(TeamRulesForm, fields, partial=True)
    if "capacity" in values:
        values["capacity"] = checked_capacity(values["capacity"])
    if "mix" in values:
        values["mix"] = checked_mix(values["mix"])
    with transaction():
        team = db.session.get(Team, team_id)
        if team is None:
            raise missing("team", "группа", team_id)
        before = {name: getattr(team, name) for name in values}
        for name, value in values.items():
            setattr(team, name, value)
        if audit.record("team.rules", "team", team.key, before, values):
            on_commit(lambda: wake("routing"))
    return team


def set_user_capacity(user_id: int, capacity: Mapping[str, Any]) -> None:
    """What one agent may have in hand where it differs from the team's; an empty mapping follows the team again."""
    chosen = checked_capacity(capacity)
    with transaction():
        user = db.session.get(User, user_id)
        if user is None:
            raise missing("user", "пользователь", user_id)
        before = {"capacity": user.capacity}
        user.capacity = chosen
        if audit.record("user.capacity", "user", user.login, before, {"capacity": chosen}):
            on_commit(lambda: wake("routing"))


def checked_capacity(given: Mapping[str, Any]) -> Numbers:
    """Whole numbers from 0 to 100, what the router gives not above what may be in hand. Raises ``Invalid`` (``capacity``)."""
    found: Numbers = {}
    for channel, numbers in given.items():
        _check_channel(channel, "capacity")
        if not isinstance(numbers, Mapping) or not numbers or numbers.keys() - {"push", "limit"}:
            text = Text(f"{channel}: say push and limit.", f"{channel}: укажите push и limit.")
            raise Invalid({"capacity": text})
        plain = {name: _number(channel, numbers[name]) for name in ("push", "limit") if name in numbers}
        if plain.get("push", 0) > plain.get("limit", MOST):
            text = Text(
                f"{label_of(channel).en}: the router cannot offer more ({plain['push']}) than an agent may have ({plain['limit']}).",
                f"{label_of(channel).ru}: система не может предложить больше ({plain['push']}), чем оператору можно ({plain['limit']}).",
            )
            raise Invalid({"capacity": text})
        found[channel] = plain
    return found


def _number(channel: str, value: Any) -> int:
    text = str(value).strip()
    if not text.isdecimal() or int(text) > MOST:
        words = Text(
            f"{label_of(channel).en}: a whole number from 0 to {MOST}.",
            f"{label_of(channel).ru}: целое число от 0 до {MOST}.",
        )
        raise Invalid({"capacity": words})
    return int(text)


def checked_mix(given: Iterable[Any]) -> list[list[str]]:
    """Groups of at least two channels. Raises ``Invalid`` (``mix``)."""
    groups: list[list[str]] = []
    for group in given:
        if isinstance(group, str) or not isinstance(group, Iterable):
            raise Invalid({"mix": Text("Each group is a list of channels.", "Каждая группа — список каналов.")})
        channels = sorted({str(channel) for channel in group})
        for channel in channels:
            _check_channel(channel, "mix")
        if len(channels) < 2:
            text = Text("A group needs two channels or more.", "В сочетании должно быть хотя бы два канала.")
            raise Invalid({"mix": text})
        if channels not in groups:
            groups.append(channels)
    return groups


def _check_channel(channel: str, field: str) -> None:
    if not CHANNEL.fullmatch(str(channel)):
        text = Text(f"There is no channel «{channel}».", f"Канала «{channel}» нет.")
        raise Invalid({field: text}, "channel")


def label_of(channel: str) -> Text:
    """What a channel is called; one whose plugin is disabled by its name."""
    known = okno().channels.get(channel)
    return known.label if known else Text(channel, channel)


def first_team_of(user_id: int) -> Team | None:
    """The team whose rules hold for an agent: the first by id."""
    query = select(Team).join(TeamMember).where(TeamMember.user_id == user_id).order_by(Team.id).limit(1)
    team: Team | None = db.session.scalar(query)
    return team
