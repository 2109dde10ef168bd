"""The newest events, kept encoded and by topic, so that a returning stream needs no data base."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import merge
from operator import itemgetter
from typing import NamedTuple

from core.events.log import LoggedEvent


class Block(NamedTuple):
    """An event as it goes over the wire, ready to send to any number of streams."""

    id: int
    data: bytes


def encode(event: LoggedEvent) -> Block:
    """The server-sent-events block of an event; its data is ``{"type", "topic", "payload"}``.

    There is no ``event:`` field, so that a browser hears types it has never heard of (HTML standard, section 9.2.6).
    """
    data = f'id: {event.id}\ndata: {{"type":"{event.type}","topic":"{event.topic}","payload":{event.payload}}}\n\n'
    return Block(event.id, data.encode())


class Ring:
    """The last ``size`` events. It holds every event with an id above ``floor``."""

    def __init__(self, size: int, floor: int) -> None:
        self.size, self.floor = size, floor
        self._order: deque[tuple[int, str]] = deque()
        self._topics: dict[str, deque[Block]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def add(self, topic: str, block: Block) -> None:
        """Append the newest event and forget the oldest when full."""
        self._order.append((block.id, topic))
        self._topics.setdefault(topic, deque()).append(block)
        if len(self._order) > self.size:
            self.floor, oldest = self._order.popleft()
            kept = self._topics[oldest]
            kept.popleft()
            if not kept:
                del self._topics[oldest]

    def after(self, topics: Iterable[str], last: int) -> list[Block] | None:
        """The events of ``topics`` above ``last`` in order, or None when the ring no longer reaches back that far."""
        if last < self.floor:
            return None
        found = []
        for topic in topics:
            newest_first = []
            for block in reversed(self._topics.get(topic, ())):
                if block.id <= last:
                    break
                newest_first.append(block)
            found.append(newest_first[::-1])
        return list(merge(*found, key=itemgetter(0)))
