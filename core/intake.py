"""Taking in: raw bytes are stored before they are acknowledged, then turned into messages, once each, whatever crashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from core import casework, storage, timeline
from core.clock import now
from core.contracts import Inbound, IntakeItem, Rejected, ServiceInfo, Text
from core.db import current_work, db, on_commit, transaction
from core.events import log as events
from core.events.wake import wake
from core.house import okno
from core.model import (
    Attachment,
    Case,
    Contact,
    ContactAddress,
    Intake,
    Interaction,
    Message,
    Service,
    ServiceEntry,
    ServiceTeam,
)
from core.snapshots import interaction_info, message_info, service_info

ATTEMPTS = 5
BACKOFF = (5, 30, 120, 600)
OPEN_STATES = ("queued", "offered", "active", "wrap_up")
log = structlog.get_logger("okno.intake")


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
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    values = {"channel": channel, "source_key": source_key, "sha256": sha256, "meta": dict(meta or {})}
    with transaction():
        fresh = insert(Intake).values(**values).on_conflict_do_nothing(index_elements=["channel", "source_key"])
        item_id: int | None = db.session.scalar(fresh.returning(Intake.id))
        if item_id is None:
            same = update(Intake).where(Intake.channel == channel, Intake.source_key == source_key)
            return int(db.session.execute(same.values(repeats=Intake.repeats + 1).returning(Intake.id)).scalar_one())
        on_commit(lambda: wake("intake"))
        return item_id


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
            row = db.session.get(Intake, item_id, with_for_update={"skip_locked": True})
            if row is None or row.state != "new":
                return
            channel = okno().channels.get(row.channel)
            if channel is None or channel.process is None:
                row.due_at = now() + timedelta(minutes=5)
                row.error = f"channel '{row.channel}' is not enabled"
                return
            raw = storage.get(row.sha256)
            channel.process(IntakeItem(row.id, row.channel, row.source_key, raw, row.meta, row.received_at))
            row.state, row.error = "done", ""
    except Rejected as refusal:
        _note_failure(item_id, refusal.text.en, final=True)
    except Exception as error:  # anything a message can cause: it stays stored and visible
        log.error("intake failed", intake=item_id, exc_info=error)
        _note_failure(item_id, f"{type(error).__name__}: {error}", final=False)


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


def receive(inbound: Inbound) -> Received:
    """Put a contact's message where it belongs: its session, its case, a follow-up of a closed case, or a new case.

    Runs in the open transaction (or one of its own). Raises ``Rejected`` when a plugin refuses the message or no service is there.
    """
    with transaction():
        if same := db.session.scalar(select(Message).where(Message.source_key == inbound.source_key)):
            return Received(same.case_id, same.interaction_id, same.id, duplicate=True)
        okno().hooks.before_interaction_open(inbound)
        return _receive(inbound)


def _receive(inbound: Inbound) -> Received:
    moment = inbound.at or now()
    contact = find_contact(inbound)
    joined = _session(inbound)
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
        )
    interaction = joined or (_open_interaction(case, inbound.channel) if case is before else None)
    new_interaction = interaction is None
    if interaction is None:
        interaction = _new_interaction(inbound, case, contact)
    message = _store_message(inbound, interaction, contact)
    # The session forgets what nobody holds; what comes next in this transaction, an acknowledgement say, would read it all again.
    current_work().notes.setdefault("kept", []).append((case, case.service, interaction, contact, message))
    first = case is not before
    casework.touch(case, last_contact_at=moment, cause="contact")
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
        info = interaction_info(interaction)
        on_commit(lambda: okno().hooks.after_interaction_opened(info))
    return Received(case.id, interaction.id, message.id, first, new_interaction, follow_up)


def find_contact(inbound: Inbound) -> Contact:
    """The contact known by the sender's address, or a new one; the unique address keeps it single under concurrency."""
    kind, value = inbound.sender.kind, inbound.sender.value[:254]
    query = select(ContactAddress).where(ContactAddress.kind == kind, ContactAddress.value == value)
    known = db.session.scalar(query)
    if known is None:
        contact = Contact(name=inbound.sender.name[:200], language=inbound.language)
        contact.addresses.append(ContactAddress(kind=kind, value=value))
        try:
            with db.session.begin_nested():
                db.session.add(contact)
            return contact
        except IntegrityError:
            known = db.session.scalars(query).one()
    if not known.contact.name and inbound.sender.name:
        known.contact.name = inbound.sender.name[:200]
    return known.contact


