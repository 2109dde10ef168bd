"""What a service's routing may be: hours that exist, an overflow that ends somewhere, teams on lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core import calendars
from core.contracts import Text
from core.db import db
from core.model import Service, ServiceTeam, Team
from core.schemas import Invalid, PlaceForm, checked

ROUTING = (
    "calendar_key", "closed_action", "overflow_seconds", "last_agent_seconds", "prefers_last_agent", "agent_choice",
    "target_percent", "target_seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """A team's place in a service: the support line it stands on, the waiting (seconds) after which it joins."""

    team: str
    line: int = 1
    after_seconds: int = 0

    def __str__(self) -> str:
        """As the command line writes it: "experts", "experts:2", "night:1:120"."""
        rest = (self.line, self.after_seconds) if self.after_seconds else (self.line,) if self.line != 1 else ()
        return ":".join([self.team, *map(str, rest)])


def checked_places(places: Iterable[TeamPlace]) -> list[TeamPlace]:
    """The places with line and seconds in range; the first one counts of a team given twice. Raises ``Invalid``."""
    found: dict[str, TeamPlace] = {}
    for place in places:
        try:
            values = checked(PlaceForm, {"team": place.team, "line": place.line, "after_seconds": place.after_seconds})
        except Invalid as invalid:
            text = next(iter(invalid.errors.values()))
            raise Invalid({"teams": Text(f"{place.team}: {text.en}", f"{place.team}: {text.ru}")}) from None
        found.setdefault(place.team, TeamPlace(**values))
    return list(found.values())


def places_of(service_ids: Iterable[int]) -> dict[int, list[TeamPlace]]:
    """The teams of services by service id: by line, then by when they join, then by key."""
    query = (
        select(ServiceTeam.service_id, Team.key, ServiceTeam.line, ServiceTeam.after_seconds)
        .join(Team, Team.id == ServiceTeam.team_id)
        .where(ServiceTeam.service_id.in_(list(service_ids)))
        .order_by(ServiceTeam.line, ServiceTeam.after_seconds, Team.key)
    )
    places: dict[int, list[TeamPlace]] = {}
    for service_id, key, line, after_seconds in db.session.execute(query):
        places.setdefault(service_id, []).append(TeamPlace(key, line, after_seconds))
    return places


def users_of_calendars() -> dict[str, list[Service]]:
    """The services that keep each calendar's hours, by its key."""
    users: dict[str, list[Service]] = {}
    for service in db.session.scalars(select(Service).where(Service.calendar_key != "").order_by(Service.key)):
        users.setdefault(service.calendar_key, []).append(service)
    return users


def check_routing(service: Service | None, values: dict[str, Any]) -> None:
    """Check a service's routing as it would become, and put ``overflow_service_id`` for the key ``overflow_service``.

    ``service`` is None for one that is being added. Raises ``Invalid`` by the field.
    """
    if not calendars.is_known(values.get("calendar_key", "")):
        key = values["calendar_key"]
        raise Invalid({"calendar_key": Text(f"There is no calendar «{key}».", f"Календаря «{key}» нет.")}, "not-found")
    if "overflow_service" in values:
        values["overflow_service_id"] = _overflow_id(service, values.pop("overflow_service"))
    target = _becomes(service, values, "overflow_service_id", None)
    if target is None and _becomes(service, values, "closed_action", "wait") == "overflow":
        text = Text(
            "Say which service takes over outside opening hours.", "Укажите, какой сервис принимает в нерабочее время."
        )
        raise Invalid({"overflow_service": text}, "overflow-needed")
    if target is None and _becomes(service, values, "overflow_seconds", 0):
        text = Text(
            "Say which service takes over after that time.", "Укажите, какой сервис принимает после этого времени."
        )
        raise Invalid({"overflow_service": text}, "overflow-needed")


def _becomes(service: Service | None, values: Mapping[str, Any], name: str, default: Any) -> Any:
    return values.get(name, getattr(service, name) if service is not None else default)


def _overflow_id(service: Service | None, key: str) -> int | None:
    if not key:
        return None
    target: Service | None = db.session.scalar(select(Service).where(Service.key == key))
    if target is None:
        raise Invalid({"overflow_service": Text(f"There is no service «{key}».", f"Сервиса «{key}» нет.")}, "not-found")
    if service is not None:
        _refuse_circle(service, target)
    return target.id


def _refuse_circle(service: Service, target: Service) -> None:
    following = {
        row.id: row.overflow_service_id for row in db.session.execute(select(Service.id, Service.overflow_service_id))
    }
    names = [service.key]
    at: int | None = target.id
    while at is not None and len(names) <= len(following):
        if at == service.id:
            way = " → ".join([*names, service.key])
            text = Text(
                f"An overflow must end somewhere, and this one goes in a circle: {way}.",
                f"Переполнение должно где-то кончаться, а здесь оно идёт по кругу: {way}.",
            )
            raise Invalid({"overflow_service": text}, "overflow-circle")
        names.append(db.session.get_one(Service, at).key)
        at = following.get(at)
