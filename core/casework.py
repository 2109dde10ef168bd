"""Operations on cases: open, answer, note, change, close. The only code that changes a case."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from html import unescape
from typing import Any

import nh3
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import storage, timeline, variables
from core.clock import now
from core.contracts import CaseChange, Delivery, FileIn, Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Attachment, Case, CaseNumber, Contact, Draft, Interaction, Message, Service
from core.snapshots import case_info, message_info

TOKEN_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN_LENGTH = 10
PRIORITIES = ("low", "medium", "high", "critical")
CHANGEABLE = ("subject", "category", "priority", "service_id", "assignee_id", "language", "status")
FIRST_NUMBER = 10_000


def next_number() -> str:
    """The next case number, counted inside the transaction that uses it: no gap is visible, none is given twice."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(CaseNumber)
        .values(id=1, last=FIRST_NUMBER + 1)
        .on_conflict_do_update(index_elements=["id"], set_={"last": CaseNumber.last + 1})
        .returning(CaseNumber.last)
    )
    return f"{okno().config.get('core.case_prefix')}{db.session.execute(statement).scalar_one()}"


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
) -> Case:
    """Open a case in the open transaction; a follow-up keeps the link, the priority and the agent of the closed one."""
    case = Case(
        number=next_number(),
        subject=subject[:300],
        service=service,
        contact=contact,
        language=language or service.language,
        follow_up_of_id=follow_up_of.id if follow_up_of else None,
        priority=priority or (follow_up_of.priority if follow_up_of else "medium"),
        assignee_id=assignee_id or (follow_up_of.assignee_id if follow_up_of else None),
        thread_token=new_token(),
    )
    db.session.add(case)
    db.session.flush()
    timeline.write(case.id, "case.opened", cause=cause, follow_up_of=follow_up_of.number if follow_up_of else None)
    if follow_up_of:
        timeline.write(follow_up_of.id, "case.followed_up", number=case.number)
    _announce(case, {"status": (None, "open")}, cause)
    return case


def touch(case: Case, *, cause: str, **fields: Any) -> None:
    """Set ``fields`` of a case in the open transaction, tell the hooks what changed, and move ``updated_at``."""
    changes: dict[str, tuple[Any, Any]] = {}
    for name, value in fields.items():
        before = getattr(case, name)
        if before != value:
            setattr(case, name, value)
            changes[name] = (_plain(before), _plain(value))
    case.updated_at = now()
    if "status" in changes:
        case.closed_at = now() if case.status == "closed" else None
    db.session.flush()
    if changes:
        _announce(case, changes, cause)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _announce(case: Case, changes: dict[str, tuple[Any, Any]], cause: str) -> None:
    okno().hooks.during_case_change(CaseChange(case_info(case), changes, cause, now()))
    events.publish("desk", "case.changed", {"case_id": case.id, "number": case.number, "changes": sorted(changes)})


def change(case_id: int, user_id: int, **fields: Any) -> None:
    """An agent changes fields of a case (see ``CHANGEABLE``). Raises ``Rejected`` for a value that cannot be."""
    if unknown := set(fields) - set(CHANGEABLE):
        raise ValueError(f"not changeable: {unknown}")
    if fields.get("priority", "medium") not in PRIORITIES:
        raise Rejected(Text("There is no such priority", "Такого приоритета нет"), "priority-unknown")
    with transaction():
        case = db.session.get(Case, case_id)
        if case is None:
            raise Rejected(Text("There is no such case", "Такого запроса нет"), "case-unknown")
        before = {name: getattr(case, name) for name in fields}
        touch(case, cause="agent", **fields)
        for name, value in fields.items():
            if before[name] != value:
                timeline.write(case_id, f"case.{name}", actor_id=user_id, before=before[name], after=value)


def close(case: Case, *, cause: str, actor_id: int | None = None) -> None:
    """Close in the open transaction."""
    touch(case, status="closed", cause=cause)
    timeline.write(case.id, "case.closed", actor_id=actor_id, cause=cause)


