"""Spans of open time and due moments in words, in both languages."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask_babel import get_timezone

from core.contracts import Text
from plugins.sla.clock_state import Flag, PhaseKind

UNITS = (Text("d", "дн"), Text("h", "ч"), Text("min", "мин"))
PHASES = {
    PhaseKind.REACTION: Text("Reaction", "Реакция"),
    PhaseKind.SOLUTION: Text("Solution", "Решение"),
    PhaseKind.WAITING: Text("Waiting for the contact", "Ожидание ответа контакта"),
    PhaseKind.RESOLVED: Text("Resolved", "Решён"),
}
PRIORITIES = {
    "critical": Text("Critical", "Критический"),
    "high": Text("High", "Высокий"),
    "medium": Text("Medium", "Средний"),
    "low": Text("Low", "Низкий"),
}
DUE = Text("due", "срок")
LATE = Text("late by", "просрочено")
RESPONSE, RESOLUTION = Text("First answer", "Первый ответ"), Text("Solution", "Решение")
MET_LATE = {
    Flag.RESPONSE_BREACHED: Text("Answered late", "Ответ с опозданием"),
    Flag.RESOLUTION_BREACHED: Text("Solved late", "Решён с опозданием"),
}


def span(duration: timedelta, day_length: timedelta, language: str) -> str:
    """The two largest parts of a span, without its sign: "45 min", "2 h 10 min", "3 d 4 h".

    A day is a business day of ``day_length``; below two of them hours say it more exactly. Below a minute it is
    "<1 min".
    """
    minutes = int(abs(duration).total_seconds()) // 60
    day = max(int(day_length.total_seconds()) // 60, 60)
    days, rest = divmod(minutes, day) if minutes >= 2 * day else (0, minutes)
    amounts = (days, rest // 60, rest % 60)
    first = next((place for place, amount in enumerate(amounts) if amount), None)
    if first is None:
        return f"<1 {UNITS[2].to(language)}"
    shown = [(amounts[place], UNITS[place]) for place in range(first, min(first + 2, 3))]
    return " ".join(f"{amount} {unit.to(language)}" for amount, unit in shown if amount)


def left(remaining: timedelta, day_length: timedelta, language: str) -> str:
    """What remains, or by how much it is late: "45 мин", "просрочено 2 ч"."""
    words = span(remaining, day_length, language)
    return words if remaining >= timedelta(0) else f"{LATE.to(language)} {words}"


def due_moment(at: datetime | None, language: str) -> str:
    """A due moment in the viewer's zone: "24 нояб., 10:00"; "" for none."""
    if at is None:
        return ""
    return str(format_datetime(at, "d MMM, HH:mm", tzinfo=get_timezone() or ZoneInfo("UTC"), locale=language))
