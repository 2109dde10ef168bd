"""Cases (запросы): list, open, read, change."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import ColumnElement, or_

from core import case_changes, case_values, casework
from core.api import fields as f
from core.api import lookups
from core.api.auth import me
from core.api.errors import Problem, invalid
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import CaseShape
from core.case_facts import PRIORITIES
from core.contracts import Text
from core.db import db, transaction
from core.model import Case, Contact, Service
from core.model.cases import CASE_STATUSES
from core.web import desk_queries

resource = Resource("cases", Text("Cases", "Запросы"))
FORMER = Text("Changed since you read it.", "Изменено после того, как вы это прочитали.")
ORDERS = {
    "-updated_at": Order("cases-", ((Case.updated_at, True), (Case.id, True))),
    "updated_at": Order("cases", ((Case.updated_at, False), (Case.id, False))),
}


class CaseQuery(PageQuery):
    status = f.asked(f.word(CASE_STATUSES))
    service_id = f.asked(f.key())
    assignee_id = f.asked(f.key())
    contact_id = f.asked(f.key())
    organisation_id = f.asked(f.key())
    priority = f.asked(
        f.word(PRIORITIES, Text("Together with status, service, agent or contact", "Вместе с другим условием"))
    )
    number = f.asked(f.text(20))
    updated_since = f.asked(f.moment(Text("Changed at this moment or later", "Изменён в этот момент или позже")))
    sort = f.asked(
        f.word(
            tuple(ORDERS),
            Text(
                "updated_at ends with the newest change, so that a copy misses none",
                "updated_at заканчивается новейшим изменением: копия не пропустит ни одного",
            ),
            load_default="-updated_at",
        )
    )


class CaseInput(f.Input):
    subject = f.text(300, required=True, least=1)
    service_id = f.key(required=True)
    contact_id = f.key(allow_none=True, load_default=None)
    assignee_id = f.key(allow_none=True, load_default=None)
    priority = f.word(PRIORITIES, load_default="medium")
    language = f.word(("ru", "en"))


class CaseChanges(f.Input):
    subject = f.text(300, least=1)
    category = f.text(80)
    priority = f.word(PRIORITIES)
    status = f.word(CASE_STATUSES)
    service_id = f.key()
    assignee_id = f.key(allow_none=True)
    organisation_id = f.key(allow_none=True)
    language = f.word(("ru", "en"))
    is_candidate = f.flag()
    fields_ = f.StrictObject(
        keys=f.text(40), data_key="fields", metadata={"description": Text("By key of the form", "По ключам формы")}
    )


def version(case: Case) -> str:
    """The ETag of a case: every change moves ``updated_at``."""
    return f"{case.id}-{case.updated_at:%Y%m%dT%H%M%S%f}"


@resource.get("/cases", Text("Cases", "Запросы"), permission="case.view", query=CaseQuery, answer=CaseShape, paged=True)
def list_cases(query: dict[str, Any]) -> Page:
    """The cases the user may see, the most recently changed first."""
    statement = lookups.case_query().where(*_conditions(query))
    return page(statement, ORDERS[query["sort"]], query, lambda case: (case.updated_at, case.id))


def _conditions(query: dict[str, Any]) -> list[ColumnElement[bool]]:
    columns = ("status", "service_id", "assignee_id", "contact_id", "organisation_id", "priority", "number")
    conditions = [getattr(Case, name) == query[name] for name in columns if name in query]
    if "updated_since" in query:
        conditions.append(Case.updated_at >= query["updated_since"])
    narrowing = {"status", "service_id", "assignee_id", "contact_id", "organisation_id", "number"}
    if "priority" in query and not narrowing & query.keys():
        text = Text("Give status, service_id, assignee_id or contact_id as well.", "Добавьте ещё одно условие.")
        raise invalid({"priority": text})
    services = desk_queries.service_ids(me())
    if services is not None:
        mine = or_(Case.service_id.in_(services), Case.assignee_id == me().id, Case.service_id.is_(None))
        conditions.append(mine)
    return conditions


@resource.get("/cases/<id:case_id>", Text("A case", "Запрос"), permission="case.view", answer=CaseShape, etag=version)
def get_case(case_id: int) -> Case:
    """The case, with its version in ``ETag``."""
    return lookups.case(case_id)


@resource.post(
    "/cases",
    Text("Open a case", "Открыть запрос"),
    permission="case.reply",
    body=CaseInput,
    answer=CaseShape,
    status=201,
    etag=version,
)
def create_case(body: dict[str, Any]) -> Case:
    """A case that no message has opened; messages come into it by its number or token."""
    subject = " ".join(body["subject"].split())
    if not subject:
        raise invalid({"subject": f.REQUIRED})
    with transaction():
        service = lookups.named(Service, body["service_id"], "service_id")
        assert service is not None
        allowed = desk_queries.service_ids(me())
        if allowed is not None and service.id not in allowed:
            raise Problem(403, "not-yours", lookups.NOT_YOURS)
        contact = lookups.named(Contact, body["contact_id"], "contact_id")
        case = casework.create(
            subject=subject,
            service=service,
            contact=contact,
            language=body.get("language", ""),
            priority=body["priority"],
            cause="api",
        )
        if body["assignee_id"] is not None:
            casework.change(case.id, me().id, assignee_id=body["assignee_id"])
        case_id = case.id
    return lookups.case(case_id)


@resource.patch(
    "/cases/<id:case_id>",
    Text("Change a case", "Изменить запрос"),
    permission="case.reply",
    body=CaseChanges,
    answer=CaseShape,
    etag=version,
)
def change_case(case_id: int, body: dict[str, Any]) -> Case:
    """The given facts and fields of the form, all or none; with ``If-Match`` only if nobody was faster."""
    lookups.case(case_id)
    with transaction():
        case = case_changes.locked(case_id)
        check_unchanged(version(case))
        facts = {name: value for name, value in body.items() if name != "fields_"}
        if facts:
            casework.change(case_id, me().id, **facts)
        if body.get("fields_"):
            case_values.set_fields(case_id, me().id, body["fields_"])
    db.session.expire_all()
    return lookups.case(case_id)


def check_unchanged(current: str) -> None:
    """412 when ``If-Match`` is given and names another version."""
    if "If-Match" in request.headers and not request.if_match.contains(current):
        raise Problem(412, "changed-meanwhile", FORMER)
