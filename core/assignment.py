"""Who has which interaction: what routing and agents do with it, in one place for those who call it.

Each step is a compare-and-swap on the interaction's row inside one transaction with the agent's state, so that whatever fails
between offer and answer, one agent has it or the queue does. How it is done is in :mod:`core.routing`.
"""

from __future__ import annotations

from core.routing.abandoning import abandon
from core.routing.closing import complete, finish, leave, wrap_up_due
from core.routing.handover import Taken, assign, move_line, take, take_several, transfer
from core.routing.offers import accept, expire_due, postpone, reject
from core.routing.passing_on import give_back
from core.routing.putting_off import come_back, put_off
from core.routing.queueing import release
from core.routing.router import route_due
from core.routing.why import why_waiting

__all__ = [
    "Taken",
    "abandon",
    "accept",
    "assign",
    "come_back",
    "complete",
    "expire_due",
    "finish",
    "give_back",
    "leave",
    "move_line",
    "postpone",
    "put_off",
    "reject",
    "release",
    "route_due",
    "take",
    "take_several",
    "transfer",
    "why_waiting",
    "wrap_up_due",
]
