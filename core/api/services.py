"""Services (сервисы): what contacts reach."""

from __future__ import annotations

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core.api.resource import Resource
from core.api.shapes import ServiceShape
from core.contracts import Text
from core.db import db
from core.model import Service

resource = Resource("services", Text("Services", "Сервисы"))


@resource.get("/services", Text("Services", "Сервисы"), answer=ServiceShape, many=True)
def list_services() -> list[Service]:
    """All services with teams and entries, by key."""
    query = select(Service).options(selectinload(Service.teams), selectinload(Service.entries))
    return list(db.session.scalars(query.order_by(Service.key)))


@resource.get("/services/<id:service_id>", Text("A service", "Сервис"), answer=ServiceShape)
def get_service(service_id: int) -> Service:
    """With teams and entries."""
    service = db.session.get(Service, service_id)
    if service is None:
        abort(404)
    return service
