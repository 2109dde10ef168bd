"""Taking in: raw bytes are stored before they are acknowledged, then turned into messages, once each, whatever crashes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.attributes import set_committed_value

from core import bans, case_watchers, casework, find_words, storage, timeline
from core.clock import now
from core.contracts import Inbound, IntakeItem, Rejected
from core.db import current_work, db, on_commit, put, transaction
from core.entrances import entrances
from core.events import log as events
from core.events.wake import wake
from core.house import okno
from core.live import bots
from core.model import (
    Attachment,
    Case,
    Contact,
    ContactAddress,
    Intake,
    Interaction,
    Message,
    Service,
)
from core.snapshots import interaction_info, message_info, service_info

ATTEMPTS = 5
BACKOFF = (5, 30, 120, 600)
OPEN_STATES = ("bot", "put_off", "queued", "offered", "active", "wrap_up")
log = structlog.get_logger("okno.intake")
_SAME = select(Message.case_id, Message.interaction_id, Message.id).where(Message.source_key == bindparam("key"))
_WHO = (
    select(Contact)
    .join(ContactAddress, ContactAddress.contact_id == Contact.id)
    .where(ContactAddress.kind == bindparam("kind"), ContactAddress.value == bindparam("value"))
)
_STORED = (
    select(Intake.id, Intake.channel, Intake.source_key, Intake.sha256, Intake.meta, Intake.received_at)
    .where(Intake.id == bindparam("id"), Intake.state == "new")
    .with_for_update(skip_locked=True)
)
_SETTLE = update(Intake.__table__).where(Intake.__table__.c.id == bindparam("item"))
_DONE = _SETTLE.values(state="done", error="")
_WAITING = update(Interaction.__table__).where(Interaction.__table__.c.id == bindparam("interaction"))
_PLACE = _WAITING.values(priority=bindparam("priority"), queued_at=bindparam("queued_at"))
_ONE_MORE = _WAITING.values(unread=Interaction.__table__.c.unread + 1)
_LATER = _SETTLE.values(due_at=bindparam("due"), error=bindparam("why"))


@dataclass(frozen=True, slots=True)
class Received:
    """Where a message went. ``duplicate``: it was there already and nothing was changed."""

    case_id: int
    interaction_id: int
    message_id: int
    new_case: bool = False
    new_interaction: bool = False
    follow_up: bool = False
    duplicate: bool = False


def accept(channel: str, source_key: str, raw: bytes, meta: Mapping[str, Any] | None = None) -> int:
    """Store a source message durably and return its intake id; only after that may its sender be told «received».

    The same ``source_key`` again stores nothing and counts a repeat. Raises ``OSError`` or SQLAlchemy's ``OperationalError`` when
    it could not be stored: the sender must then keep it.
    """
    sha256 = storage.write(raw)
    values = {"channel": channel, "source_key": source_key, "sha256": sha256, "meta": dict(meta or {})}
    with transaction():
        connection = current_work().connection
        item_id: int | None = connection.execute(_fresh(connection.dialect.name), values).scalar()
        if item_id is None:
            same = update(Intake).where(Intake.channel == channel, Intake.source_key == source_key)
            return int(db.session.execute(same.values(repeats=Intake.repeats + 1).returning(Intake.id)).scalar_one())
        on_commit(lambda: wake("intake"))
        return item_id


@cache
def _fresh(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = Intake.__table__
    return insert(table).on_conflict_do_nothing(index_elements=["channel", "source_key"]).returning(table.c.id)


def process_due(limit: int = 50) -> int:
    """Turn stored source messages into messages; returns how many were tried."""
    due = select(Intake.id).where(Intake.state == "new", Intake.due_at <= now()).order_by(Intake.id).limit(limit)
    ids = list(db.session.scalars(due))
    db.session.rollback()
    for item_id in ids:
        process(item_id)
    return len(ids)


def process(item_id: int) -> None:
    """Process one stored message in one transaction; a failure is noted and tried again, and never lost."""
    try:
        with transaction():
            connection = current_work().connection
            row = connection.execute(_STORED, {"id": item_id}).first()
            if row is None:
                return
            channel = okno().channels.get(row.channel)
            if channel is None or channel.process is None:
                why = f"channel '{row.channel}' is not enabled"
                connection.execute(_LATER, {"item": item_id, "due": now() + timedelta(minutes=5), "why": why})
                return
            raw = storage.get(row.sha256)
            channel.process(IntakeItem(row.id, row.channel, row.source_key, raw, row.meta, row.received_at))
            connection.execute(_DONE, {"item": item_id})
    except Rejected as refusal:
        if refusal.code == bans.CODE:
            _refuse(item_id)
        else:
            _note_failure(item_id, refusal.text.en, final=True)
    except Exception as error:  # anything a message can cause: it stays stored and visible
        log.error("intake failed", intake=item_id, exc_info=error)
        _note_failure(item_id, f"{type(error).__name__}: {error}", final=False)


def _refuse(item_id: int) -> None:
    """Kept as received and answered by nobody; it is no failure that somebody should look at."""
    with transaction():
        row = db.session.get_one(Intake, item_id)
        row.state, row.error = "done", "refused: the contact is banned"


def _note_failure(item_id: int, error: str, *, final: bool) -> None:
    with transaction():
        row = db.session.get_one(Intake, item_id)
        row.attempts += 1
        row.error = error[:2000]
        if final or row.attempts >= ATTEMPTS:
            row.state = "failed"
        else:
            row.due_at = now() + timedelta(seconds=BACKOFF[min(row.attempts, len(BACKOFF)) - 1])


def retry(item_id: int) -> None:
    """Try a failed one again; ``LookupError`` when there is none."""
    with transaction():
        row = db.session.get(Intake, item_id)
        if row is None or row.state != "failed":
            raise LookupError(f"no failed intake {item_id}")
        row.state, row.attempts, row.due_at = "new", 0, now()
        on_commit(lambda: wake("intake"))


def receive(
    inbound: Inbound,
    *,
    joined: tuple[Interaction, Contact] | None = None,
    check: Callable[[], None] | None = None,
) -> Received:
    """Put a contact's message where it belongs: its session, its case, a follow-up of a closed case, or a new case.

    Runs in the open transaction (or one of its own). ``joined`` is the conversation under way, where the caller has just read it.
    ``check`` may refuse what is new; it is not called for what is known already. Raises ``Rejected`` when it does, the contact is
    banned, a plugin refuses the message or no service is there.
    """
    with transaction():
        if same := current_work().connection.execute(_SAME, {"key": inbound.source_key}).first():
            return Received(*same, duplicate=True)
        bans.refuse(inbound.sender)
        if check is not None:
            check()
        okno().hooks.before_interaction_open(inbound)
        if joined is None:
            return _receive(inbound, find_contact(inbound), _session(inbound))
        return _receive(inbound, _called(joined[1], inbound.sender.name[:200]), joined[0])


def _receive(inbound: Inbound, contact: Contact, joined: Interaction | None) -> Received:
    moment = inbound.at or now()
    case = joined.case if joined else db.session.get(Case, inbound.case_id) if inbound.case_id else None
    follow_up = case is not None and case.status == "closed" and joined is None
    if follow_up and not inbound.automatic and (later := _open_follow_up(case)) is not None:
        # Who answers an old letter twice goes on with the follow-up that the first answer opened.
        case, follow_up = later, False
    before = case
    if inbound.automatic and case is not None and joined is None:
        # A machine's answer belongs to the history; it wakes nobody and reopens nothing, or two machines would never stop.
        joined, follow_up = _latest_interaction(case), False
    if case is None or follow_up:
        service = case.service if case and case.service else choose_service(inbound)
        case = casework.create(
            subject=inbound.subject,
            service=service,
            contact=contact,
            language=inbound.language,
            follow_up_of=before,
            cause=inbound.channel,
            last_contact_at=moment,
        )
    interaction = joined or (_open_interaction(case, inbound.channel) if case is before else None)
    new_interaction = interaction is None
    if interaction is None:
        interaction = _new_interaction(inbound, case, contact)
    message = _store_message(inbound, interaction, contact)
    if interaction.state == "bot":
        bots.heard(interaction.id)
    # The session forgets what nobody holds; what comes next in this transaction, an acknowledgement say, would read it all again.
    current_work().notes.setdefault("kept", []).append((case, case.service, interaction, contact, message))
    first = case is not before
    if not first:
        casework.touch(case, last_contact_at=moment, cause="contact")
    if not first:
        case_watchers.tell(case, "case.message")
    okno().hooks.during_message(message_info(message, first_in_case=first))
    data = {
        "case_id": case.id,
        "interaction_id": interaction.id,
        "message_id": message.id,
        "author": "contact",
        "agent_id": interaction.agent_id,
        "preview": message.body_text[:140],
    }
    events.publish("desk", "message.added", data)
    if new_interaction:
        events.publish(
            "desk", "queue.changed", {"service_id": interaction.service_id, "interaction_id": interaction.id}
        )
        on_commit(lambda: wake("routing"))
        if interaction.state == "queued":
            info = interaction_info(interaction)
            on_commit(lambda: okno().hooks.after_interaction_opened(info))
    return Received(case.id, interaction.id, message.id, first, new_interaction, follow_up)


def find_contact(inbound: Inbound) -> Contact:
    """The contact known by the sender's address, or a new one; the unique address keeps it single under concurrency."""
    sender = {"kind": inbound.sender.kind, "value": inbound.sender.value[:254]}
    name = inbound.sender.name[:200]
    known: Contact | None = db.session.scalar(_WHO, sender)
    if known is None:
        contact = Contact(name=name, language=inbound.language)
        put(contact)
        connection = current_work().connection
        if connection.execute(_address(connection.dialect.name), {**sender, "contact_id": contact.id}).first():
            find_words.add(contact, sender["value"])
            return contact
        # Another process has just written down the same person.
        db.session.delete(contact)
        known = db.session.scalars(_WHO, sender).one()
    return _called(known, name)


