"""A jitter buffer: packets come in any order and rhythm, one is taken every 20 ms.

It begins with the first packet and learns its depth. When nothing is there in time, the gap is concealed and what comes later is
played later: the buffer has grown by one. When more than one packet too many was there all the time for half a second, one is
left out. A hole with packets behind it is a loss and is mended at once, without delay.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

CAPACITY = 12
CONCEALED_AT_MOST = 5
WINDOW = 25
SPARE = 2
# A jump of the numbers by more than this is another stream (RFC 3550, A.1, bounds it likewise).
JUMP = 100


class Kind(Enum):
    """What a turn gives: a packet; two, of which the first is to be faded into the second; a loss, perhaps with the
    packet behind it; nothing in time; nothing at all."""

    PACKET = auto()
    TWO = auto()
    LOST = auto()
    LATE = auto()
    NOTHING = auto()


class Turn(NamedTuple):
    """What to play now."""

    kind: Kind
    payload: bytes = b""
    second: bytes = b""


NOTHING, LATE = Turn(Kind.NOTHING), Turn(Kind.LATE)


class JitterBuffer:
    """Payloads by their 16-bit sequence numbers; it never holds more than twelve."""

    def __init__(self) -> None:
        self._waiting: dict[int, bytes] = {}
        self._next: int | None = None
        self._late_turns = 0
        self._turns = 0
        self._least = CAPACITY
        self.lost = self.late = self.left_out = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, number: int, payload: bytes) -> None:
        """Take in a packet; one whose turn is over is counted as late, a repeated one changes nothing."""
        if self._next is None:
            self._next = number
        ahead = _distance(self._next, number)
        if abs(ahead) > JUMP:
            self._waiting.clear()
            self._next, ahead = number, 0
        if ahead < 0:
            self.late += 1
            return
        self._waiting[number] = payload
        while len(self._waiting) > CAPACITY:
            self._leave_out()

    def turn(self) -> Turn:
        """What to play in the next 20 ms."""
        if not self._waiting:
            return self._empty_turn()
        assert self._next is not None
        if self._too_many():
            first = self._waiting.pop(self._next, b"")
            self._advance()
            self.left_out += 1
            second = self._waiting.pop(self._next, b"")
            self._advance()
            if first and second:
                return Turn(Kind.TWO, first, second)
            return Turn(Kind.PACKET, first or second) if first or second else self._loss()
        while self._late_turns and self._next not in self._waiting:
            # The gap was filled while nothing was there; it need not be filled again.
            self._late_turns -= 1
            self.lost += 1
            self._advance()
        self._late_turns = 0
        payload = self._waiting.pop(self._next, b"")
        self._advance()
        return Turn(Kind.PACKET, payload) if payload else self._loss()

    def _empty_turn(self) -> Turn:
        self._least = self._turns = 0
        if self._next is None:
            return NOTHING
        self._late_turns += 1
        if self._late_turns <= CONCEALED_AT_MOST:
            return LATE
        self._next, self._late_turns = None, 0
        return NOTHING

    def _loss(self) -> Turn:
        self.lost += 1
        assert self._next is not None
        return Turn(Kind.LOST, self._waiting.get(self._next, b""))

    def _too_many(self) -> bool:
        """Whether more than one packet too many was there at every turn of the last half second."""
        self._least = min(self._least, len(self._waiting) - 1)
        self._turns += 1
        if self._turns < WINDOW:
            return False
        least, self._turns, self._least = self._least, 0, CAPACITY
        return least >= SPARE

    def _leave_out(self) -> None:
        assert self._next is not None
        while self._waiting.pop(self._next, None) is None:
            self._advance()
        self._advance()
        self.left_out += 1

    def _advance(self) -> None:
        assert self._next is not None
        self._next = (self._next + 1) & 0xFFFF


def _distance(start: int, number: int) -> int:
    """How far ``number`` lies ahead of ``start`` in the circle of 16 bits; negative when it lies behind."""
    ahead = (number - start) & 0xFFFF
    return ahead - 0x10000 if ahead >= 0x8000 else ahead