def sanitise(html: str) -> str:
    """What an agent wrote, free of anything that executes."""
    return nh3.clean(html, link_rel="noopener noreferrer")


def plain_text(html: str) -> str:
    """The text of simple HTML: blocks become lines, tags go, entities are resolved."""
    spaced = html
    for tag in ("</p>", "</div>", "<br>", "<br/>", "<br />", "</li>", "</h1>", "</h2>", "</h3>", "</tr>"):
        spaced = spaced.replace(tag, tag + "\n")
    lines = (line.strip() for line in unescape(nh3.clean(spaced, tags=set())).splitlines())
    return "\n".join(lines).strip()


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
) -> int:
    """Answer the contact; returns the message id. The same ``command_key`` again sends nothing and returns the first id.

    Raises ``Rejected`` when the interaction is not the agent's, the text is empty or variables are not filled in.
    """
    with transaction():
        source_key = f"reply:{command_key}"[:160]
        if (same := db.session.scalar(select(Message.id).where(Message.source_key == source_key))) is not None:
            return same
        interaction = db.session.get(Interaction, interaction_id)
        if interaction is None or interaction.state not in ("active", "wrap_up") or interaction.agent_id != user_id:
            raise Rejected(
                Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас"),
                "not-your-interaction",
            )
        clean = sanitise(html)
        text = plain_text(clean)
        if not text and not files:
            raise Rejected(Text("Write an answer first", "Сначала напишите ответ"), "empty-reply")
        if left := variables.unfilled(text):
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
        db.session.execute(_forget_draft(user_id, case.id))
        return message.id


def _forget_draft(user_id: int, case_id: int) -> Any:
    return Draft.__table__.delete().where(Draft.user_id == user_id, Draft.case_id == case_id, Draft.kind == "reply")


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
        data=dict(data or {}),
        at=now(),
    )
    for file in files:
        sha256 = storage.put(file.content)
        message.attachments.append(
            Attachment(sha256=sha256, name=file.name[:300], content_type=file.content_type[:120])
        )
    db.session.add(message)
    if author == "agent":
        interaction.unread = 0
    db.session.flush()
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


def add_note(case_id: int, user_id: int | None, text: str) -> None:
    """A note for colleagues, never for the contact. Raises ``Rejected`` when empty."""
    if not text.strip():
        raise Rejected(Text("The note is empty", "Заметка пуста"), "empty-note")
    with transaction():
        case = db.session.get(Case, case_id)
        if case is None:
            raise Rejected(Text("There is no such case", "Такого запроса нет"), "case-unknown")
        timeline.write(case_id, "note", actor_id=user_id, text=text.strip())
        touch(case, cause="note")
        events.publish("desk", "case.changed", {"case_id": case_id, "number": case.number, "changes": ["note"]})


def save_draft(user_id: int, case_id: int, kind: str, html: str, data: dict[str, Any] | None = None) -> None:
    """Keep what is being typed; an empty text forgets it."""
    with transaction():
        query = select(Draft).where(Draft.user_id == user_id, Draft.case_id == case_id, Draft.kind == kind)
        draft = db.session.scalar(query)
        if not plain_text(html):
            if draft is not None:
                db.session.delete(draft)
            return
        if draft is None:
            draft = Draft(user_id=user_id, case_id=case_id, kind=kind)
            db.session.add(draft)
        draft.body_html, draft.data, draft.saved_at = html[:500_000], dict(data or {}), now()


def mark_read(interaction_id: int, user_id: int) -> None:
    """The agent has the interaction in focus: nothing is unread any more."""
    with transaction():
        mine = update(Interaction).where(
            Interaction.id == interaction_id, Interaction.agent_id == user_id, Interaction.unread > 0
        )
        db.session.execute(mine.values(unread=0).execution_options(synchronize_session=False))
