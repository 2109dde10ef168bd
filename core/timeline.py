"""The immutable history of a case: entries are written here and nowhere changed."""

from __future__ import annotations

from typing import Any

from core.clock import now
from core.db import put
from core.model import TimelineEntry


def write(
    case_id: int,
    kind: str,
    *,
    actor_id: int | None = None,
    interaction_id: int | None = None,
    message_id: int | None = None,
    **data: Any,
) -> TimelineEntry:
    """Add an entry now, in the open transaction. ``kind``: message, note, disposition, or a dotted event such as ``case.closed``."""
    entry = TimelineEntry(
        case_id=case_id,
        kind=kind,
        actor_id=actor_id,
        interaction_id=interaction_id,
        message_id=message_id,
        at=now(),
        data=data,
    )
    put(entry)
    return entry
