"""The documents of a case: every attachment of its messages, the newest first."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.model import Attachment, Message

PAGE = 200


def files_of(case_id: int) -> list[tuple[Attachment, Message]]:
    """Attachments that are not pictures inside a letter, with their messages; at most 200."""
    rows = db.session.execute(
        select(Attachment, Message)
        .join(Message, Message.id == Attachment.message_id)
        .where(Message.case_id == case_id, Attachment.inline.is_(False))
        .options(joinedload(Attachment.file), joinedload(Message.user))
        .order_by(Message.id.desc(), Attachment.id)
        .limit(PAGE)
    )
    return [(file, message) for file, message in rows]


def count_of(case_id: int) -> int:
    """How many :func:`files_of` gives, up to 200."""
    found = (
        select(Attachment.id)
        .join(Message, Message.id == Attachment.message_id)
        .where(Message.case_id == case_id, Attachment.inline.is_(False))
        .limit(PAGE)
    )
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
