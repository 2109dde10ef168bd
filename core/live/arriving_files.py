"""Files that a messenger only names: the message is shown at once, its files follow when the worker has fetched them.

Fetching is a row of the outbox, so that it is repeated after a crash, tried again when the other side is away, and seen by the
administrator when it fails for good. The channel's handler fetches, outside of any transaction, and calls :func:`arrived`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import outbox, storage
from core.contracts import FileIn
from core.db import db, put, transaction
from core.events import log as events
from core.house import okno
from core.model import Attachment, Message

MEGABYTE = 1 << 20


def most_bytes() -> int:
    """The largest file that is taken (``cases.file_mb``)."""
    return int(okno().config.get("cases.file_mb")) * MEGABYTE


def expect(message_id: int, kind: str, key: str, payload: Mapping[str, Any]) -> None:
    """Let the handler of ``kind`` fetch a file of the message, in the open transaction; the same ``key`` again changes nothing."""
    message = _locked(message_id)
    files = message.data.get("files", {})
    if key in files:
        return
    message.data = {**message.data, "files": {**files, key: "awaited"}}
    outbox.enqueue(kind, key, {**payload, "message_id": message_id})


def arrived(message_id: int, key: str, file: FileIn) -> None:
    """A file is here: attach it, once."""
    storage.write(file.content)  # the slow part, before anything is locked
    with transaction():
        message = _locked(message_id)
        if message.data.get("files", {}).get(key) == "here":
            return
        sha256 = storage.put(file.content)
        put(
            Attachment(
                message_id=message_id,
                sha256=sha256,
                name=file.name[:300] or "file",
                content_type=file.content_type[:120],
            )
        )
        _settle(message, key, "here")


def missed(message_id: int, key: str, why: str) -> None:
    """A file will not come: say so under the message."""
    with transaction():
        message = _locked(message_id)
        if message.data.get("files", {}).get(key) in (None, "awaited"):
            _settle(message, key, f"missed: {why}"[:200])


def _settle(message: Message, key: str, state: str) -> None:
    message.data = {**message.data, "files": {**message.data.get("files", {}), key: state}}
    events.publish("desk", "case.changed", {"case_id": message.case_id, "changes": ["message"]})


def _locked(message_id: int) -> Message:
    query = select(Message).where(Message.id == message_id).with_for_update(of=Message)
    found: Message = db.session.scalars(query.execution_options(populate_existing=True)).one()
    return found
