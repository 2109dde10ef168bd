"""Durations as contracts state them: `30m`, `4h`, `1d 4h`, where a day is a working day of a calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from core.calendars.field_reading import FieldError, text_in

_SECONDS = {"h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d{1,9})\s*([dhms])\s*")


@dataclass(frozen=True, order=True)
class WorkingDuration:
    """`days` working days plus `time` of open time.

    A day has no fixed length: it is as long as a business day of the calendar that measures it (24 hours around the
    clock), so the same contract text fits an eight-hour office and a night shift.
    """

    days: int = 0
    time: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.days < 0 or self.time < timedelta(0):
            raise ValueError(f"a duration can't be negative: {self.days} d, {self.time}")

    def lasting(self, day_length: timedelta) -> timedelta:
        """The open time this is, when one day has `day_length` of it."""
        return self.days * day_length + self.time

    @classmethod
    def parse(cls, value: object, field: str = "") -> WorkingDuration:
        """Read `1d 4h 30m 15s`, any of the parts, each once, largest first; otherwise `FieldError`.

        A bare number is refused: nobody can tell minutes from hours by looking at it.
        """
        text = text_in(value, field) if isinstance(value, str) else ""
        parts = _PART.findall(text)
        units = [unit for _, unit in parts]
        if not parts or _PART.sub("", text) or units != sorted(set(units), key="dhms".index):
            raise FieldError(field, f"expected a duration as 45m, 4h or 1d 4h, got {value!r}")
        amounts = {unit: int(amount) for amount, unit in parts}
        seconds = sum(amounts.get(unit, 0) * size for unit, size in _SECONDS.items())
        try:
            return cls(amounts.get("d", 0), timedelta(seconds=seconds))
        except OverflowError:
            raise FieldError(field, f"the duration is too long: {value!r}") from None

    def __str__(self) -> str:
        rest = int(self.time.total_seconds())
        amounts = [(self.days, "d"), (rest // 3600, "h"), (rest % 3600 // 60, "m"), (rest % 60, "s")]
        return " ".join(f"{amount}{unit}" for amount, unit in amounts if amount) or "0m"
