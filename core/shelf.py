"""Configuration that every message asks for, kept in memory by each process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Generic, TypeVar

from flask import current_app
from sqlalchemy import event

from core.db import current_work, in_transaction, on_commit

T = TypeVar("T")
FRESH_SECONDS = 2.0


class Shelf(Generic[T]):
    """What ``read`` gives, read anew every two seconds, and at once after this process changed a row of ``models``.

    So another process works with configuration that is at most two seconds old; never keep state here. A transaction that
    changes the rows itself sees its own changes, and nobody else does before its commit. ``read`` must return plain data:
    rows of a session end with it. Changes by bulk statements alone are noticed after the two seconds.
    """

    def __init__(self, name: str, read: Callable[[], T], models: Sequence[type[Any]]) -> None:
        self._key, self._read = f"okno_shelf_{name}", read
        for model in models:
            for moment in ("after_insert", "after_update", "after_delete"):
                event.listen(model, moment, self._changed)

    def __call__(self) -> T:
        if in_transaction() and self._key in current_work().notes:
            return self._read()
        kept: tuple[float, T] | None = current_app.extensions.get(self._key)
        if kept is None or monotonic() - kept[0] > FRESH_SECONDS:
            kept = (monotonic(), self._read())
            current_app.extensions[self._key] = kept
        return kept[1]

    def forget(self) -> None:
        """The next question reads the data base."""
        current_app.extensions.pop(self._key, None)

    def _changed(self, _mapper: Any, _connection: Any, _row: Any) -> None:
        self.forget()
        if in_transaction() and self._key not in current_work().notes:
            current_work().notes[self._key] = True
            on_commit(self.forget)
