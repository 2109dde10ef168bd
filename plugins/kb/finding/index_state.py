"""How the indexer is doing, in one row, so that every page and process can tell; pages follow by events."""

from __future__ import annotations

import time
from typing import Any

from core.clock import now
from core.db import db, transaction
from core.events import log as events
from plugins.kb.models import IndexState

TELL_SECONDS = 1.0


def current() -> IndexState:
    """The row, or a fresh one before the first."""
    return db.session.get(IndexState, 1, populate_existing=True) or IndexState(
        id=1, state="ready", engine="", done=0, total=0, message="", at=now()
    )


def tell(state: str, engine: str, *, done: int = 0, total: int = 0, message: str = "") -> bool:
    """Keep the state and tell the pages; returns whether it is another than before."""
    row = current()
    before = (row.state, row.engine, row.done, row.total, row.message)
    after = (state, engine, done, total, message[:500])
    if before == after or (state == "ready" == row.state and engine == row.engine and not total):
        return False
    values: dict[str, Any] = dict(zip(("state", "engine", "done", "total", "message"), after, strict=True))
    with transaction():
        db.session.merge(IndexState(id=1, at=now(), **values))
        events.publish("desk", "kb.index", {"state": state, "done": done, "total": total})
    return before[0] != state


class Progress:
    """Tells how many of ``total`` articles a rebuild has done, at most once a second."""

    def __init__(self, engine: str, total: int) -> None:
        self._engine = engine
        self._total = total
        self._told = float("-inf")

    def __call__(self, done: int) -> None:
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            tell("building", self._engine, done=done, total=self._total)
