"""How much an agent may have in hand, by channel, and which channels together. Pure.

Capacity is ``{channel: {"push": n, "limit": n}}``: ``push`` is what the router fills up to, ``limit`` what the agent
may take by hand. The user's own entry of a channel wins over the team's, that one over the channel's kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.contracts import Capabilities

Capacity = Mapping[str, Mapping[str, int]]
Mix = tuple[frozenset[str], ...]
MEDIA = {"push": 1, "limit": 1}
LIVE = {"push": 3, "limit": 3}
QUIET = {"push": 1, "limit": 10}


def usual(capabilities: Capabilities) -> dict[str, int]:
    """The capacity of a channel where nobody has set one: one call, three chats, a letter at a time out of ten."""
    return dict(MEDIA if capabilities.media else LIVE if capabilities.live else QUIET)


def capacity_of(
    channel: str, user: Mapping[str, Any], team: Mapping[str, Any], fallback: Mapping[str, int]
) -> dict[str, int]:
    """The two numbers of one channel out of the user's, the first team's and the usual capacity."""
    merged = dict(fallback)
    for given in (team.get(channel), user.get(channel)):
        if isinstance(given, Mapping):
            merged |= {name: int(given[name]) for name in ("push", "limit") if given.get(name) is not None}
    return merged


def mix_of(groups: Iterable[Any]) -> Mix:
    """A team's ``mix`` as sets."""
    return tuple(frozenset(group) for group in groups if group)


def has_room(channel: str, in_hand: Mapping[str, int], push: Mapping[str, int], mix: Mix) -> bool:
    """Whether the router may add one of ``channel`` to what is in hand. A channel without a number has room for one."""
    if in_hand.get(channel, 0) >= push.get(channel, 1):
        return False
    others = {name for name, number in in_hand.items() if number and name != channel}
    return not others or any(channel in group and others <= group for group in mix)
