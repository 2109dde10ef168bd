"""What a team's rules mean together, in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.contracts import Text
from core.house import okno
from core.model import Team
from core.routing.capacity import capacity_of, usual
from core.team_rules import label_of

STATES = {"ready": Text("«Ready»", "«Готов»"), "not_ready": Text("«Not ready»", "«Не готов»")}
AFTER = (
    ("sign_in", Text("after signing in", "после входа")),
    ("work", Text("after an interaction", "после обращения")),
    ("reject", Text("after declining", "после отказа")),
    ("no_answer", Text("after no answer", "если не ответил")),
)


def meaning(team: Team, user_capacity: Mapping[str, Any] | None = None) -> list[Text]:
    """The rules of a team (and of one agent of it) as an agent would tell them."""
    numbers = {
        name: capacity_of(name, user_capacity or {}, team.capacity, usual(channel.capabilities))
        for name, channel in okno().channels.items()
    }
    return [
        sentence
        for sentence in (_given(numbers), _taken(numbers), _together(team.mix), _states(team), _pauses(team))
        if sentence
    ]


def _listed(parts: list[Text]) -> Text:
    return Text(", ".join(part.en for part in parts), ", ".join(part.ru for part in parts))


def _given(numbers: Mapping[str, Mapping[str, int]]) -> Text | None:
    if not numbers:
        return None
    parts = []
    for channel, pair in numbers.items():
        label, push = label_of(channel), pair["push"]
        if push == 0:
            parts.append(Text(f"{label.en}: nothing", f"{label.ru}: ничего"))
        elif push == 1:
            parts.append(Text(f"{label.en}: one at a time", f"{label.ru}: по одному"))
        else:
            parts.append(Text(f"{label.en}: up to {push} at once", f"{label.ru}: до {push} сразу"))
    listed = _listed(parts)
    return Text(f"The system offers an agent: {listed.en}.", f"Система предлагает оператору: {listed.ru}.")


def _taken(numbers: Mapping[str, Mapping[str, int]]) -> Text | None:
    parts = [
        Text(f"{label_of(name).en}: {pair['limit']}", f"{label_of(name).ru}: {pair['limit']}")
        for name, pair in numbers.items()
        if pair["limit"] > pair["push"]
    ]
    if not parts:
        return None
    listed = _listed(parts)
    return Text(
        f"By taking from the queue an agent may have up to: {listed.en}.",
        f"Беря из очереди, оператор может держать в работе до: {listed.ru}.",
    )


def _together(mix: list[Any]) -> Text | None:
    groups = [[label_of(channel) for channel in group] for group in mix]
    mixed = {channel for group in mix for channel in group}
    alone = [label_of(channel) for channel in okno().channels if channel not in mixed]
    if not groups:
        return Text(
            "Channels do not mix: while one is in hand, nothing of another is offered.",
            "Каналы не смешиваются: пока в работе один, другой не предлагается.",
        )
    together_en = "; ".join(" + ".join(label.en for label in group) for group in groups)
    together_ru = "; ".join(" + ".join(label.ru for label in group) for group in groups)
    words = Text(f"Offered at the same time: {together_en}.", f"Одновременно предлагаются: {together_ru}.")
    if alone:
        listed = _listed(alone)
        words = Text(f"{words.en} With nothing else: {listed.en}.", f"{words.ru} Ни с чем не смешивается: {listed.ru}.")
    return words


def _states(team: Team) -> Text:
    config = okno().config
    parts = []
    for name, when in AFTER:
        state = STATES[getattr(team, f"after_{name}") or str(config.get(f"routing.after_{name}"))]
        parts.append(Text(f"{when.en} {state.en}", f"{when.ru} — {state.ru}"))
    listed = _listed(parts)
    return Text(f"{listed.en[0].upper()}{listed.en[1:]}.", f"{listed.ru[0].upper()}{listed.ru[1:]}.")


def _pauses(team: Team) -> Text:
    away = (
        Text(
            f"After {team.away_minutes} min without a sign of life an agent is «Away».",
            f"Через {team.away_minutes} мин без движения оператор — «Отошёл».",
        )
        if team.away_minutes
        else Text("Nobody becomes «Away» by idleness.", "За бездействие «Отошёл» не ставится.")
    )
    if not team.break_minutes:
        return away
    return Text(
        f"{away.en} Breaks: up to {team.break_minutes} min a day.",
        f"{away.ru} Перерывы: до {team.break_minutes} мин в день.",
    )
