"""Trying a menu without a telephone: what a caller would hear, turn by turn, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.contracts import Text
from plugins.voice.menus.course import Action, Input, Moment, Move, State, begin, follow
from plugins.voice.menus.document import Menu

Who = Literal["menu", "caller", "end"]
MOST_TURNS = 100


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the conversation; ``path`` are the steps that were passed before it."""

    who: Who
    text: str
    path: str = ""

    def plain(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """What has come of one key: the lines, and the state that waits for the next one (None: over)."""

    lines: tuple[Said, ...]
    state: State | None


def start(menu: Menu, moment: Moment, language: str) -> Turn:
    """A caller comes in and hears everything up to the first question."""
    return _run(begin(menu, moment), moment, language)


def press(state: State, key: str, moment: Moment, language: str) -> Turn:
    """The caller presses a key, "" is silence until the time is over."""
    given = Input("digit", key) if key else Input("silence")
    shown = key or Text("(presses nothing)", "(ничего не нажимает)").to(language)
    turn = _run(follow(state, given, moment), moment, language)
    return Turn((Said("caller", shown), *turn.lines), turn.state)


def _run(move: Move, moment: Moment, language: str) -> Turn:
    """Let everything be played that needs no key."""
    lines: list[Said] = []
    for _ in range(MOST_TURNS):
        lines += _lines(move, language)
        if move.state is None or not move.state.playing:
            return Turn(tuple(lines), move.state)
        move = follow(move.state, Input("played"), moment)
    circle = Text("The menu speaks in a circle", "Меню говорит по кругу").to(language)
    return Turn((*lines, Said("end", circle)), None)


def _lines(move: Move, language: str) -> list[Said]:
    path = " → ".join(move.path)
    found = []
    for action in move.actions:
        text = words_of(action).to(language)
        if text:
            found.append(Said("menu" if action.do in ("say", "message") else "end", text, path))
            path = ""
    return found


def words_of(action: Action) -> Text:
    """What an action is in words; "" for waiting for a key."""
    data = action.data
    target = data.get("service") or data.get("user") or ""
    words: dict[str, Callable[[], Text]] = {
        "say": lambda: Text(data["text"], data["text"]),
        "message": lambda: Text(f"Plays the message «{data['key']}»", f"Проигрывает сообщение «{data['key']}»"),
        "collect": lambda: Text("", ""),
        "queue": lambda: Text(f"To the queue of the service «{target}»", f"В очередь сервиса «{target}»"),
        "voicemail": lambda: Text(f"Leaves a message for «{target}»" if target else "Leaves a message", f"Оставляет сообщение для «{target}»" if target else "Оставляет сообщение"),
        "callback": lambda: Text(f"Will be called back by «{target}»", f"Заказывает обратный звонок: «{target}»"),
        "dial": lambda: Text(f"Is connected with {data['number']}", f"Соединяется с {data['number']}"),
        "hangup": lambda: Text("The call ends", "Звонок завершается"),
    }  # fmt: skip
    return words[action.do]()


def play(menu: Menu, keys: Sequence[str], moment: Moment, language: str) -> list[Said]:
    """A whole call with these keys, "" or "-" for silence; what comes after its end is not pressed."""
    turn = start(menu, moment, language)
    lines = list(turn.lines)
    for key in keys:
        if turn.state is None:
            break
        turn = press(turn.state, "" if key == "-" else key, moment, language)
        lines += turn.lines
    return lines


def read_lines(given: Any) -> list[Said]:
    """The conversation so far as a page sends it back; what is not of that shape is left out."""
    rows = given if isinstance(given, list) else []
    return [
        Said(row["who"], str(row.get("text", ""))[:2000], str(row.get("path", ""))[:2000])
        for row in rows[-200:]
        if isinstance(row, dict) and row.get("who") in ("menu", "caller", "end")
    ]
