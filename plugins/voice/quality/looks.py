"""Looks at connections that their means do not hold yet. Most change nothing else and are not worth a transaction each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from flask import Flask

MOST_AT_ONCE = 12
MOST_LEGS = 2000


@dataclass(frozen=True, slots=True)
class Looks:
    """So many looks with these means: percent of packets lost, milliseconds of jitter."""

    count: int
    loss: float
    jitter: float

    def added(self, others: Looks) -> Looks:
        """All of them together."""
        count = self.count + others.count
        if not count:
            return self
        own, rest = self.count / count, others.count / count
        return Looks(count, self.loss * own + others.loss * rest, self.jitter * own + others.jitter * rest)


@dataclass(frozen=True, slots=True)
class _OfLeg:
    call_id: int
    media: str
    looks: Looks


class Waiting:
    """By the id of a leg, in the process that hears what the voice process measures. A crash loses a minute of them at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[int, _OfLeg] = OrderedDict()
        self._last = ("", 0)

    def is_news(self, process: str, seq: int) -> bool:
        """Whether this event was not counted before: what changes nothing is told again after a lost connection."""
        with self._lock:
            if process == self._last[0] and seq <= self._last[1]:
                return False
            self._last = (process, seq)
        return True

    def note(self, leg_id: int, call_id: int, media: str, look: Looks) -> bool:
        """One more of a leg in a call, carried by ``media``; whether there are enough to be worth a transaction."""
        with self._lock:
            before = self._of.get(leg_id)
            found = look.added(before.looks) if before is not None else look
            self._of[leg_id] = _OfLeg(call_id, media, found)
            while len(self._of) > MOST_LEGS:
                self._of.popitem(last=False)
        return found.count >= MOST_AT_ONCE

    def of(self, leg_id: int) -> Looks | None:
        """Those that wait of a leg."""
        with self._lock:
            found = self._of.get(leg_id)
        return found.looks if found is not None else None

    def of_calls(self, media: str) -> dict[int, dict[int, Looks]]:
        """All that wait of the calls in which ``media`` was heard: by call, then by leg."""
        with self._lock:
            calls = {one.call_id for one in self._of.values() if one.media == media}
            rows = [(one.call_id, leg_id, one.looks) for leg_id, one in self._of.items() if one.call_id in calls]
        found: dict[int, dict[int, Looks]] = {call_id: {} for call_id in sorted(calls)}
        for call_id, leg_id, theirs in rows:
            found[call_id][leg_id] = theirs
        return found

    def forget(self, leg_ids: Collection[int]) -> None:
        """They are kept now."""
        with self._lock:
            for leg_id in leg_ids:
                self._of.pop(leg_id, None)


def waiting(app: Flask) -> Waiting:
    """Those of this process."""
    found: Waiting = app.extensions.setdefault("okno_voice_looks", Waiting())
    return found