def choose_service(inbound: Inbound) -> Service:
    """Ask the routing hooks; raises ``Rejected`` when there is no service at all."""
    services = _active_services(inbound.channel)
    chosen = okno().hooks.choose_service(inbound, services)
    found = db.session.get(Service, chosen) if chosen in {service.id for service in services} else None
    if found is None:
        raise Rejected("no active service can take this message: add one with  okno services add", "no-service")
    return found


def _active_services(channel: str) -> list[ServiceInfo]:
    """The active services with an entry in the channel, else all active ones; the default first. One statement: every message asks."""
    entered = exists().where(ServiceEntry.service_id == Service.id, ServiceEntry.channel == channel)
    columns = (
        Service.id,
        Service.key,
        Service.title_en,
        Service.title_ru,
        Service.language,
        Service.priority,
        Service.disposition_required,
    )
    query = select(*columns, entered.label("entered"), ServiceTeam.team_id).outerjoin(
        ServiceTeam, ServiceTeam.service_id == Service.id
    )
    rows = db.session.execute(
        query.where(Service.active).order_by(Service.is_default.desc(), Service.id, ServiceTeam.team_id)
    ).all()
    rows = [row for row in rows if row.entered] or rows
    teams: dict[int, tuple[int, ...]] = {}
    for row in rows:
        teams[row.id] = teams.get(row.id, ()) + ((row.team_id,) if row.team_id is not None else ())
    first = {row.id: row for row in reversed(rows)}
    return [
        ServiceInfo(
            id=key,
            key=row.key,
            title=Text(row.title_en, row.title_ru),
            language=row.language,
            team_ids=team_ids,
            priority=row.priority,
            disposition_required=row.disposition_required,
        )
        for key, team_ids in teams.items()
        for row in (first[key],)
    ]


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
        Interaction.state.in_(("queued", "offered", "active")),
    )
    return db.session.scalar(query.order_by(Interaction.id.desc()).limit(1))


def _latest_interaction(case: Case) -> Interaction | None:
    query = select(Interaction).where(Interaction.case_id == case.id).order_by(Interaction.id.desc()).limit(1)
    return db.session.scalar(query)


def _new_interaction(inbound: Inbound, case: Case, contact: Contact) -> Interaction:
    interaction = Interaction(
        channel=inbound.channel,
        direction="in",
        session_key=inbound.interaction_key or None,
        case_id=case.id,
        service_id=case.service_id,
        contact_id=contact.id,
        address=inbound.sender.value[:254],
        preferred_agent_id=case.assignee_id,
        queued_at=now(),
    )
    db.session.add(interaction)
    db.session.flush()
    assert case.service is not None
    place = okno().hooks.choose_queue(interaction_info(interaction), service_info(case.service))
    if place is not None:
        interaction.priority, interaction.queued_at = place.priority, place.since or interaction.queued_at
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
    for file in inbound.files:
        sha256 = storage.put(file.content)
        name, kind = file.name[:300] or "file", file.content_type[:120]
        attachment = Attachment(
            sha256=sha256, name=name, content_type=kind, content_id=file.content_id[:300], inline=file.inline
        )
        message.attachments.append(attachment)
    db.session.add(message)
    interaction.unread += 1
    db.session.flush()
    timeline.write(interaction.case_id, "message", interaction_id=interaction.id, message_id=message.id)
    return message
