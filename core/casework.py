"""Operations on cases: open, answer, note, change, close. The only code that changes a case."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import nh3
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.attributes import set_committed_value

from core import (
    case_changes,
    case_drafts,
    case_facts,
    case_watchers,
    company,
    file_limits,
    recall,
    storage,
    timeline,
    variables,
)
from core.case_facts import CHANGEABLE
from core.clock import now
from core.contracts import CaseChange, Delivery, FileIn, Rejected, Text
from core.db import current_work, db, put, transaction
from core.events import log as events
from core.house import okno
from core.model import (
    Attachment,
    Case,
    CaseNumber,
    Contact,
    Interaction,
    Message,
    Service,
    User,
)
from core.notifications import notify
from core.plain_text import plain_text
from core.snapshots import case_info, message_info

TOKEN_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN_LENGTH = 10
FIRST_NUMBER = 10_000
_TALK = Interaction.__table__
_SEEN = update(_TALK).where(_TALK.c.id == bindparam("interaction")).values(unread=0)
_KNOWN = select(Message.id).where(Message.source_key == bindparam("key"))
# What every message moves: written as one statement past the unit of work. Nothing is found by it (core.find_words).
_MOMENTS = frozenset(("last_contact_at", "first_reply_at"))
_OF_CASE = update(Case.__table__).where(Case.__table__.c.id == bindparam("case"))


def next_number() -> str:
    """The next case number, counted inside the transaction that uses it: no gap is visible, none is given twice."""
    connection = current_work().connection
    return (
        f"{okno().config.get('core.case_prefix')}{connection.execute(_count_up(connection.dialect.name)).scalar_one()}"
    )


@cache
def _count_up(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return (
        insert(CaseNumber)
        .values(id=1, last=FIRST_NUMBER + 1)
        .on_conflict_do_update(index_elements=["id"], set_={"last": CaseNumber.last + 1})
        .returning(CaseNumber.last)
    )


def new_token() -> str:
    """A thread token: 10 characters out of 30, none easily confused (49 bits)."""
    return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH))


def create(
    *,
    subject: str,
    service: Service,
    contact: Contact | None,
    language: str = "",
    follow_up_of: Case | None = None,
    priority: str = "",
    cause: str = "",
    assignee_id: int | None = None,
    last_contact_at: datetime | None = None,
) -> Case:
    """Open a case in the open transaction; a follow-up keeps the link, the priority and the agent of the closed one."""
    if contact in db.session.new:
        db.session.flush()
    case = Case(
        number=next_number(),
        subject=subject[:300],
        service_id=service.id,
        contact_id=contact.id if contact else None,
        language=language or service.language,
        follow_up_of_id=follow_up_of.id if follow_up_of else None,
        priority=priority or (follow_up_of.priority if follow_up_of else "medium"),
        assignee_id=assignee_id or (follow_up_of.assignee_id if follow_up_of else None),
        thread_token=new_token(),
        last_contact_at=last_contact_at,
    )
    put(case)
    set_committed_value(case, "service", service)
    set_committed_value(case, "contact", contact)
    previous: dict[str, Any] = (
        {"follow_up_of": follow_up_of.number, "other_id": follow_up_of.id} if follow_up_of else {}
    )
    timeline.write(case.id, "case.opened", cause=cause, **previous)
    if follow_up_of:
        timeline.write(follow_up_of.id, "case.followed_up", number=case.number, other_id=case.id)
        continued = {"case_id": follow_up_of.id, "number": follow_up_of.number, "changes": ["links"]}
        events.publish("desk", "case.changed", continued)
    _announce(case, {"status": (None, "open")}, cause)
    return case


def touch(case: Case, *, cause: str, **fields: Any) -> None:
    """Set ``fields`` of a case in the open transaction, tell the hooks what changed, and move ``updated_at``."""
    changes: dict[str, tuple[Any, Any]] = {}
    fresh = {name: value for name, value in fields.items() if getattr(case, name) != value}
    for name, value in fresh.items():
        changes[name] = (_plain(getattr(case, name)), _plain(value))
    if fresh.keys() <= _MOMENTS:
        _move(case, {**fresh, "updated_at": now()})
    else:
        for name, value in {**fresh, "updated_at": now()}.items():
            setattr(case, name, value)
    if "status" in changes:
        case.closed_at = now() if case.status == "closed" else None
    if changes:
        _announce(case, changes, cause)


def _move(case: Case, moments: dict[str, datetime]) -> None:
    current_work().connection.execute(_OF_CASE.values(moments), {"case": case.id})
    for name, moment in moments.items():
        set_committed_value(case, name, moment)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _announce(case: Case, changes: dict[str, tuple[Any, Any]], cause: str) -> None:
    okno().hooks.during_case_change(CaseChange(case_info(case), changes, cause, now()))
    tell(case, *sorted(changes))
    if "assignee_id" in changes and case.assignee_id is not None:
        person = db.session.get(User, case.assignee_id)
        case_watchers.tell(case, "case.watched", actor_id=case.assignee_id, name=person.name if person else "")


def tell(case: Case, *changes: str) -> None:
    """Let open pages know what of the case changed, in the open transaction."""
    events.publish("desk", "case.changed", {"case_id": case.id, "number": case.number, "changes": list(changes)})


def change(case_id: int, user_id: int | None, *, before: dict[str, Any] | None = None, **fields: Any) -> None:
    """Change fields of a case (see :data:`core.case_facts.CHANGEABLE`); ``before`` is what the writer saw in them.

    Raises ``Rejected`` for a value that cannot be, and ``CaseChanged`` when a colleague was faster.
    """
    if unknown := set(fields) - set(CHANGEABLE):
        raise ValueError(f"not changeable: {unknown}")
    if "subject" in fields:
        fields["subject"] = " ".join(str(fields["subject"]).replace("\x00", "").split())[:300]
    with transaction():
        case = case_changes.locked(case_id)
        was = {name: getattr(case, name) for name in fields}
        fresh = {name: value for name, value in fields.items() if was[name] != value}
        for name in fresh:
            if before is not None and name in before:
                case_changes.check_same(CHANGEABLE[name], was[name], before[name], case_id, f"case.{name}")
        case_facts.check(case, fresh)
        touch(case, cause="agent", **fresh)
        for name, value in fresh.items():
            shown = case_facts.title_of(name, value)
            timeline.write(case_id, f"case.{name}", actor_id=user_id, before=was[name], after=value, **shown)
        if fresh.get("assignee_id") is not None:
            shown = {"number": case.number, "subject": case.subject}
            notify([fresh["assignee_id"]], "case.assigned", case_watchers.url_of(case_id), shown, user_id)
        if "status" in fresh:
            kind = "case.closed" if case.status == "closed" else "case.reopened"
            case_watchers.tell(case, kind, actor_id=user_id)


def close(case: Case, *, cause: str, actor_id: int | None = None) -> None:
    """Close in the open transaction."""
    touch(case, status="closed", cause=cause)
    timeline.write(case.id, "case.closed", actor_id=actor_id, cause=cause)
    case_watchers.tell(case, "case.closed", actor_id=actor_id)


def sanitise(html: str) -> str:
    """What an agent wrote, free of anything that executes."""
    return nh3.clean(html, link_rel="noopener noreferrer")


def reply(
    interaction_id: int,
    user_id: int,
    html: str,
    *,
    command_key: str,
    subject: str | None = None,
    to: str | None = None,
    files: Sequence[FileIn] = (),
    data: dict[str, Any] | None = None,
    seen_message_id: int | None = None,
    undo_seconds: int = 0,
) -> int:
    """Answer the contact; returns the message id. The same ``command_key`` again sends nothing and returns the first id.

    ``seen_message_id``: the newest message that the writer saw; a colleague's answer after it raises ``reply-overtaken``.
    ``undo_seconds``: how long :func:`core.recall.recall` can call it back, where the channel sends through the outbox.
    Raises ``Rejected`` when the interaction is not the agent's, the text is empty or variables are not filled in.
    """
    file_limits.check(files)
    with transaction():
        source_key = f"reply:{command_key}"[:160]
        same: int | None = current_work().connection.execute(_KNOWN, {"key": source_key}).scalar()
        if same is not None:
            return same
        interaction = db.session.get(Interaction, interaction_id)
        if interaction is None or not _may_write(interaction, user_id):
            raise Rejected(
                Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас"),
                "not-your-interaction",
            )
        case_changes.locked(interaction.case_id)
        if seen_message_id is not None:
            _check_overtaken(interaction.case_id, user_id, seen_message_id)
        clean = sanitise(html)
        text = plain_text(clean)
        if not text and not files:
            raise Rejected(Text("Write an answer first", "Сначала напишите ответ"), "empty-reply")
        if left := variables.unfilled(f"{text}\n{clean}\n{subject or ''}"):
            names = ", ".join(f"$({name})" for name in left)
            raise Rejected(Text(f"Fill in first: {names}", f"Сначала заполните: {names}"), "unfilled-variables")
        message = post(
            interaction,
            source_key,
            author="agent",
            user_id=user_id,
            html=clean,
            text=text,
            subject=subject,
            to=to,
            files=files,
            data=data,
        )
        case = interaction.case
        first = {} if case.first_reply_at else {"first_reply_at": message.at}
        status = {} if case.status != "closed" else {"status": "open"}
        touch(case, cause="reply", **first, **status)
        case_drafts.forget(user_id, case.id, "reply")
        case_watchers.tell(case, "case.reply", actor_id=user_id, text=text[:140])
        if undo_seconds:
            recall.hold_back(message.id, undo_seconds)
        return message.id


def _may_write(interaction: Interaction, user_id: int) -> bool:
    """The agent who has it, and who takes part while it is under way."""
    if interaction.agent_id == user_id:
        return interaction.state in ("active", "wrap_up")
    return interaction.state == "active" and company.takes_part(interaction.id, user_id)


def _check_overtaken(case_id: int, user_id: int, seen_message_id: int) -> None:
    query = select(User.first_name, User.last_name, User.login).join(Message, Message.user_id == User.id)
    later = query.where(
        Message.case_id == case_id,
        Message.id > seen_message_id,
        Message.author == "agent",
        Message.delivery != "recalled",
        Message.user_id != user_id,
    )
    row = db.session.execute(later.order_by(Message.id.desc()).limit(1)).first()
    if row is not None:
        name = f"{row.first_name} {row.last_name}".strip() or row.login
        words = Text(f"{name} answered while you were writing", f"Пока вы писали, ответил(а) {name}")
        raise Rejected(words, "reply-overtaken")


def post(
    interaction: Interaction,
    source_key: str,
    *,
    author: str,
    html: str,
    text: str,
    user_id: int | None = None,
    subject: str | None = None,
    to: str | None = None,
    files: Sequence[FileIn] = (),
    automatic: bool = False,
    data: dict[str, Any] | None = None,
) -> Message:
    """Store an outgoing message and hand it to its channel, in the open transaction."""
    channel = okno().channels.get(interaction.channel)
    if channel is None:
        words = Text(f"The channel '{interaction.channel}' is switched off", f"Канал «{interaction.channel}» отключён")
        raise Rejected(words, "channel-off")
    message = Message(
        interaction_id=interaction.id,
        case_id=interaction.case_id,
        source_key=source_key,
        author=author,
        user_id=user_id,
        direction="out",
        subject=(subject if subject is not None else interaction.case.subject)[:500],
        body_text=text,
        body_html=html,
        automatic=automatic,
        delivery="waiting",
        data={**({"to": to} if to else {}), **(data or {})},
        at=now(),
    )
    put(message)
    for file in files:
        sha256, name = storage.put(file.content), file.name[:300]
        put(Attachment(message_id=message.id, sha256=sha256, name=name, content_type=file.content_type[:120]))
    if not files:
        set_committed_value(message, "attachments", [])
    # The session forgets what nobody holds, and whoever answers shows the message next.
    current_work().notes.setdefault("kept", []).append(message)
    if author == "agent" and interaction.unread:
        current_work().connection.execute(_SEEN, {"interaction": interaction.id})
        set_committed_value(interaction, "unread", 0)
    timeline.write(
        interaction.case_id, "message", actor_id=user_id, interaction_id=interaction.id, message_id=message.id
    )
    channel.deliver(
        Delivery(
            message_id=message.id,
            interaction_id=interaction.id,
            case_id=interaction.case_id,
            service_id=interaction.service_id,
            to=to or interaction.address,
            body_text=text,
            body_html=html,
            subject=message.subject,
            extra=message.data,
        )
    )
    okno().hooks.during_message(message_info(message, first_in_case=False))
    event = {
        "case_id": interaction.case_id,
        "interaction_id": interaction.id,
        "message_id": message.id,
        "author": author,
        "agent_id": interaction.agent_id,
        "preview": text[:140],
    }
    events.publish("desk", "message.added", event)
    return message


def mark_read(interaction_id: int, user_id: int) -> None:
    """The agent has the interaction in focus: nothing is unread any more."""
    with transaction():
        mine = update(Interaction).where(
            Interaction.id == interaction_id, Interaction.agent_id == user_id, Interaction.unread > 0
        )
        db.session.execute(mine.values(unread=0).execution_options(synchronize_session=False))
