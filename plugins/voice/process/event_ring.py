"""The newest events of the voice process with their numbers, so that a reader who was away goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

KEPT = 20_000


class EventRing:
    """Events numbered from 1; readers wait on it in the loop that adds. Nobody's slowness costs more than the ring."""

    def __init__(self, kept: int = KEPT) -> None:
        self.last = 0
        self._events: deque[tuple[int, dict[str, Any]]] = deque(maxlen=kept)
        self._added = asyncio.Event()

    def add(self, event: dict[str, Any]) -> int:
        """Keep an event; gives its number."""
        self.last += 1
        self._events.append((self.last, event))
        self._added.set()
        return self.last

    def after(self, seq: int, most: int = 500) -> list[tuple[int, dict[str, Any]]] | None:
        """Up to ``most`` events with a greater number, in order; None when some between are not kept any more."""
        if seq > self.last:
            return None
        first = self._events[0][0] if self._events else self.last + 1
        if seq + 1 < first:
            return None
        skipped = seq + 1 - first
        return [self._events[index] for index in range(skipped, min(skipped + most, len(self._events)))]

    async def wait(self, seq: int, seconds: float) -> bool:
        """Wait until there is one after ``seq``; False when none came within ``seconds``."""
        while self.last <= seq:
            self._added.clear()
            try:
                await asyncio.wait_for(self._added.wait(), seconds)
            except TimeoutError:
                return False
        return True
