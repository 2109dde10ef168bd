"""Menus kept: found by number, added, changed, removed, written as YAML and read from it. The only code that changes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import yaml
from sqlalchemy import delete, select, update

from core import audit, calendars
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, in_transaction, transaction
from core.model import Service, User
from core.schemas import Invalid
from core.shelf import Shelf
from plugins.voice.menus.course import Moment
from plugins.voice.menus.document import Menu, read
from plugins.voice.models.menus import VoiceMenu, VoiceMenuNumber
from plugins.voice.models.messages import VoiceMessage
from plugins.voice.sounds import speech

LONGEST_YAML = 200_000
SPEAK_SECONDS = 10.0


def list_menus() -> list[VoiceMenu]:
    """All menus by key."""
    return list(db.session.scalars(select(VoiceMenu).order_by(VoiceMenu.key)))


def get_menu(key: str) -> VoiceMenu:
    """One menu. Raises ``Rejected`` (``not-found``)."""
    row: VoiceMenu | None = db.session.scalar(select(VoiceMenu).where(VoiceMenu.key == key))
    if row is None:
        raise Rejected(Text(f"There is no voice menu '{key}'", f"Нет голосового меню «{key}»"), "not-found")
    return row


def _read() -> dict[str, tuple[Menu, bool]]:
    found: dict[str, tuple[Menu, bool]] = {}
    for row in db.session.scalars(select(VoiceMenu)):
        try:
            found[row.key] = (read(row.key, row.document), row.active)
        except Invalid:
            # What an older version has stored and this one cannot read leads nobody astray.
            continue
    return found


_menus: Shelf[dict[str, tuple[Menu, bool]]] = Shelf("voice_menus", _read, [VoiceMenu])


def menu(key: str) -> Menu | None:
    """A menu in use."""
    found, active = _menus().get(key, (None, False))
    return found if active else None


def menu_of_number(number: str) -> Menu | None:
    """The menu that answers calls to a number, in use; None: the call goes on to its service."""
    wanted = number.strip().lower()
    return next((found for found, active in _menus().values() if active and wanted in found.numbers), None)


def texts_of(menu: Menu) -> set[tuple[str, str]]:
    """What a menu says by itself: (text, language)."""
    return {(text, menu.language) for step in menu.steps.values() if (text := step.text(menu.language))}


def unspoken_of(menu: Menu) -> list[str]:
    """Which of its texts cannot be said now: callers hear a tone in their place. They were not spoken yet, or no program speaks."""
    return sorted(text for text, language in texts_of(menu) if speech.kept(text, language) is None)


def unspoken() -> dict[str, list[str]]:
    """The same of the menus in use that have such texts, by key."""
    return {key: texts for key, (found, active) in _menus().items() if active and (texts := unspoken_of(found))}


def spoken_texts() -> set[tuple[str, str]]:
    """What the menus in use say."""
    return {text for found, active in _menus().values() if active for text in texts_of(found)}


def moment(at: datetime | None = None) -> Moment:
    """Now, or another time, as the course asks of it."""
    at = at or now()
    return Moment(at, lambda key: _is_open(key, at), menu)


def _is_open(key: str, at: datetime) -> bool:
    kind, _, service = key.partition(":")
    if kind == "service" and service:
        calendar = db.session.scalar(select(Service.calendar_key).where(Service.key == service))
        return calendars.is_open(calendar or "", at)
    return calendars.is_open(key if kind != "service" else "", at)


def save_menu(key: str, document: Any, *, active: bool = True, version: int | None = None) -> VoiceMenu:
    """Add a menu or put another document in its place. ``version``: that of the menu which the editor has seen.

    Raises ``Invalid`` (``menu-invalid``, by field ``key``, ``numbers``, ``document``) and ``Rejected`` (``menu-overtaken``).
    """
    checked = read(key, document)
    if not in_transaction():
        # What is in use has been spoken: no call waits for it. The worker speaks what takes longer than somebody waits here.
        speech.speak_ahead(texts_of(checked), SPEAK_SECONDS)
    with transaction():
        _check_names(checked)
        row = db.session.scalar(select(VoiceMenu).where(VoiceMenu.key == key).with_for_update())
        _refuse_taken_numbers(checked, row.id if row else None)
        before = {"active": row.active, "document": row.document} if row else {}
        if row is None:
            row = VoiceMenu(key=key, title_en="", title_ru="")
            db.session.add(row)
        elif version is not None and not _claim(row, version):
            words = Text(
                "Somebody else has changed this menu meanwhile: open it again",
                "Это меню уже изменил кто-то другой: откройте его заново",
            )
            raise Rejected(words, "menu-overtaken")
        row.title_en, row.title_ru, row.active = checked.title.en, checked.title.ru, active
        row.document, row.updated_at = checked.plain(), now()
        row.version = (version if version is not None else (row.version or 0)) + 1
        db.session.flush()
        _put_numbers(row.id, checked.numbers)
        audit.record("voice.menu", "voice_menu", key, before, {"active": active, "document": row.document})
        return row


def _claim(row: VoiceMenu, version: int) -> bool:
    same = update(VoiceMenu).where(VoiceMenu.id == row.id, VoiceMenu.version == version)
    done = db.session.execute(same.values(version=version + 1).execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _put_numbers(menu_id: int, numbers: Sequence[str]) -> None:
    db.session.execute(delete(VoiceMenuNumber).where(VoiceMenuNumber.menu_id == menu_id))
    db.session.add_all(VoiceMenuNumber(number=number, menu_id=menu_id) for number in numbers)
    db.session.flush()


def _refuse_taken_numbers(checked: Menu, own_id: int | None) -> None:
    taken = select(VoiceMenuNumber.number, VoiceMenu.key).join(VoiceMenu, VoiceMenu.id == VoiceMenuNumber.menu_id)
    taken = taken.where(VoiceMenuNumber.number.in_(checked.numbers))
    if own_id is not None:
        taken = taken.where(VoiceMenuNumber.menu_id != own_id)
    for number, other in db.session.execute(taken):
        words = Text(f"{number} already leads to the menu '{other}'", f"{number} уже ведёт в меню «{other}»")
        raise Invalid({"numbers": words}, "menu-invalid")


def _check_names(checked: Menu) -> None:
    """Every service, user, message, calendar and menu that is named must be there; three statements."""
    services = set(db.session.scalars(select(Service.key)))
    messages = {str(key) for key in db.session.scalars(select(VoiceMessage.key).where(VoiceMessage.key.is_not(None)))}
    logins = {step.values["user"] for step in checked.steps.values() if "user" in step.values}
    users = set(db.session.scalars(select(User.login).where(User.login.in_(logins)))) if logins else set()
    menus = {*_menus(), checked.key}
    known: dict[str, set[str]] = {"service": services, "message": messages, "user": users, "menu": menus}
    for step in checked.steps.values():
        for name, names in known.items():
            value = step.values.get(name)
            if value and value not in names:
                words = Text(
                    f"{step.name}.{name}: there is no '{value}'", f"{step.name}.{name}: «{value}» не существует"
                )
                raise Invalid({"document": words}, "menu-invalid")
        calendar = step.values.get("calendar", "")
        if not calendars.is_known(calendar):
            words = Text(
                f"{step.name}.calendar: there is no calendar '{calendar}'",
                f"{step.name}.calendar: нет календаря «{calendar}»",
            )
            raise Invalid({"document": words}, "menu-invalid")


def remove_menu(key: str) -> None:
    """Take a menu away; its numbers lead to their services again. Raises ``not-found`` and ``in-use``."""
    with transaction():
        row = get_menu(key)
        others = [other.key for other, _ in _menus().values() if other.key != key and _leads_to(other, key)]
        if others:
            names = ", ".join(others)
            words = Text(f"These menus lead to it: {names}", f"В него ведут меню: {names}")
            raise Rejected(words, "in-use")
        audit.record("voice.menu.remove", "voice_menu", key, {"document": row.document}, {})
        db.session.delete(row)


def _leads_to(menu: Menu, key: str) -> bool:
    return any(step.values.get("menu") == key for step in menu.steps.values())


def as_yaml(document: Any) -> str:
    """A document as an editor reads it."""
    written: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1000)
    return written


def from_yaml(text: str) -> Any:
    """What is written in YAML. Raises ``Invalid`` (``menu-invalid``) with the line of the mistake."""
    if len(text) > LONGEST_YAML:
        raise Invalid({"document": Text("This is too long", "Слишком длинный текст")}, "menu-invalid")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        why = getattr(error, "problem", None) or "?"
        words = Text(f"Line {line}: {why}", f"Строка {line}: разметка YAML нарушена ({why})")
        raise Invalid({"document": words}, "menu-invalid") from None


def menus_that_play(message: str) -> list[str]:
    """The keys of menus that play the central message of that key."""
    found = _menus().values()
    return [menu.key for menu, _ in found if any(step.values.get("message") == message for step in menu.steps.values())]
