"""The status bar's numbers: service level, handled today and the agent's place in the team, for one service or all of them."""

from __future__ import annotations

from dataclasses import dataclass

from core import desk_figures
from core.desk_figures import ServiceFigures
from core.model import Service, User
from core.web import desk_queries

PREFERENCE = "desk_service"


@dataclass(frozen=True, slots=True)
class Indicators:
    """``chosen`` is the service shown, None for all of the user's; ``place`` of ``people`` by what was handled today."""

    chosen: Service | None
    now: ServiceFigures
    handled: int
    place: int
    people: int
    services: list[tuple[Service, ServiceFigures]]


def indicators(user: User) -> Indicators:
    """What the status bar shows to ``user``. Two statements, when the figures are fresh."""
    today = desk_figures.figures()
    services = desk_queries.services_to_choose(user)
    wanted = user.preferences.get(PREFERENCE)
    chosen = next((service for service in services if service.id == wanted), None)
    ids = [chosen.id] if chosen else [service.id for service in services]
    place, people = today.rank(user.id, ids)
    return Indicators(
        chosen,
        today.total(ids),
        today.handled({user.id}, ids).count,
        place,
        people,
        [(service, today.services.get(service.id, ServiceFigures())) for service in services],
    )
