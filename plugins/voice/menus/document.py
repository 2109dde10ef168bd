"""A voice menu as data: steps by name, read from YAML or JSON, checked so that no caller can fall out of it.

::

    title: {en: Main menu, ru: Главное меню}
    language: ru
    numbers: ["+78000000001"]
    start: hello
    steps:
      hello: {type: say, text: {ru: Здравствуйте!, en: Hello!}, next: hours}
      hours: {type: hours, calendar: office, open: choice, closed: night}
      choice: {type: digits, text: {ru: "Поддержка — 1"}, options: {"1": support}, otherwise: support}
      support: {type: queue, service: support}
      night: {type: voicemail, service: support}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.contracts import Text
from core.schemas import LANGUAGES, Invalid

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DIGITS = frozenset("0123456789*#")
MOST_STEPS = 200
MOST_TRIES, MOST_SECONDS = 9, 60
LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of step takes: the fields it must have, those it may have, and which of them lead on."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()


SPOKEN = ("text", "message")
KINDS: Mapping[str, Kind] = {
    "say": Kind(("text", "next"), leads=("next",)),
    "message": Kind(("message", "next"), leads=("next",)),
    "digits": Kind(
        ("options",), ("text", "message", "seconds", "tries", "wrong", "otherwise"), leads=("wrong", "otherwise")
    ),
    "hours": Kind(("open", "closed"), ("calendar", "service"), leads=("open", "closed")),
    "queue": Kind(("service",), ("priority", *SPOKEN)),
    "voicemail": Kind((), ("service", "user", *SPOKEN)),
    "callback": Kind(("service",), SPOKEN),
    "number": Kind(("number",), SPOKEN),
    "menu": Kind(("menu",)),
    "hangup": Kind((), SPOKEN),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``values`` are its fields as :data:`KINDS` names them, texts by language."""

    name: str
    type: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """What is said, in a language, else in any there is."""
        texts: Mapping[str, str] = self.values.get("text") or {}
        return texts.get(language) or next(iter(texts.values()), "")

    def leads_to(self) -> list[tuple[str, str]]:
        """Where it may go on: (why, name of the step); a digit is its own why."""
        found = [(why, self.values[why]) for why in KINDS[self.type].leads if self.values.get(why)]
        return [*self.values.get("options", {}).items(), *found]


@dataclass(frozen=True, slots=True)
class Menu:
    """A checked menu."""

    key: str
    title: Text
    language: str
    numbers: tuple[str, ...]
    start: str
    steps: Mapping[str, Step]

    def plain(self) -> dict[str, Any]:
        """As data that :func:`read` takes."""
        steps = {step.name: {"type": step.type, **step.values} for step in self.steps.values()}
        title = {"en": self.title.en, "ru": self.title.ru}
        return {
            "title": title,
            "language": self.language,
            "numbers": list(self.numbers),
            "start": self.start,
            "steps": steps,
        }


def read(key: str, given: Any) -> Menu:
    """A menu from plain data. Raises :class:`Invalid` with the place that is wrong: ``key``, ``numbers`` or ``document``."""
    if not NAME.fullmatch(key):
        raise _wrong(
            "key",
            f"'{key}' is not a key: lower-case Latin letters, digits, - and _",
            f"«{key}» не годится в ключи: строчные латинские буквы, цифры, - и _",
        )
    top = _mapping(given, "the menu", "меню")
    _only(top, ("title", "language", "numbers", "start", "steps"), "the menu", "меню")
    steps = _steps(top.get("steps"))
    language = str(top.get("language") or "ru")
    if language not in LANGUAGES:
        raise _wrong(
            "document", f"language: '{language}' is neither ru nor en", f"language: «{language}» — не ru и не en"
        )
    start = str(top.get("start") or next(iter(steps)))
    _known(start, steps, "start")
    for step in steps.values():
        for why, name in step.leads_to():
            _known(name, steps, f"{step.name}.{why}")
    _refuse_silent_circles(steps)
    return Menu(key, _title(top.get("title"), key), language, _numbers(top.get("numbers")), start, steps)


def _wrong(place: str, en: str, ru: str) -> Invalid:
    return Invalid({place: Text(en, ru)}, "menu-invalid")


