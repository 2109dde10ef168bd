"""Opening hours by name: is it open, when does it open, how much open time lies between. The only code that changes calendars.

A key "" stands for «always open», and so does a key that nobody knows: a calendar cannot be removed while it is used, and
hours that are missing all the same must not stop the work. Moments are aware; answers are UTC. Changes own their
transaction (or join the caller's), are audited, and raise :class:`core.contracts.Rejected` or :class:`core.schemas.Invalid`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core import audit
from core.calendars.business_time import BusinessTime, CalendarTime, NoOpenTime, WorkingTime
from core.calendars.field_reading import FieldError
from core.calendars.opening_hours import Calendar
from core.calendars.shelf import DEFAULT, ROUND_THE_CLOCK, NamedCalendar, calendars
from core.calendars.wording import refusal
from core.contracts import Rejected, SetupChange, Text
from core.db import db, on_commit, transaction
from core.events.wake import wake
from core.house import okno
from core.model import Calendar as CalendarRow
from core.model import Service
from core.schemas import CalendarForm, Invalid, checked

__all__ = [
    "DEFAULT",
    "ROUND_THE_CLOCK",
    "WAKE",
    "BusinessTime",
    "Calendar",
    "NamedCalendar",
    "WorkingTime",
    "add_calendar",
    "calendars",
    "get",
    "is_known",
    "is_open",
    "list_calendars",
    "next_change",
    "next_opening",
    "remove_calendar",
    "time_of",
    "update_calendar",
    "working_seconds",
]  # fmt: skip
_ALWAYS = CalendarTime()
# Said after each change of hours.
WAKE = "calendars"


# --- questions ---------------------------------------------------------------------------------------


def get(key: str) -> NamedCalendar:
    """The calendar of that key; raises ``Rejected`` (``not-found``)."""
    entry = _entry(key)
    if entry is None:
        text = Text(
            f"There is no calendar «{key}»: see Calendars, or  okno calendars list.",
            f"Нет календаря «{key}»: смотрите «Календари» или  okno calendars list.",
        )
        raise Rejected(text, "not-found")
    return entry


def list_calendars() -> list[NamedCalendar]:
    """All calendars, the built-in ones first."""
    return list(calendars().values())


def is_known(key: str) -> bool:
    """Whether there is such a calendar; "" (always open) counts."""
    return not key or _entry(key) is not None


def time_of(key: str) -> WorkingTime:
    """How the calendar measures."""
    entry = _entry(key) if key else None
    return entry.time if entry else _ALWAYS


def _entry(key: str) -> NamedCalendar | None:
    """The calendar of that key; one that another process has just added is looked for in the data base."""
    entry = calendars().get(key)
    if entry is None:
        calendars.forget()
        entry = calendars().get(key)
    return entry


def is_open(key: str, at: datetime) -> bool:
    """Whether the calendar is open at ``at``; an opening moment is, a closing moment is not."""
    return time_of(key).is_open(at)


def next_opening(key: str, at: datetime) -> datetime | None:
    """``at`` itself when open, else the next opening, None when it never opens again."""
    try:
        return time_of(key).next_open(at)
    except NoOpenTime:
        return None


def next_change(key: str, at: datetime) -> datetime | None:
    """When open becomes closed or closed becomes open, after ``at``; None when it never does."""
    time = time_of(key)
    try:
        return time.next_close(at) if time.is_open(at) else time.next_open(at)
    except NoOpenTime:
        return None


def working_seconds(key: str, start: datetime, end: datetime) -> float:
    """The open time from ``start`` to ``end``, negative when ``end`` is earlier."""
    return time_of(key).between(start, end).total_seconds()


# --- changes -----------------------------------------------------------------------------------------


def add_calendar(key: str, title_en: str, title_ru: str, settings: Mapping[str, Any]) -> NamedCalendar:
    """A new calendar; ``settings`` as :meth:`Calendar.from_dict` reads them. A known key is refused (``exists``)."""
    with transaction():
        if key and is_known(key):
            raise Invalid(
                {"key": Text("A calendar with this key exists.", "Календарь с таким ключом уже есть.")}, "exists"
            )
        return _store(CalendarRow(key=key, settings={}), title_en, title_ru, settings, "calendar.add")


def update_calendar(
    key: str, *, title_en: str | None = None, title_ru: str | None = None, settings: Mapping[str, Any] | None = None
) -> NamedCalendar:
    """Change what is given; changing a built-in calendar stores the house's own in its place. Raises ``not-found``."""
    with transaction():
        known = get(key)
        row = _row(key) or CalendarRow(key=key, settings={})
        return _store(
            row,
            known.title.en if title_en is None else title_en,
            known.title.ru if title_ru is None else title_ru,
            known.calendar.to_dict() if settings is None else settings,
            "calendar.change",
        )


def remove_calendar(key: str) -> None:
    """Remove a stored calendar that nothing uses (``in-use``); a built-in one stays (``built-in``)."""
    with transaction():
        known, row = get(key), _row(key)
        if row is None:
            text = Text(
                "A built-in calendar stays; nobody has to use it.",
                "Встроенный календарь нельзя удалить: просто не назначайте его.",
            )
            raise Rejected(text, "built-in")
        users = list(
            db.session.scalars(select(Service.key).where(Service.calendar_key == key).order_by(Service.key).limit(5))
        )
        if users:
            names = ", ".join(users)
            text = Text(
                f"Services keep these hours: {names}. Give them another calendar first.",
                f"По этому календарю работают сервисы: {names}. Сначала назначьте им другой.",
            )
            raise Rejected(text, "in-use")
        change = SetupChange("calendar", key, {"settings": (known.calendar.to_dict(), None)})
        okno().hooks.before_setup_change(change)
        audit.record("calendar.remove", "calendar", key, before={"title_en": row.title_en, "settings": row.settings})
        db.session.delete(row)
        _tell(change)


def _row(key: str) -> CalendarRow | None:
    row: CalendarRow | None = db.session.scalar(select(CalendarRow).where(CalendarRow.key == key))
    return row


def _store(row: CalendarRow, title_en: str, title_ru: str, settings: Mapping[str, Any], action: str) -> NamedCalendar:
    values = checked(CalendarForm, {"key": row.key, "title_en": title_en, "title_ru": title_ru})
    try:
        plain = Calendar.from_dict(settings).to_dict()
    except FieldError as error:
        raise refusal(error) from None
    before = {"title_en": row.title_en, "title_ru": row.title_ru, "settings": row.settings} if row.id else {}
    change = SetupChange("calendar", row.key, {"settings": (before.get("settings"), plain)})
    if before.get("settings") != plain:
        okno().hooks.before_setup_change(change)
    row.key, row.title_en, row.title_ru, row.settings = values["key"], values["title_en"], values["title_ru"], plain
    db.session.add(row)
    audit.record(
        action,
        "calendar",
        row.key,
        before,
        {**values, "settings": plain}
        if not before
        else {"title_en": row.title_en, "title_ru": row.title_ru, "settings": plain},
    )
    _tell(change)
    return get(row.key)


def _tell(change: SetupChange) -> None:
    db.session.flush()
    before, after = change.changes["settings"]
    if before != after:
        on_commit(lambda: wake(WAKE))
        okno().hooks.during_setup_change(change)
