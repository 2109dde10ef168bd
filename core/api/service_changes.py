"""Changing services by program: titles, times, teams, entries. The rules are those of the admin pages."""

from __future__ import annotations

from typing import Any

from flask import abort

from core import services
from core.api import fields as f
from core.api.errors import invalid
from core.api.resource import Resource
from core.api.services import get_service
from core.api.shapes import ServiceShape
from core.contracts import Text
from core.db import db, transaction
from core.model import Service, ServiceEntry, Team

resource = Resource("services", Text("Services", "Сервисы"))
ADMIN: dict[str, Any] = {"scope": "services:admin", "permission": "admin.services"}


class ServiceChanges(f.Input):
    title_en = f.text(120, least=1)
    title_ru = f.text(120, least=1)
    language = f.word(("ru", "en"))
    timezone = f.text(60)
    priority = f.number(-1000, 1000)
    offer_seconds = f.number(5, 3600)
    wrap_up_seconds = f.number(0, 3600)
    disposition_required = f.flag()
    push = f.flag()
    is_default = f.flag()
    active = f.flag()
    team_ids = f.items(f.key(), 200)


class ServiceInput(ServiceChanges):
    key = f.text(40, required=True, least=1)
    title_en = f.text(120, required=True, least=1)
    title_ru = f.text(120, required=True, least=1)


class EntryInput(f.Input):
    channel = f.text(40, required=True, least=1)
    address = f.text(254, required=True, least=1)
    primary = f.flag(load_default=True)


def _team_keys(ids: list[int]) -> list[str]:
    found = {team.id: team.key for team in db.session.scalars(db.select(Team).where(Team.id.in_(ids)))}
    if unknown := set(ids) - found.keys():
        listed = ", ".join(map(str, sorted(unknown)))
        raise invalid({"team_ids": Text(f"There is no team {listed}.", f"Нет такой группы: {listed}.")})
    return [found[key] for key in dict.fromkeys(ids)]


@resource.post(
    "/services", Text("Add a service", "Добавить сервис"), body=ServiceInput, answer=ServiceShape, status=201, **ADMIN
)
def create_service(body: dict[str, Any]) -> Service:
    """The first one becomes the default."""
    teams = _team_keys(body.pop("team_ids", []))
    service = services.add_service(body.pop("key"), body.pop("title_en"), body.pop("title_ru"), teams=teams, **body)
    return get_service(service.id)


@resource.patch(
    "/services/<id:service_id>",
    Text("Change a service", "Изменить сервис"),
    body=ServiceChanges,
    answer=ServiceShape,
    **ADMIN,
)
def change_service(service_id: int, body: dict[str, Any]) -> Service:
    """The given fields; ``team_ids`` are exactly the teams that serve it."""
    get_service(service_id)
    team_ids = body.pop("team_ids", None)
    with transaction():
        if body:
            services.update_service(service_id, **body)
        if team_ids is not None:
            services.set_service_teams(service_id, _team_keys(team_ids))
    return get_service(service_id)


@resource.post(
    "/services/<id:service_id>/entries",
    Text("Add an entry", "Добавить точку входа"),
    body=EntryInput,
    answer=ServiceShape,
    **ADMIN,
)
def add_service_entry(service_id: int, body: dict[str, Any]) -> Service:
    """An address, number or widget key that leads to the service; safe to repeat."""
    get_service(service_id)
    services.add_entry(service_id, body["channel"], body["address"], primary=body["primary"])
    db.session.expire_all()
    return get_service(service_id)


@resource.delete(
    "/services/<id:service_id>/entries/<id:entry_id>", Text("Remove an entry", "Убрать точку входа"), **ADMIN
)
def remove_service_entry(service_id: int, entry_id: int) -> None:
    """Messages to its address then go to the default service."""
    entry = db.session.get(ServiceEntry, entry_id)
    if entry is None or entry.service_id != service_id:
        abort(404)
    services.remove_entry(entry_id)
