"""What a case page shows: the case, its timeline in pages, dispositions, the contact with other cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_timezone
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from core import company, own_settings
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
    NoteFile,
    Participant,
    ServiceEntry,
    TimelineEntry,
    User,
)
from core.web.desk_queries import is_spoken
from core.web.language import here

PAGE = 40
TALK = ("message", "note", "disposition", "case.closed", "case.followed_up", "case.opened")


@dataclass(slots=True)
class Entry:
    """A line of the timeline with the rows it speaks of; ``day`` is the date where a new one begins in the viewer's zone."""

    row: TimelineEntry
    message: Message | None = None
    interaction: Interaction | None = None
    actor: User | None = None
    files: list[NoteFile] = field(default_factory=list)
    day: str = ""

    @property
    def said(self) -> str:
        """What kind of card: message, note, or event."""
        if self.row.kind == "message" and self.message is not None:
            return "message"
        return "note" if self.row.kind == "note" else "event"

    @property
    def changes(self) -> bool:
        """Whether the card is not the same for ever: an answer on its way, a message that is corrected or waits for files."""
        message = self.message
        if message is None:
            return False
        return bool(message.delivery or any(message.data.get(name) for name in ("edits", "files", "translations")))


@dataclass(slots=True)
class Window:
    """A page of the timeline, oldest first, with the ids to ask the entries before and after it (None: there are none)."""

    entries: list[Entry]
    earlier: int | None = None
    later: int | None = None


@dataclass(slots=True)
class CasePage:
    """All that the first look at a case needs. ``mine``: the user has the interaction; ``writes``: has it or takes part in it."""

    case: Case
    interaction: Interaction | None
    mine: bool
    badges: list[Badge]
    window: Window
    draft: Draft | None
    note: Draft | None
    contact: Contact | None
    others: list[Case] = field(default_factory=list)
    holder: User | None = None
    newest_message: int = 0
    copies: list[str] = field(default_factory=list)
    draft_is_old: bool = False
    drafts: list[tuple[Draft, User]] = field(default_factory=list)
    company: list[Participant] = field(default_factory=list)
    place: Participant | None = None

    @property
    def writes(self) -> bool:
        """Whether the user may answer the contact in writing."""
        return not self.spoken and (self.mine or (self.place is not None and self.place.joined_at is not None))

    @property
    def spoken(self) -> bool:
        """Whether the contact is answered by voice, so that all that is written is a note."""
        return self.interaction is not None and is_spoken(self.interaction.channel)


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
    window = timeline(case.id, view)
    drafts = {
        row.kind: row
        for row in db.session.scalars(select(Draft).where(Draft.user_id == user.id, Draft.case_id == case.id))
    }
    newest, wrote = newest_message(case.id)
    others = company.of(current.id) if current is not None and current.state == "active" else []
    draft = drafts.get("reply")
    return CasePage(
        case=case,
        interaction=current,
        mine=own is not None,
        badges=okno().hooks.case_badges([case.id], here())[case.id],
        window=window,
        draft=draft,
        note=drafts.get("note"),
        contact=contact_card(case.contact_id),
        others=other_cases(case),
        holder=current.agent if current is not None and own is None else None,
        newest_message=newest,
        copies=copies_of(case.id, own) if own is not None and own_settings.of(user).reply_all else [],
        draft_is_old=draft is not None and wrote is not None and draft.saved_at < wrote,
        drafts=drafts_of(case.id) if view == "events" else [],
        company=others,
        place=next((one for one in others if one.user_id == user.id), None),
    )


def find_case(case_id: int) -> Case | None:
    """The case with what its header shows."""
    query = select(Case).where(Case.id == case_id)
    return db.session.scalar(
        query.options(joinedload(Case.service), joinedload(Case.assignee), joinedload(Case.contact))
    )


