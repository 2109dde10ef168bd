"""Rows by id for the API: 404 for none, 403 for those of other teams, with everything loaded that a schema dumps."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import abort
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import joinedload, selectinload

from core.api.auth import me
from core.api.errors import Problem, invalid
from core.contracts import Text
from core.db import db
from core.model import Attachment, Case, Contact, Interaction, Message
from core.web import desk_queries

Row = TypeVar("Row")
NOT_YOURS = Text("This belongs to other teams.", "Это относится к другим группам.")


def case_query() -> Select[Any]:
    """Cases with what :class:`core.api.shapes.CaseShape` shows."""
    return select(Case).options(
        joinedload(Case.service), joinedload(Case.contact), joinedload(Case.organisation), joinedload(Case.assignee)
    )


def interaction_query() -> Select[Any]:
    """Interactions with case, service and agent."""
    return select(Interaction).options(
        joinedload(Interaction.case), joinedload(Interaction.service), joinedload(Interaction.agent)
    )


_INTERACTION = interaction_query().where(Interaction.id == bindparam("key")).execution_options(populate_existing=True)


def message_query() -> Select[Any]:
    """Messages with authors and attachments."""
    files = selectinload(Message.attachments).joinedload(Attachment.file)
    return select(Message).options(files, joinedload(Message.user))


def contact_query() -> Select[Any]:
    """Contacts with organisation and addresses."""
    return select(Contact).options(joinedload(Contact.organisation), selectinload(Contact.addresses))


def _one(statement: Select[Any]) -> Any:
    row = db.session.scalar(statement.execution_options(populate_existing=True))
    if row is None:
        abort(404)
    return row


def _seen(case: Case) -> None:
    if not desk_queries.may_see(me(), case):
        raise Problem(403, "not-yours", NOT_YOURS)


def case(case_id: int) -> Case:
    """The case, if the caller may see it."""
    found: Case = _one(case_query().where(Case.id == case_id))
    _seen(found)
    return found


def interaction(interaction_id: int) -> Interaction:
    """The interaction of a case that the caller may see."""
    found: Interaction | None = db.session.scalar(_INTERACTION, {"key": interaction_id})
    if found is None:
        abort(404)
    _seen(found.case)
    return found


def passed_on(interaction_id: int) -> Interaction:
    """An interaction that the caller could see a moment ago: passing it on may have taken it out of sight."""
    found: Interaction = _one(interaction_query().where(Interaction.id == interaction_id))
    return found


def message(message_id: int) -> Message:
    """The message of a case that the caller may see."""
    found: Message = _one(message_query().where(Message.id == message_id))
    case(found.case_id)
    return found


def own_message(message_id: int) -> Message:
    """A message that the caller has just written: what this transaction knows of it is not read again."""
    return db.session.get_one(Message, message_id)


def contact(contact_id: int) -> Contact:
    """The contact."""
    found: Contact = _one(contact_query().where(Contact.id == contact_id))
    return found


def named(model: type[Row], key: int | None, field: str) -> Row | None:
    """The row that a body names by id; 422 for that field when there is none."""
    if key is None:
        return None
    row = db.session.get(model, key)
    if row is None:
        raise invalid({field: Text("There is no such.", "Такого нет.")})
    return row
