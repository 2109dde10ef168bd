"""Dispositions (статусы обращений): the outcomes that close interactions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from core.api import fields as f
from core.api.resource import Resource
from core.api.shapes import DispositionShape
from core.contracts import Text
from core.db import db
from core.model import Disposition

resource = Resource("services", Text("Services", "Сервисы"))


class DispositionQuery(f.Query):
    service_id = f.asked(f.key(Text("What may be chosen for this service", "Что можно выбрать для этого сервиса")))


@resource.get(
    "/dispositions",
    Text("Dispositions", "Статусы обращений"),
    query=DispositionQuery,
    answer=DispositionShape,
    many=True,
)
def list_dispositions(query: dict[str, Any]) -> list[Disposition]:
    """All, or the active ones of a service together with those of every service; headings come with those below them."""
    statement = select(Disposition).order_by(Disposition.position, Disposition.id)
    if "service_id" in query:
        mine = or_(Disposition.service_id == query["service_id"], Disposition.service_id.is_(None))
        statement = statement.where(mine, Disposition.active)
    return list(db.session.scalars(statement))