def timeline(
    case_id: int, view: str, *, before: int | None = None, after: int | None = None, around: int | None = None
) -> Window:
    """A page of the timeline: the newest entries, those ``before`` or ``after`` an id, or some on both sides of ``around``."""
    query = select(TimelineEntry).where(TimelineEntry.case_id == case_id)
    if view == "talk":
        query = query.where(TimelineEntry.kind.in_(TALK))
    if around is not None:
        older, newer = _older(query, around, PAGE // 2), _newer(query, around - 1, PAGE // 2)
        rows = [*older[0], *newer[0]]
        return Window(_entries(rows), rows[0].id if older[1] else None, rows[-1].id if newer[1] else None)
    if after is not None:
        rows, more = _newer(query, after, PAGE)
        return Window(_entries(rows), None, rows[-1].id if more else None)
    rows, more = _older(query, before, PAGE)
    return Window(_entries(rows), rows[0].id if more else None)


def _older(query: Select[Any], before: int | None, limit: int) -> tuple[list[TimelineEntry], bool]:
    if before is not None:
        query = query.where(TimelineEntry.id < before)
    rows = list(db.session.scalars(query.order_by(TimelineEntry.id.desc()).limit(limit + 1)))
    return rows[:limit][::-1], len(rows) > limit


def _newer(query: Select[Any], after: int, limit: int) -> tuple[list[TimelineEntry], bool]:
    query = query.where(TimelineEntry.id > after).order_by(TimelineEntry.id)
    rows = list(db.session.scalars(query.limit(limit + 1)))
    return rows[:limit], len(rows) > limit


def _entries(rows: Sequence[TimelineEntry]) -> list[Entry]:
    messages = {message.id: message for message in messages_of([row.message_id for row in rows if row.message_id])}
    interactions = _by_id(Interaction, {row.interaction_id for row in rows})
    asked = {row.actor_id for row in rows} | {row.data.get("agent_id") for row in rows}
    people = _by_id(User, asked)
    files = files_of([row.id for row in rows if row.kind == "note"])
    zone = get_timezone() or ZoneInfo("UTC")
    days = [row.at.astimezone(zone).date() for row in rows]
    return [
        Entry(
            row,
            messages.get(row.message_id or 0),
            interactions.get(row.interaction_id or 0),
            people.get(row.actor_id or row.data.get("agent_id") or 0),
            files.get(row.id, []),
            days[place].isoformat() if place == 0 or days[place - 1] != days[place] else "",
        )
        for place, row in enumerate(rows)
    ]


def files_of(entry_ids: Sequence[int]) -> dict[int, list[NoteFile]]:
    """The files of notes, by entry."""
    found: dict[int, list[NoteFile]] = {}
    if entry_ids:
        query = select(NoteFile).where(NoteFile.entry_id.in_(entry_ids)).options(joinedload(NoteFile.file))
        for row in db.session.scalars(query.order_by(NoteFile.id)):
            found.setdefault(row.entry_id, []).append(row)
    return found


def drafts_of(case_id: int) -> list[tuple[Draft, User]]:
    """What colleagues are writing in this case, for the view of events."""
    query = select(Draft, User).join(User, User.id == Draft.user_id)
    return [
        (draft, user) for draft, user in db.session.execute(query.where(Draft.case_id == case_id).order_by(Draft.id))
    ]


def newest_message(case_id: int) -> tuple[int, datetime | None]:
    """The id of the case's newest message (0: none) and when its contact wrote last."""
    newest = db.session.scalar(select(func.max(Message.id)).where(Message.case_id == case_id)) or 0
    wrote = select(func.max(Message.at)).where(Message.case_id == case_id, Message.direction == "in")
    return newest, db.session.scalar(wrote)


def copies_of(case_id: int, interaction: Interaction) -> list[str]:
    """Who else stood in the contact's last letter, without the contact and the centre's own addresses."""
    last = select(Message.data).where(Message.case_id == case_id, Message.direction == "in")
    data = db.session.scalar(last.order_by(Message.id.desc()).limit(1)) or {}
    named = list(dict.fromkeys(address.lower() for address in [*data.get("to", ()), *data.get("cc", ())]))
    ours = (
        set(db.session.scalars(select(ServiceEntry.address).where(ServiceEntry.address.in_(named)))) if named else set()
    )
    return [address for address in named if address not in ours and address != interaction.address.lower()][:50]


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
    """What may be chosen for a service, by heading; those under no heading come first, under None, spam last."""
    query = select(Disposition).where(
        Disposition.active, (Disposition.service_id == service_id) | Disposition.service_id.is_(None)
    )
    rows = list(db.session.scalars(query.order_by(Disposition.position, Disposition.id)))
    children: dict[int, list[Disposition]] = {}
    for row in rows:
        if row.parent_id is not None:
            children.setdefault(row.parent_id, []).append(row)
    single = [row for row in rows if row.parent_id is None and row.id not in children]
    spam = [row for row in single if "spam" in row.key]
    usual = [row for row in single if row not in spam]
    headed = [(row, children[row.id]) for row in rows if row.parent_id is None and row.id in children]
    groups: list[tuple[Disposition | None, list[Disposition]]] = [(None, usual)] if usual else []
    return [*groups, *headed, *([(None, spam)] if spam else [])]
