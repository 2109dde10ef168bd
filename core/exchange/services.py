"""Services as rows of a configuration: their fields with entries, teams, skills and lines inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from core import lines, skills
from core import services as operations
from core.contracts import Rejected, Text
from core.lines import Line
from core.model import Service
from core.service_routing import TeamPlace, places_of
from core.skills import SkillDemand

Row = dict[str, Any]
T = TypeVar("T", TeamPlace, SkillDemand, Line)
PLAIN = (
    "title_en", "title_ru", "language", "timezone", "priority", "offer_seconds", "wrap_up_seconds", "disposition_required", "push",
    "is_default", "active", "calendar_key", "closed_action", "overflow_seconds", "last_agent_seconds", "prefers_last_agent",
    "agent_choice", "target_percent", "target_seconds", "texts",
)  # fmt: skip
INSIDE = ("entries", "teams", "skills", "lines")
FIELDS = ("key", *PLAIN, "overflow_service", *INSIDE)


def dump() -> list[Row]:
    """All services."""
    rows = operations.list_services()
    ids = [row.id for row in rows]
    keys, places = {row.id: row.key for row in rows}, places_of(ids)
    asked, found = skills.demands_of(ids), lines.lines_of(ids)
    return [
        {
            "key": row.key,
            **{name: getattr(row, name) for name in PLAIN},
            "overflow_service": keys.get(row.overflow_service_id or 0, ""),
            "entries": [
                {"channel": entry.channel, "address": entry.address, "primary": entry.primary}
                for entry in sorted(row.entries, key=lambda entry: (entry.channel, entry.address))
            ],
            "teams": [asdict(place) for place in places.get(row.id, [])],
            "skills": [asdict(demand) for demand in asked[row.id]],
            "lines": [{field.name: getattr(line, field.name) for field in fields(Line)} for line in found[row.id]],
        }
        for row in rows
    ]


def prepare(items: list[Row]) -> None:
    """Make the services that are new, so that others of the file may overflow to them."""
    known = {row.key for row in operations.list_services()}
    for item in items:
        if item["key"] not in known:
            english, russian = item.get("title_en"), item.get("title_ru")
            both = (english or russian or item["key"], russian or english or item["key"])
            operations.add_service(item["key"], *both)


def in_order(items: Sequence[Row]) -> Iterable[Row]:
    """Those that overflow nowhere first, so that turning an overflow round makes no circle on the way."""
    return sorted(items, key=lambda item: bool(item.get("overflow_service")))


def put(item: Row) -> None:
    """Change one service to what the row says; what it leaves out stays."""
    service = operations.get_service(item["key"])
    given = {name: item[name] for name in (*PLAIN, "overflow_service") if name in item}
    if given.get("is_default") is False and service.is_default:
        # Another service of the file, or none, takes over; the default is never simply given up.
        del given["is_default"]
    if "texts" in given:
        given["texts"] = {**dict.fromkeys(service.texts, ""), **given["texts"]}
    operations.update_service(service.id, **given)
    if "teams" in item:
        operations.set_service_teams(service.id, _made(TeamPlace, item["teams"], "teams"))
    if "skills" in item:
        skills.set_service_skills(service.id, _made(SkillDemand, item["skills"], "skills"))
    if "lines" in item:
        lines.set_lines(service.id, _made(Line, item["lines"], "lines"))
    if "entries" in item:
        _put_entries(service, item["entries"])


def _made(kind: Callable[..., T], given: Any, name: str) -> list[T]:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        raise Rejected(
            Text(f"{name}: must be a list of mappings.", f"{name}: нужен список с именами и значениями."),
            "config-shape",
        )
    made = []
    for row in given:
        for unknown in row.keys() - known:
            text = Text(f"{name}.{unknown}: there is no such name here.", f"{name}.{unknown}: такого имени здесь нет.")
            raise Rejected(text, "config-unknown")
        try:
            made.append(kind(**row))
        except TypeError:
            text = Text(
                f"{name}: a row lacks a name that is needed.", f"{name}: в строке не хватает обязательного имени."
            )
            raise Rejected(text, "config-shape") from None
    return made


def _put_entries(service: Service, given: Any) -> None:
    present = {(entry.channel, entry.address): entry.primary for entry in service.entries}
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        raise Rejected(
            Text("entries: must be a list of mappings.", "entries: нужен список с именами и значениями."),
            "config-shape",
        )
    for row in given:
        unknown = row.keys() - {"channel", "address", "primary"}
        if unknown or not {"channel", "address"} <= row.keys():
            text = Text("entries: channel, address and primary.", "entries: channel, address и primary.")
            raise Rejected(text, "config-unknown")
        channel, primary = str(row["channel"]), bool(row.get("primary", True))
        address = operations.normal_address(channel, str(row["address"]))
        if present.get((channel, address)) != primary:
            operations.add_entry(service.id, channel, address, primary=primary)
