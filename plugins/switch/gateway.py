"""Lines to the world: what carries telephone calls for the switch, and what it may tell the switch.

The switch mixes; a gateway signals. It runs wherever it likes (the one for SIP in a process of its own) and exchanges frames of
20 ms with the switch through a :class:`~plugins.switch.ends.PcmEnd` a leg. All methods are called in the switch's loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from plugins.switch.ends import PcmEnd


class Calls(Protocol):
    """What a gateway tells: the switch is one. A leg that it does not know is left alone."""

    def incoming(
        self, leg: str, end: PcmEnd, address: str, to: str, name: str, display: str, headers: Mapping[str, str]
    ) -> bool:
        """Somebody calls; the gateway has named the leg. False: the switch is full, refuse the call as busy."""

    def ringing(self, leg: str) -> None:
        """The far end rings."""

    def answered(self, leg: str) -> None:
        """Sound flows."""

    def held_by_far_end(self, leg: str, on: bool) -> None:
        """The far end put the call on hold, or took it back."""

    def digit(self, leg: str, digit: str) -> None:
        """The far end pressed a key: one of 0-9*#A-D."""

    def transfer_requested(self, leg: str, to: str) -> None:
        """The far end asks to be connected with ``to`` (REFER); the gateway does nothing about it."""

    def ended(self, leg: str, cause: str, code: int = 0) -> None:
        """The call is over, by a word of ``core.telephony.CAUSES`` and the network's own code."""


class Gateway(Protocol):
    """What carries telephone calls. Those that refuse raise :class:`core.telephony.DriverError`."""

    async def start(self, calls: Calls) -> None:
        """Begin; from now on ``calls`` may be told."""

    async def stop(self) -> None:
        """End all calls and stop."""

    async def originate(
        self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]
    ) -> PcmEnd:
        """Call out; gives the leg's end at once, its sound comes when it is answered. Raises ``bad-address``."""

    async def answer(self, leg: str) -> None:
        """Take an incoming call."""

    async def hangup(self, leg: str, cause: str) -> None:
        """End or refuse a call; ``ended`` is not told for it."""

    async def dtmf(self, leg: str, digits: str) -> None:
        """Press keys towards the far end."""
