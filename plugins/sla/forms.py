"""The admin forms as settings and back, and the viewer's words for what is wrong in a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.contracts import Text
from plugins.sla.field_reading import FieldError
from plugins.sla.opening_hours import WEEKDAYS, Calendar
from plugins.sla.priority import Policy, Priority

DAYS = {
    "mon": Text("Monday", "Понедельник"),
    "tue": Text("Tuesday", "Вторник"),
    "wed": Text("Wednesday", "Среда"),
    "thu": Text("Thursday", "Четверг"),
    "fri": Text("Friday", "Пятница"),
    "sat": Text("Saturday", "Суббота"),
    "sun": Text("Sunday", "Воскресенье"),
}
TARGET_FIELDS = tuple(f"{priority}_{name}" for priority in Priority for name in ("response", "resolution"))
_HOURS = Text(
    "Write hours as 09:00-13:00, 14:00-18:00; leave it empty for a closed day",
    "Пишите часы так: 09:00-13:00, 14:00-18:00; пусто, если день нерабочий",
)
_DURATION = Text(
    "Write a duration as 45m, 4h or 1d 4h", "Пишите срок так: 45m, 4h или 1d 4h (минуты, часы, рабочие дни)"
)
_RESOLUTION = Text(
    "Write a duration as 4h or 1d, or the word immediately",
    "Пишите срок так: 4h или 1d, либо слово immediately (сразу, вместе с ответом)",
)
WRONG = {
    "key": Text(
        "Small Latin letters, digits, - and _, at most 40", "Строчные латинские буквы, цифры, - и _, не больше 40"
    ),
    "key_known": Text("This key is in use", "Этот ключ уже занят"),
    "title_en": Text("A title of at most 120 characters is needed", "Нужно название, не длиннее 120 знаков"),
    "title_ru": Text("A title of at most 120 characters is needed", "Нужно название, не длиннее 120 знаков"),
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
    "weekly": Text(
        "There is too little open time ahead for the targets", "Впереди слишком мало рабочего времени для нормативов"
    ),
    "measure": Text("Choose one of the list", "Выберите из списка"),
    "warn_percent": Text("A whole number from 1 to 99", "Целое число от 1 до 99"),
    "calendar": Text("There is no such calendar", "Такого календаря нет"),
    "policy": Text("There are no such targets", "Таких нормативов нет"),
    **dict.fromkeys(WEEKDAYS, _HOURS),
    **{name: _RESOLUTION if name.endswith("resolution") else _DURATION for name in TARGET_FIELDS},
}


@dataclass(frozen=True)
class FormState:
    """What a form shows: values by field, and what is wrong by field."""

    values: Mapping[str, str]
    errors: Mapping[str, Text] = field(default_factory=dict)


def field_of(error: FieldError) -> str:
    """The form's field that an error is about: ``weekly.mon[0]`` is ``mon``, ``targets.low.response`` ``low_response``."""
    parts = error.field.replace("[", ".").split(".")
    if parts[0] == "weekly" and len(parts) > 1:
        return parts[1]
    if parts[0] == "targets" and len(parts) > 2:
        return f"{parts[1]}_{parts[2]}"
    return parts[0]


def errors_of(error: FieldError) -> dict[str, Text]:
    """The error in words for the viewer, under its field."""
    name = field_of(error)
    return {"key" if name == "key_known" else name: WRONG.get(name, Text(str(error), str(error)))}


def calendar_settings(form: Mapping[str, str]) -> dict[str, Any]:
    """What an administrator typed, as :meth:`Calendar.from_dict` reads it."""
    settings: dict[str, Any] = {
        "zone": form.get("zone", ""),
        "weekly": {day: _listed(form.get(day, "")) for day in WEEKDAYS},
        "holidays": [line.strip() for line in form.get("holidays", "").splitlines() if line.strip()],
        "exceptions": _exceptions(form.get("exceptions", "")),
    }
    for name in ("country", "business_day"):
        if form.get(name, "").strip():
            settings[name] = form[name].strip()
    return settings


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def _exceptions(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in filter(str.strip, text.splitlines()):
        day, _, spans = line.partition(":")
        if day.strip() in found:
            raise FieldError("exceptions", f"{day.strip()} is given twice")
        found[day.strip()] = _listed(spans)
    return found


def calendar_values(key: str, title: Text, calendar: Calendar) -> dict[str, str]:
    """A calendar as its form shows it."""
    settings = calendar.to_dict()
    weekly: Any = settings["weekly"]
    exceptions: Any = settings["exceptions"]
    holidays: Any = settings["holidays"]
    return {
        "key": key,
        "title_en": title.en,
        "title_ru": title.ru,
        "zone": str(settings["zone"]),
        "country": str(settings.get("country", "")),
        "business_day": str(settings.get("business_day", "")),
        "holidays": "\n".join(holidays),
        "exceptions": "\n".join(f"{day}: {', '.join(spans)}".rstrip() for day, spans in exceptions.items()),
        **{day: ", ".join(weekly[day]) for day in WEEKDAYS},
    }


def policy_settings(form: Mapping[str, str]) -> dict[str, Any]:
    """What an administrator typed, as :meth:`Policy.from_dict` reads it."""
    percent = form.get("warn_percent", "").strip()
    return {
        "measure": form.get("measure", ""),
        "warn_percent": int(percent) if percent.isdecimal() else percent,
        "targets": {
            str(priority): {
                "response": form.get(f"{priority}_response", "").strip(),
                "resolution": form.get(f"{priority}_resolution", "").strip(),
            }
            for priority in Priority
        },
    }


def policy_values(key: str, title: Text, policy: Policy) -> dict[str, str]:
    """A policy as its form shows it."""
    values = {
        "key": key,
        "title_en": title.en,
        "title_ru": title.ru,
        "measure": str(policy.measure),
        "warn_percent": str(policy.warn_percent),
    }
    for priority, target in policy.targets.items():
        shown = target.to_dict()
        values[f"{priority}_response"], values[f"{priority}_resolution"] = shown["response"], shown["resolution"]
    return values
