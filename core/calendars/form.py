"""The form of a calendar as settings and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.calendars.field_reading import FieldError
from core.calendars.opening_hours import WEEKDAYS, Calendar
from core.contracts import Text


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
