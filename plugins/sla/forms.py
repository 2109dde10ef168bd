"""The admin forms as settings and back, and the viewer's words for what is wrong in a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.calendars.field_reading import FieldError
from core.contracts import Text
from plugins.sla.priority import Policy, Priority

TARGET_FIELDS = tuple(f"{priority}_{name}" for priority in Priority for name in ("response", "resolution"))
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
    "measure": Text("Choose one of the list", "Выберите из списка"),
    "warn_percent": Text("A whole number from 1 to 99", "Целое число от 1 до 99"),
    "calendar": Text("There is no such calendar", "Такого календаря нет"),
    "policy": Text("There are no such targets", "Таких нормативов нет"),
    **{name: _RESOLUTION if name.endswith("resolution") else _DURATION for name in TARGET_FIELDS},
}


@dataclass(frozen=True)
class FormState:
    """What a form shows: values by field, and what is wrong by field."""

    values: Mapping[str, str]
    errors: Mapping[str, Text] = field(default_factory=dict)


def field_of(error: FieldError) -> str:
    """The form's field that an error is about: ``targets.low.response`` is ``low_response``."""
    parts = error.field.replace("[", ".").split(".")
    if parts[0] == "targets" and len(parts) > 2:
        return f"{parts[1]}_{parts[2]}"
    return parts[0]


def errors_of(error: FieldError) -> dict[str, Text]:
    """The error in words for the viewer, under its field."""
    name = field_of(error)
    return {"key" if name == "key_known" else name: WRONG.get(name, Text(str(error), str(error)))}


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
