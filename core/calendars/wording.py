"""Opening hours in words: weekdays, a week in a few lines, and what is wrong in a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from core.calendars.field_reading import FieldError
from core.calendars.opening_hours import WEEKDAYS
from core.contracts import Text
from core.schemas import Invalid

DAYS = {
    "mon": Text("Monday", "Понедельник"),
    "tue": Text("Tuesday", "Вторник"),
    "wed": Text("Wednesday", "Среда"),
    "thu": Text("Thursday", "Четверг"),
    "fri": Text("Friday", "Пятница"),
    "sat": Text("Saturday", "Суббота"),
    "sun": Text("Sunday", "Воскресенье"),
}
SHORT_DAYS = {
    "mon": Text("Mon", "Пн"),
    "tue": Text("Tue", "Вт"),
    "wed": Text("Wed", "Ср"),
    "thu": Text("Thu", "Чт"),
    "fri": Text("Fri", "Пт"),
    "sat": Text("Sat", "Сб"),
    "sun": Text("Sun", "Вс"),
}
_HOURS = Text(
    "Write hours as 09:00-13:00, 14:00-18:00; leave it empty for a closed day",
    "Пишите часы так: 09:00-13:00, 14:00-18:00; пусто, если день нерабочий",
)
WRONG = {
    "zone": Text(
        "There is no such time zone; write it as Europe/Moscow", "Такого часового пояса нет; пишите так: Europe/Moscow"
    ),
    "country": Text(
        "No holidays are known for this; write RU, GB or US-NY",
        "Праздники этой страны неизвестны; пишите RU, GB или US-NY",
    ),
    "holidays": Text("Write one date a line as 2026-12-31", "Пишите по одной дате в строке: 2026-12-31"),
    "exceptions": Text(
        "Write a line as 2026-12-30: 09:00-15:00; nothing after the colon closes the date",
        "Пишите строку так: 2026-12-30: 09:00-15:00; без часов после двоеточия день нерабочий",
    ),
    "business_day": Text("Write hours as 8h or 7h 30m", "Пишите часы так: 8h или 7h 30m"),
    **dict.fromkeys(WEEKDAYS, _HOURS),
}


def field_of(error: FieldError) -> str:
    """The form's field that an error is about: ``weekly.mon[0]`` is ``mon``."""
    parts = error.field.replace("[", ".").split(".")
    return parts[1] if parts[0] == "weekly" and len(parts) > 1 else parts[0]


def refusal(error: FieldError) -> Invalid:
    """The error as the refusal that forms and the command line show: the field's words, then what exactly is wrong."""
    name = field_of(error)
    words = WRONG.get(name)
    return Invalid({name: Text(f"{words.en} ({error.problem})", words.ru) if words else Text(str(error), str(error))})


def week(weekly: Mapping[str, Sequence[str]], language: str) -> list[str]:
    """Opening hours by runs of like days: "Пн–Чт 09:00-13:00, 14:00-18:00"; closed days are left out."""
    lines = []
    for spans, run in groupby(weekly, key=lambda day: tuple(weekly[day])):
        days = [SHORT_DAYS[day].to(language) for day in run]
        if spans:
            lines.append(f"{days[0]}{f'–{days[-1]}' if len(days) > 1 else ''} {', '.join(spans)}")
    return lines