def _mapping(given: Any, en: str, ru: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _wrong("document", f"{en}: names and values are expected", f"{ru}: ожидаются имена и значения")
    return {str(name): value for name, value in given.items()}


def _only(given: Mapping[str, Any], names: tuple[str, ...], en: str, ru: str) -> None:
    strange = next((name for name in given if name not in names), None)
    if strange is not None:
        known = ", ".join(names)
        raise _wrong(
            "document",
            f"{en}: no such field '{strange}'; there are {known}",
            f"{ru}: нет поля «{strange}»; бывают {known}",
        )


def _title(given: Any, key: str) -> Text:
    texts = _texts(given, "title") if given else {}
    some = next(iter(texts.values()), key)
    return Text(texts.get("en", some)[:120], texts.get("ru", some)[:120])


def _numbers(given: Any) -> tuple[str, ...]:
    if given in (None, ""):
        return ()
    if not isinstance(given, list | tuple):
        raise _wrong("numbers", "numbers: a list is expected", "numbers: ожидается список")
    return tuple(dict.fromkeys(str(number).strip().lower() for number in given if str(number).strip()))


def _texts(given: Any, where: str) -> dict[str, str]:
    """Texts by language; a plain text stands for Russian."""
    found = {"ru": given} if isinstance(given, str) else given
    if not isinstance(found, Mapping) or not found or any(name not in LANGUAGES for name in found):
        raise _wrong(
            "document", f"{where}: a text, or texts by ru and en", f"{where}: нужен текст или тексты по языкам ru и en"
        )
    texts = {str(name): str(text).strip() for name, text in found.items() if str(text or "").strip()}
    if not texts or any(len(text) > LONGEST_TEXT for text in texts.values()):
        raise _wrong(
            "document",
            f"{where}: a text of 1 to {LONGEST_TEXT} characters",
            f"{where}: нужен текст от 1 до {LONGEST_TEXT} знаков",
        )
    return texts


def _steps(given: Any) -> dict[str, Step]:
    named = _mapping(given, "steps", "steps")
    if not 1 <= len(named) <= MOST_STEPS:
        raise _wrong("document", f"steps: 1 to {MOST_STEPS} of them", f"steps: от 1 до {MOST_STEPS} шагов")
    return {name: _step(name, values) for name, values in named.items()}


def _step(name: str, given: Any) -> Step:
    if not NAME.fullmatch(name):
        raise _wrong(
            "document",
            f"'{name}' is not a name of a step: lower-case Latin letters, digits, - and _",
            f"«{name}» не годится в имена шагов: строчные латинские буквы, цифры, - и _",
        )
    values = _mapping(given, name, name)
    kind = KINDS.get(str(values.pop("type", "")))
    if kind is None:
        known = ", ".join(KINDS)
        raise _wrong("document", f"{name}: type must be one of {known}", f"{name}: type должен быть одним из {known}")
    type_ = next(key for key, one in KINDS.items() if one is kind)
    _only(values, kind.needs + kind.may, name, name)
    missing = next((field_name for field_name in kind.needs if values.get(field_name) in (None, "", {}, [])), None)
    if missing is not None:
        raise _wrong("document", f"{name}: '{missing}' is missing", f"{name}: нет поля «{missing}»")
    return Step(
        name,
        type_,
        {
            field_name: _value(name, field_name, value)
            for field_name, value in values.items()
            if value not in (None, "")
        },
    )


def _value(step: str, name: str, value: Any) -> Any:
    where = f"{step}.{name}"
    if name == "text":
        return _texts(value, where)
    if name == "options":
        return _options(where, value)
    if name in ("seconds", "tries", "priority"):
        most = {"seconds": MOST_SECONDS, "tries": MOST_TRIES, "priority": 1000}[name]
        least = 0 if name == "priority" else 1
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong(
                "document",
                f"{where}: a whole number from {least} to {most}",
                f"{where}: целое число от {least} до {most}",
            )
        return value
    if not isinstance(value, str | int):
        raise _wrong("document", f"{where}: a word is expected", f"{where}: ожидается слово")
    return str(value).strip()


def _options(where: str, given: Any) -> dict[str, str]:
    options = {str(digit): str(name) for digit, name in _mapping(given, where, where).items()}
    strange = next((digit for digit in options if digit not in DIGITS), None)
    if strange is not None:
        raise _wrong(
            "document",
            f"{where}: '{strange}' is not a key of a telephone; write digits in quotes",
            f"{where}: «{strange}» — не клавиша телефона; цифры пишите в кавычках",
        )
    return options


def _known(name: str, steps: Mapping[str, Step], where: str) -> None:
    if name not in steps:
        raise _wrong("document", f"{where}: there is no step '{name}'", f"{where}: нет шага «{name}»")


def _refuse_silent_circles(steps: Mapping[str, Step]) -> None:
    """A circle of steps that neither speak nor wait would turn for ever without the caller hearing anything."""
    for begin in steps.values():
        seen: set[str] = set()
        ahead = [begin.name] if begin.type == "hours" else []
        while ahead:
            step = steps[ahead.pop()]
            if step.type != "hours":
                continue
            if step.name in seen:
                continue
            seen.add(step.name)
            onward = [name for _, name in step.leads_to()]
            if begin.name in onward:
                raise _wrong(
                    "document",
                    f"{begin.name}: these steps lead back to themselves without a word",
                    f"{begin.name}: эти шаги ведут по кругу без единого слова",
                )
            ahead += onward
