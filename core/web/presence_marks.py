"""What a colleague's state looks like to others: available, away, do not disturb, on an interaction, offline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import presence
from core.clock import now
from core.contracts import Channel, Text
from core.directory_book import Person
from core.house import okno
from core.web.state_views import reason_text

AWAY_MINUTES = 15
LABELS = {
    "available": Text("Available", "На месте"),
    "away": Text("Away", "Отошёл"),
    "dnd": Text("Do not disturb", "Не беспокоить"),
    "ringing": Text("Being offered an interaction", "Отвечает на вызов"),
    "busy": Text("Busy", "Занят"),
    "wrap": Text("Wrap-up", "Постобработка"),
    "offline": Text("Offline", "Не в сети"),
}
TONES = {"available": "good", "away": "warn", "dnd": "bad", "ringing": "accent", "busy": "accent", "wrap": "violet"}


@dataclass(frozen=True, slots=True)
class Mark:
    """``key`` is one of LABELS; ``detail`` a reason; ``channels`` what is in hand; ``reachable`` for transfers and calls."""

    key: str
    label: Text
    tone: str
    detail: Text | str = ""
    channels: tuple[Channel, ...] = ()
    since: datetime | None = None

    @property
    def reachable(self) -> bool:
        """Whether somebody would answer now."""
        return self.key in ("available", "busy", "wrap", "ringing")


def mark_of(person: Person) -> Mark:
    """The mark of a colleague."""
    row = person.presence
    if row is None or row.state == presence.OFFLINE:
        return Mark("offline", LABELS["offline"], "")
    key = {
        presence.READY: "away" if _idle(person) else "available",
        presence.RINGING: "ringing",
        presence.BUSY: "busy",
        presence.WRAP_UP: "wrap",
    }.get(row.state, "away" if row.reason == "away" else "dnd")
    known = okno().channels
    channels = tuple(known[name] for name in person.channels if name in known)
    detail = reason_text(row.reason) if key == "dnd" and row.reason else ""
    return Mark(key, _label(key, channels), TONES[key], detail, channels, row.since)


def _label(key: str, channels: tuple[Channel, ...]) -> Text:
    """«Занят: звонок» says more than «Занят»."""
    if key != "busy" or not channels:
        return LABELS[key]
    names = [channel.label for channel in channels]
    return Text(
        f"Busy: {', '.join(name.en.lower() for name in names)}",
        f"Занят: {', '.join(name.ru.lower() for name in names)}",
    )


def _idle(person: Person) -> bool:
    """Ready, but nobody has touched the desk for the minutes that the first team allows (0: never away)."""
    row = person.presence
    minutes = person.teams[0].away_minutes if person.teams else AWAY_MINUTES
    return bool(row and minutes and max(row.active_at, row.since) < now() - timedelta(minutes=minutes))