def _called(contact: Contact, name: str) -> Contact:
    """The contact, with the name it has given if it had none."""
    if not contact.name and name:
        contact.name = name
    return contact


@cache
def _address(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = ContactAddress.__table__
    return insert(table).on_conflict_do_nothing(index_elements=["kind", "value"]).returning(table.c.id)


def choose_service(inbound: Inbound) -> Service:
    """Ask the routing hooks; raises ``Rejected`` when there is no service at all."""
    services = entrances().to(inbound.channel)
    chosen = okno().hooks.choose_service(inbound, services)
    found = db.session.get(Service, chosen) if chosen in {service.id for service in services} else None
    if found is None:
        raise Rejected("no active service can take this message: add one with  okno services add", "no-service")
    return found


def _session(inbound: Inbound) -> Interaction | None:
    if not inbound.interaction_key:
        return None
    query = select(Interaction).where(
        Interaction.session_key == inbound.interaction_key, Interaction.state.in_(OPEN_STATES)
    )
    return db.session.scalar(query)


def _open_follow_up(case: Case | None) -> Case | None:
    """The newest case that continues this closed one and is still open, however many follow-ups lie between."""
    while case is not None and case.status == "closed":
        query = select(Case).where(Case.follow_up_of_id == case.id)
        case = db.session.scalar(query.order_by(Case.id.desc()).limit(1))
    return case


def _open_interaction(case: Case, channel: str) -> Interaction | None:
    query = select(Interaction).where(
        Interaction.case_id == case.id,
        Interaction.channel == channel,
        Interaction.state.in_(("bot", "put_off", "queued", "offered", "active")),
    )
    return db.session.scalar(query.order_by(Interaction.id.desc()).limit(1))


def _latest_interaction(case: Case) -> Interaction | None:
    query = select(Interaction).where(Interaction.case_id == case.id).order_by(Interaction.id.desc()).limit(1)
    return db.session.scalar(query)


# Who served the contact last, in whatever case.
_LAST_AGENT = (
    select(Interaction.agent_id)
    .where(Interaction.contact_id == bindparam("contact"), Interaction.agent_id.is_not(None))
    .order_by(Interaction.id.desc())
    .limit(1)
)


def _new_interaction(inbound: Inbound, case: Case, contact: Contact) -> Interaction:
    assert case.service is not None
    bot = bots.chosen(inbound, case.service)
    interaction = Interaction(
        channel=inbound.channel,
        direction="in",
        state="bot" if bot else "queued",
        session_key=inbound.interaction_key or None,
        case_id=case.id,
        service_id=case.service_id,
        contact_id=contact.id,
        address=inbound.sender.value[:254],
        preferred_agent_id=case.assignee_id or db.session.scalar(_LAST_AGENT, {"contact": contact.id}),
        queued_at=now(),
    )
    put(interaction)
    set_committed_value(interaction, "case", case)
    if bot:
        bots.begin(interaction.id, bot)
    set_committed_value(interaction, "service", case.service)
    known = entrances().services.get(case.service.id) or service_info(case.service)
    place = okno().hooks.choose_queue(interaction_info(interaction), known)
    if place is not None:
        taken = {"priority": place.priority, "queued_at": place.since or interaction.queued_at}
        current_work().connection.execute(_PLACE, {"interaction": interaction.id, **taken})
        for name, value in taken.items():
            set_committed_value(interaction, name, value)
    timeline.write(case.id, "interaction.opened", interaction_id=interaction.id, channel=inbound.channel)
    return interaction


def _store_message(inbound: Inbound, interaction: Interaction, contact: Contact) -> Message:
    message = Message(
        interaction_id=interaction.id,
        case_id=interaction.case_id,
        source_key=inbound.source_key,
        external_id=inbound.external_id[:300],
        author="contact",
        direction="in",
        subject=inbound.subject[:500],
        body_text=inbound.body_text,
        body_html=inbound.body_html,
        automatic=inbound.automatic,
        raw_sha=inbound.raw_sha,
        data={
            "from": inbound.sender.value,
            "from_name": inbound.sender.name,
            "contact_id": contact.id,
            **inbound.extra,
        },
        at=inbound.at or now(),
    )
    put(message)
    for file in inbound.files:
        attachment = Attachment(
            message_id=message.id,
            sha256=storage.put(file.content),
            name=file.name[:300] or "file",
            content_type=file.content_type[:120],
            content_id=file.content_id[:300],
            inline=file.inline,
        )
        put(attachment)
    if not inbound.files:
        set_committed_value(message, "attachments", [])
    set_committed_value(message, "user", None)
    if inbound.unread:
        current_work().connection.execute(_ONE_MORE, {"interaction": interaction.id})
        set_committed_value(interaction, "unread", interaction.unread + 1)
    timeline.write(interaction.case_id, "message", interaction_id=interaction.id, message_id=message.id)
    return message
