"""Where a new message may go: the active services with their teams, and the service that each entry leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from core.contracts import ServiceInfo, Text
from core.db import db
from core.model import Service, ServiceEntry, ServiceTeam, Team
from core.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Entrances:
    """``services`` by id, the default first; ``leads_to`` by channel and address, to services out of use as well."""

    services: Mapping[int, ServiceInfo]
    leads_to: Mapping[tuple[str, str], int]

    def to(self, channel: str) -> list[ServiceInfo]:
        """The services with an entry in the channel, else all; the default first."""
        entered = {service_id for (name, _), service_id in self.leads_to.items() if name == channel}
        return [info for info in self.services.values() if info.id in entered] or list(self.services.values())


def _read() -> Entrances:
    teams: dict[int, tuple[int, ...]] = {}
    pairs = select(ServiceTeam.service_id, ServiceTeam.team_id)
    for service_id, team_id in db.session.execute(pairs.order_by(ServiceTeam.service_id, ServiceTeam.team_id)):
        teams[service_id] = (*teams.get(service_id, ()), team_id)
    columns = (
        Service.id,
        Service.key,
        Service.title_en,
        Service.title_ru,
        Service.language,
        Service.priority,
        Service.disposition_required,
    )
    services = select(*columns).where(Service.active).order_by(Service.is_default.desc(), Service.id)
    entries = select(ServiceEntry.channel, ServiceEntry.address, ServiceEntry.service_id)
    return Entrances(
        {
            row.id: ServiceInfo(
                id=row.id,
                key=row.key,
                title=Text(row.title_en, row.title_ru),
                language=row.language,
                team_ids=teams.get(row.id, ()),
                priority=row.priority,
                disposition_required=row.disposition_required,
            )
            for row in db.session.execute(services)
        },
        {(row.channel, row.address): row.service_id for row in db.session.execute(entries)},
    )


entrances: Shelf[Entrances] = Shelf("entrances", _read, (Service, ServiceEntry, ServiceTeam, Team))
