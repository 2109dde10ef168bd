"""A caller's course through a menu, as pure functions: from a state and what has just happened to the next state and what to do.

No data base, no clock: hours and other menus are asked of the :class:`Moment`. States are plain data that JSON can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from plugins.voice.menus.document import Menu, Step

What = Literal["begin", "played", "digit", "silence"]
Doing = Literal["say", "message", "collect", "queue", "voicemail", "callback", "dial", "hangup"]
SECONDS, TRIES = 5, 3
MOST_HOPS = 50
END: Mapping[str, Doing] = {
    "queue": "queue",
    "voicemail": "voicemail",
    "callback": "callback",
    "number": "dial",
    "hangup": "hangup",
}


@dataclass(frozen=True, slots=True)
class Input:
    """What has happened: the call begins, what was played is over, a key was pressed, nothing was pressed in time."""

    what: What
    digit: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the course may ask. ``is_open`` takes the name of a calendar, or ``service:<key>``; ``menu`` finds another menu."""

    at: datetime
    is_open: Callable[[str], bool]
    menu: Callable[[str], Menu | None] = lambda _key: None


@dataclass(frozen=True, slots=True)
class Action:
    """What to do now. say {text, language}; message {key}; collect {seconds}; queue {service, priority}; voicemail {service} or
    {user}; callback {service}; dial {number}; hangup {}. The last five end the course."""

    do: Doing
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Where the caller is: a step of a menu, whether it is still being played, and how often the question ``asked`` went unanswered."""

    menu: str
    step: str
    playing: bool = False
    asked: str = ""
    tries: int = 0

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def read(given: Mapping[str, Any]) -> State:
        """What :meth:`plain` gave. Raises ``ValueError`` for anything else."""
        try:
            plain = (str(given["menu"]), str(given["step"]), bool(given.get("playing")), str(given.get("asked", "")))
            return State(*plain, int(given.get("tries", 0)))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a state: {given!r}") from error


@dataclass(frozen=True, slots=True)
class Move:
    """What follows: what to do in this order, the new state (None: the course has ended), the steps passed on the way."""

    actions: tuple[Action, ...]
    state: State | None
    path: tuple[str, ...] = ()


def begin(menu: Menu, moment: Moment) -> Move:
    """A caller comes in."""
    return _enter(menu, menu.start, moment)


def next_step(menu: Menu, state: State, given: Input, moment: Moment) -> Move:
    """What follows when ``given`` happens in ``state``; a step that an editor has removed meanwhile sends the caller to the start."""
    step = menu.steps.get(state.step)
    if step is None or given.what == "begin":
        return begin(menu, moment)
    if step.type == "digits":
        return _answered(menu, step, state, given, moment)
    if given.what == "played" and "next" in step.values:
        return _enter(menu, step.values["next"], moment, state)
    return Move((), state)


def _answered(menu: Menu, step: Step, state: State, given: Input, moment: Moment) -> Move:
    """At a question: a key may be pressed while it is still being asked."""
    if given.what == "played":
        return Move((_collect(step),), replace(state, playing=False))
    if given.what == "digit" and given.digit in step.values["options"]:
        return _enter(menu, step.values["options"][given.digit], moment)
    tries = state.tries + 1
    if tries < step.values.get("tries", TRIES):
        wrong = step.values.get("wrong") if given.what == "digit" else None
        if wrong and wrong != step.name:
            return _enter(menu, wrong, moment, State(menu.key, step.name, False, step.name, tries))
        return _ask(menu, step, tries)
    if otherwise := step.values.get("otherwise"):
        return _enter(menu, otherwise, moment)
    return Move((Action("hangup"),), None)


def _enter(menu: Menu, name: str, moment: Moment, before: State | None = None) -> Move:
    """Go on at a step, through those that take no time, to one that speaks, asks or ends; ``before`` counts the tries so far."""
    counted = (before.asked, before.tries) if before else ("", 0)
    path: list[str] = []
    for _ in range(MOST_HOPS):
        step = menu.steps[name]
        path.append(f"{menu.key}/{name}")
        if step.type == "hours":
            name = step.values["open" if _is_open(step, moment) else "closed"]
            continue
        if step.type == "menu":
            other = moment.menu(step.values["menu"])
            if other is None:
                break
            menu, name = other, other.start
            continue
        return _at(menu, step, tuple(path), *counted)
    # Menus that lead to one another without a word, or to one that is gone: an end is better than silence.
    return Move((Action("hangup"),), None, tuple(path))


def _is_open(step: Step, moment: Moment) -> bool:
    calendar = step.values.get("calendar")
    return moment.is_open(calendar if calendar else f"service:{step.values.get('service', '')}")


def _at(menu: Menu, step: Step, path: tuple[str, ...], question: str, tries: int) -> Move:
    if step.type == "digits":
        asked = _ask(menu, step, tries if question == step.name else 0)
        return Move(asked.actions, asked.state, path)
    spoken = _spoken(menu, step)
    if step.type in END:
        return Move((*spoken, _end(step)), None, path)
    return Move(spoken, State(menu.key, step.name, True, question, tries), path)


def _ask(menu: Menu, step: Step, tries: int) -> Move:
    spoken = _spoken(menu, step)
    state = State(menu.key, step.name, bool(spoken), step.name, tries)
    return Move(spoken or (_collect(step),), state, (f"{menu.key}/{step.name}",))


def _spoken(menu: Menu, step: Step) -> tuple[Action, ...]:
    if message := step.values.get("message"):
        return (Action("message", {"key": message}),)
    if text := step.text(menu.language):
        return (Action("say", {"text": text, "language": menu.language}),)
    return ()


def _collect(step: Step) -> Action:
    return Action("collect", {"seconds": step.values.get("seconds", SECONDS)})


def _end(step: Step) -> Action:
    names = ("service", "user", "priority", "number")
    return Action(END[step.type], {name: step.values[name] for name in names if name in step.values})


def follow(state: State, given: Input, moment: Moment) -> Move:
    """:func:`next_step` in whichever menu the caller has come to; one that is gone meanwhile ends the course."""
    menu = moment.menu(state.menu)
    return next_step(menu, state, given, moment) if menu else Move((Action("hangup"),), None)
