"""What a case page shows: the case, its timeline in pages, dispositions, the contact with other cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import nh3
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core.contracts import Badge
from core.db import db
from core.house import okno
from core.model import (
    Attachment,
    Case,
    Contact,
    Disposition,
    Draft,
    Interaction,
    Message,
    TimelineEntry,
    User,
)
from core.web.language import here

PAGE = 40
TALK = ("message", "note", "disposition", "case.closed")
QUOTE_HEAD = re.compile(
    r"^(On .{5,120} wrote:|.{5,120} (написал|пишет)\(?а?\)?:|-{3,} ?(Original Message|Исходное сообщение).*)$",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)])")


@dataclass(slots=True)
class Entry:
    """A line of the timeline with the rows it speaks of."""

    row: TimelineEntry
    message: Message | None = None
    interaction: Interaction | None = None
    actor: User | None = None

    @property
    def said(self) -> str:
        """What kind of card: message, note, or event."""
        if self.row.kind == "message" and self.message is not None:
            return "message"
        return "note" if self.row.kind == "note" else "event"


@dataclass(slots=True)
class CasePage:
    """All that the first look at a case needs."""

    case: Case
    interaction: Interaction | None
    mine: bool
    badges: list[Badge]
    entries: list[Entry]
    earlier: int | None
    draft: Draft | None
    note: Draft | None
    contact: Contact | None
    others: list[Case] = field(default_factory=list)
    holder: User | None = None


def case_page(case: Case, user: User, view: str) -> CasePage:
    """The page of ``case`` for ``user``; ``view`` is "talk" or "events"."""
    interactions = db.session.scalars(
        select(Interaction)
        .where(Interaction.case_id == case.id, Interaction.state != "closed")
        .options(joinedload(Interaction.agent), joinedload(Interaction.service))
        .order_by(Interaction.id.desc())
    ).all()
    own = next(
        (item for item in interactions if item.agent_id == user.id and item.state in ("active", "wrap_up")), None
    )
    current = own or (interactions[0] if interactions else None)
    entries, earlier = timeline(case.id, view, None)
    drafts = {
        row.kind: row
        for row in db.session.scalars(select(Draft).where(Draft.user_id == user.id, Draft.case_id == case.id))
    }
    return CasePage(
        case=case,
        interaction=current,
        mine=own is not None,
        badges=okno().hooks.case_badges([case.id], here())[case.id],
        entries=entries,
        earlier=earlier,
        draft=drafts.get("reply"),
        note=drafts.get("note"),
        contact=contact_card(case.contact_id),
        others=other_cases(case),
        holder=current.agent if current is not None and own is None else None,
    )


def find_case(case_id: int) -> Case | None:
    """The case with what its header shows."""
    query = select(Case).where(Case.id == case_id)
    return db.session.scalar(
        query.options(joinedload(Case.service), joinedload(Case.assignee), joinedload(Case.contact))
    )


def timeline(case_id: int, view: str, before: int | None) -> tuple[list[Entry], int | None]:
    """A page of the timeline, oldest first, and the id to ask earlier ones with (None: there are none)."""
    query = select(TimelineEntry).where(TimelineEntry.case_id == case_id)
    if view == "talk":
        query = query.where(TimelineEntry.kind.in_(TALK))
    if before is not None:
        query = query.where(TimelineEntry.id < before)
    rows = list(db.session.scalars(query.order_by(TimelineEntry.id.desc()).limit(PAGE + 1)))
    earlier = rows[PAGE - 1].id if len(rows) > PAGE else None
    rows = rows[:PAGE][::-1]
    return _entries(rows), earlier


def _entries(rows: Sequence[TimelineEntry]) -> list[Entry]:
    messages = {message.id: message for message in messages_of([row.message_id for row in rows if row.message_id])}
    interactions = _by_id(Interaction, {row.interaction_id for row in rows})
    asked = {row.actor_id for row in rows} | {row.data.get("agent_id") for row in rows}
    people = _by_id(User, asked)
    return [
        Entry(
            row,
            messages.get(row.message_id or 0),
            interactions.get(row.interaction_id or 0),
            people.get(row.actor_id or row.data.get("agent_id") or 0),
        )
        for row in rows
    ]


def _by_id(model: Any, ids: set[int | None]) -> dict[int, Any]:
    wanted = {key for key in ids if key is not None}
    return {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(wanted)))} if wanted else {}


def messages_of(ids: Sequence[int]) -> list[Message]:
    """Messages with authors and attachments, by id."""
    if not ids:
        return []
    files = selectinload(Message.attachments).joinedload(Attachment.file)
    return list(db.session.scalars(select(Message).where(Message.id.in_(ids)).options(files, joinedload(Message.user))))


def contact_card(contact_id: int | None) -> Contact | None:
    """The contact with organisation and addresses."""
    if contact_id is None:
        return None
    query = select(Contact).where(Contact.id == contact_id)
    return db.session.scalar(query.options(joinedload(Contact.organisation), selectinload(Contact.addresses)))


def other_cases(case: Case, limit: int = 6) -> list[Case]:
    """The newest other cases of the same contact."""
    if case.contact_id is None:
        return []
    query = select(Case).where(Case.contact_id == case.contact_id, Case.id != case.id)
    return list(db.session.scalars(query.order_by(Case.created_at.desc()).limit(limit)))


def cases_of(contact_id: int, limit: int = 50) -> list[Case]:
    """The newest cases of a contact."""
    query = (
        select(Case).where(Case.contact_id == contact_id).options(joinedload(Case.service), joinedload(Case.assignee))
    )
    return list(db.session.scalars(query.order_by(Case.created_at.desc()).limit(limit)))


def dispositions(service_id: int) -> list[tuple[Disposition | None, list[Disposition]]]:
    """What may be chosen for a service, by heading; those under no heading come first, under None."""
    query = select(Disposition).where(
        Disposition.active, (Disposition.service_id == service_id) | Disposition.service_id.is_(None)
    )
    rows = list(db.session.scalars(query.order_by(Disposition.position, Disposition.id)))
    children: dict[int, list[Disposition]] = {}
    for row in rows:
        if row.parent_id is not None:
            children.setdefault(row.parent_id, []).append(row)
    single = [row for row in rows if row.parent_id is None and row.id not in children]
    groups: list[tuple[Disposition | None, list[Disposition]]] = [(None, single)] if single else []
    return groups + [(row, children[row.id]) for row in rows if row.parent_id is None and row.id in children]


# --- texts -------------------------------------------------------------------------------------------


def parted(text: str) -> tuple[str, str]:
    """A plain text as what is new and what is quoted below it."""
    lines = text.rstrip().splitlines()
    for index, line in enumerate(lines):
        below = [other for other in lines[index + 1 :] if other.strip()]
        quoted = [other for other in below if other.lstrip().startswith(">")]
        if QUOTE_HEAD.match(line.strip()) or (line.lstrip().startswith(">") and len(quoted) == len(below)):
            return "\n".join(lines[:index]).rstrip(), "\n".join(lines[index:])
    return "\n".join(lines), ""


def linked(text: str) -> Markup:
    """Plain text as HTML with web addresses as links that leave no trace."""
    parts = ADDRESS.split(text)
    link = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer nofollow">{0}</a>')
    return Markup("").join(link.format(part) if index % 2 else escape(part) for index, part in enumerate(parts))


def own_html(html: str) -> Markup:
    """HTML that an agent wrote, cleaned once more before it is put into the page itself."""
    clean = nh3.clean(html, attributes={"a": {"href", "target"}}, link_rel="noopener noreferrer")
    return Markup(clean)  # noqa: S704 -- nh3 has just cleaned it


def reply_subject(subject: str) -> str:
    """The subject of an answer: one "Re:", however many there were."""
    return "Re: " + re.sub(r"^((re|fw|fwd|отв|ответ)(\[\d+\])?:\s*)+", "", subject, flags=re.IGNORECASE)
