"""The help screen's documents: an address, or a text in Markdown, for everybody or for a role and a team."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from marshmallow import validates_schema
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core import audit
from core.contracts import Text
from core.db import db, transaction
from core.directory import missing
from core.model import HelpDocument, Role, Team, TeamMember, User, UserRole
from core.schemas import Form, checked, flag, number, words, wrong

FIELDS = ("title_en", "title_ru", "url", "text_en", "text_ru", "position", "active")
SCHEMES = {"http", "https", "mailto", "tel"}


def _address(value: str) -> None:
    if (
        value
        and not value.startswith(("https://", "http://"))
        and not (value[0] == "/" and value[1:2] not in ("/", "\\"))
    ):
        raise wrong(
            "Write an address like https://example.com/page or /kb.",
            "Укажите адрес вида https://example.com/page или /kb.",
        )


class HelpForm(Form):
    title_en = words(160, required=True)
    title_ru = words(160, required=True)
    url = words(500, _address)
    text_en = words(100_000)
    text_ru = words(100_000)
    role = words(40)
    team = words(40)
    position = number(-10_000, 10_000, 0)
    active = flag(True)

    @validates_schema(skip_on_field_errors=True)
    def _has_something(self, data: dict[str, Any], **_: Any) -> None:
        if not (data.get("url") or data.get("text_en") or data.get("text_ru")):
            problem = wrong("Give an address or a text.", "Укажите адрес или текст.")
            problem.field_name = "text_ru"
            raise problem


def listed() -> list[HelpDocument]:
    """All documents in their order, with role and team. One statement."""
    query = select(HelpDocument).options(joinedload(HelpDocument.role), joinedload(HelpDocument.team))
    return list(db.session.scalars(query.order_by(HelpDocument.position, HelpDocument.id)))


def for_user(user: User) -> list[HelpDocument]:
    """The active documents for the roles and teams of ``user``. One statement."""
    roles = select(UserRole.role_id).where(UserRole.user_id == user.id)
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user.id)
    query = select(HelpDocument).where(
        HelpDocument.active,
        or_(HelpDocument.role_id.is_(None), HelpDocument.role_id.in_(roles)),
        or_(HelpDocument.team_id.is_(None), HelpDocument.team_id.in_(teams)),
    )
    return list(db.session.scalars(query.order_by(HelpDocument.position, HelpDocument.id)))


def get(document_id: int) -> HelpDocument:
    """The document; raises ``Rejected`` (``not-found``)."""
    found = db.session.get(HelpDocument, document_id)
    if found is None:
        raise missing("help document", "документ справки", document_id)
    return found


def save(document_id: int | None, values: Mapping[str, Any]) -> HelpDocument:
    """Add a document, or change the one of that id; ``role`` and ``team`` are keys, "" for everybody.

    Raises :class:`core.schemas.Invalid` by field, ``Rejected`` (``not-found``).
    """
    loaded = checked(HelpForm, values)
    with transaction():
        role, team = _named(Role, loaded.pop("role")), _named(Team, loaded.pop("team"))
        row = get(document_id) if document_id is not None else HelpDocument(title_en="", title_ru="")
        before = _picture(row) if document_id is not None else None
        for name, value in loaded.items():
            setattr(row, name, value)
        row.role, row.team = role, team
        db.session.add(row)
        db.session.flush()
        action = "help.add" if before is None else "help.change"
        audit.record(action, "help", row.id, before, _picture(row))
        return row


def remove(document_id: int) -> None:
    """Remove a document. Raises ``Rejected`` (``not-found``)."""
    with transaction():
        row = get(document_id)
        audit.record("help.remove", "help", row.id, _picture(row))
        db.session.delete(row)


def _named(model: type[Any], key: str) -> Any:
    if not key:
        return None
    found = db.session.scalar(select(model).where(model.key == key))
    if found is None:
        kinds = {Role: ("role", "роль"), Team: ("team", "группа")}[model]
        raise missing(*kinds, key)
    return found


def _picture(row: HelpDocument) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in FIELDS}
    return {**values, "role": row.role.key if row.role else "", "team": row.team.key if row.team else ""}


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def to_html(document: HelpDocument, language: str) -> str:
    """The text in ``language``, else in the other one, as safe HTML; links leave in a new tab."""
    text = document.text_ru if language == "ru" else document.text_en
    html = _markdown().render(text or document.text_en or document.text_ru)
    return nh3.clean(
        html, url_schemes=SCHEMES, link_rel="noopener noreferrer", set_tag_attribute_values={"a": {"target": "_blank"}}
    )


def title_of(document: HelpDocument) -> Text:
    """The title in both languages."""
    return Text(document.title_en, document.title_ru)
