"""What stands beside a case: its form, organisation, flags, links, watchers, files. A constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import case_form, case_links, case_watchers
from core.db import db
from core.model import (
    Attachment,
    Case,
    CaseCategory,
    CaseField,
    Message,
    NoteFile,
    Organisation,
    Service,
    SupportLine,
    TimelineEntry,
    User,
)

FILES = 60


@dataclass(slots=True)
class CaseFile:
    """A file of the case, whoever sent it; ``path`` is where it is served."""

    name: str
    content_type: str
    size: int
    path: str
    entry: str
    sent_at: Any


@dataclass(slots=True)
class Aside:
    """The blocks beside the timeline."""

    fields: list[CaseField]
    missing: set[str]
    categories: list[CaseCategory]
    organisation: Organisation | None
    continues: Case | None
    continued: list[Case]
    links: list[case_links.Linked]
    watchers: list[User]
    watching: bool
    files: list[CaseFile]
    lines: list[SupportLine]


def aside(case: Case, user: User) -> Aside:
    """The blocks for ``user``."""
    rows = case_form.fields_of(case.service_id)
    watchers = case_watchers.watchers(case.id)
    return Aside(
        fields=rows,
        missing={row.key for row in case_form.missing(case, rows)},
        categories=case_form.categories_of(case.service_id),
        organisation=organisation_of(case),
        continues=db.session.get(Case, case.follow_up_of_id) if case.follow_up_of_id else None,
        continued=follow_ups(case.id),
        links=case_links.linked_cases(case.id),
        watchers=watchers,
        watching=any(person.id == user.id for person in watchers),
        files=files(case.id),
        lines=lines_of(case.service_id),
    )


def organisation_of(case: Case) -> Organisation | None:
    """The company the case is for: its own, else the contact's."""
    if case.organisation_id is not None:
        return db.session.get(Organisation, case.organisation_id)
    return case.contact.organisation if case.contact is not None else None


def follow_ups(case_id: int) -> list[Case]:
    """The cases that continue this one."""
    query = select(Case).where(Case.follow_up_of_id == case_id).order_by(Case.id).limit(10)
    return list(db.session.scalars(query))


def lines_of(service_id: int | None) -> list[SupportLine]:
    """The support lines of a service, in order; none for most."""
    if service_id is None:
        return []
    query = select(SupportLine).where(SupportLine.service_id == service_id)
    return list(db.session.scalars(query.order_by(SupportLine.number)))


def files(case_id: int) -> list[CaseFile]:
    """The newest files of messages and notes, newest first; pictures inside letters left out."""
    sent = select(Attachment, Message.id, Message.at).join(Message, Message.id == Attachment.message_id)
    sent = sent.where(Message.case_id == case_id, Attachment.inline.is_(False)).options(joinedload(Attachment.file))
    noted = select(NoteFile, TimelineEntry.at).join(TimelineEntry, TimelineEntry.id == NoteFile.entry_id)
    noted = noted.where(TimelineEntry.case_id == case_id).options(joinedload(NoteFile.file))
    found = [
        CaseFile(row.name, row.content_type, row.file.size, f"/attachments/{row.id}", f"message-{message_id}", at)
        for row, message_id, at in db.session.execute(sent.order_by(Attachment.id.desc()).limit(FILES))
    ]
    found += [
        CaseFile(row.name, row.content_type, row.file.size, f"/note-files/{row.id}", f"entry-{row.entry_id}", at)
        for row, at in db.session.execute(noted.order_by(NoteFile.id.desc()).limit(FILES))
    ]
    return sorted(found, key=lambda item: item.sent_at, reverse=True)[:FILES]


def services(exclude: int | None = None) -> list[Service]:
    """Active services, for the menu of the header."""
    query = select(Service).where(Service.active).order_by(Service.id)
    return [row for row in db.session.scalars(query) if row.id != exclude]
