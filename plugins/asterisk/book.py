"""What the driver knows: legs with their channels, bridges, and how to tell and ask about them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from core.telephony import BridgeView, DriverError, DriverEvent, EventKind, LegView
from plugins.asterisk import causes
from plugins.asterisk.ari import AriClient, AriError

ARRIVAL_SECONDS = 5.0


@dataclass(slots=True)
class Leg:
    """One party. ``channel`` is Asterisk's id, empty until it is known; ``asked_cause`` the word of our own hangup."""

    id: str
    kind: str
    way: Literal["in", "out"]
    address: str = ""
    channel: str = ""
    state: Literal["new", "ringing", "up", "ended"] = "new"
    bridge: str = ""
    muted: bool = False
    held: bool = False
    hold_sound: str = ""
    supervises: str = ""
    mode: str = ""
    asked_cause: str = ""
    code: int = 0
    dial_status: str = ""

    def view(self) -> LegView:
        """As the contract shows it."""
        return LegView(
            id=self.id,
            kind=self.kind,
            way=self.way,
            state=self.state,
            bridge=self.bridge,
            address=self.address,
            muted=self.muted,
            held=self.held,
            supervises=self.supervises,
            mode=self.mode,
        )


@dataclass(slots=True)
class Exchange:
    """What all parts of the driver share."""

    ari: AriClient
    legs: dict[str, Leg] = field(default_factory=dict)
    bridges: dict[str, list[str]] = field(default_factory=dict)
    tell: Callable[[DriverEvent], None] = lambda event: None
    _arrivals: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    @property
    def app(self) -> str:
        """The name of our Stasis application."""
        return self.ari.address.app

    def emit(self, kind: EventKind, **of: Any) -> None:
        """Tell an event that happens now; ``data`` and the ids as :class:`DriverEvent` names them."""
        self.tell(DriverEvent(kind, time.time(), **of))

    def leg(self, leg_id: str) -> Leg:
        """A leg that is there. Raises ``unknown-leg``."""
        if (leg := self.legs.get(leg_id)) is None:
            raise DriverError("unknown-leg", f"no leg {leg_id}")
        return leg

    def ready(self, leg_id: str) -> Leg:
        """A leg whose channel is in our hands. Raises ``unknown-leg``, ``wrong-state`` while it is being called or made."""
        leg = self.leg(leg_id)
        if not leg.channel or (leg.way == "out" and leg.state != "up"):
            raise DriverError("wrong-state", f"leg {leg_id} is {leg.state}")
        return leg

    def still(self, leg: Leg) -> None:
        """Whether a leg is there yet, after Asterisk was asked for something. Raises ``unknown-leg``: it ended meanwhile."""
        if self.legs.get(leg.id) is not leg:
            raise DriverError("unknown-leg", f"leg {leg.id} has just ended")

    def known_bridge(self, bridge: str) -> list[str]:
        """The legs of a bridge that is there. Raises ``unknown-bridge``."""
        if (legs := self.bridges.get(bridge)) is None:
            raise DriverError("unknown-bridge", f"no bridge {bridge}")
        return legs

    def of_channel(self, channel: str) -> Leg | None:
        """Whose channel this is; None for one of our helpers or a stranger's."""
        return next((leg for leg in self.legs.values() if leg.channel == channel), None)

    def bridge_views(self) -> tuple[BridgeView, ...]:
        """As the contract shows them."""
        return tuple(BridgeView(name, tuple(legs)) for name, legs in self.bridges.items())

    # --- channels that we make and wait for ---

    @contextmanager
    def awaited(self, channel: str) -> Iterator[asyncio.Future[None]]:
        """A future that is done when the channel enters our application: only then does Asterisk take commands for it."""
        future = self._arrivals[channel] = asyncio.get_running_loop().create_future()
        try:
            yield future
        finally:
            self._arrivals.pop(channel, None)

    def arrived(self, channel: str) -> None:
        """A channel that somebody may wait for has entered."""
        if (future := self._arrivals.get(channel)) is not None and not future.done():
            future.set_result(None)

    async def snoop(self, target: str, channel: str, spy: str, whisper: str) -> None:
        """Make a channel that listens to, and speaks into, another; it is in our application when this returns. Raises AriError."""
        how: dict[str, Any] = {"spy": spy, "whisper": whisper, "app": self.app, "appArgs": "helper"}
        with self.awaited(channel) as there:
            try:
                await self.ari.post("channels", target, "snoop", channel, **how)
                async with asyncio.timeout(ARRIVAL_SECONDS):
                    await there
            except BaseException as error:
                with suppress(AriError):
                    await self.ari.delete("channels", channel)
                if isinstance(error, TimeoutError):
                    raise AriError(0, f"the snoop channel {channel} did not come") from error
                raise

    async def forget_channel(self, channel: str) -> None:
        """Hang up a channel of ours; one that has ended is no error."""
        with gone_is_fine():
            await self.ari.delete("channels", channel)

    # --- ends ---

    def part(self, leg: Leg) -> None:
        """The leg is in no bridge any more: say so."""
        if not leg.bridge:
            return
        legs = self.bridges.get(leg.bridge, [])
        if leg.id in legs:
            legs.remove(leg.id)
        left, leg.bridge = leg.bridge, ""
        self.emit("bridge.left", leg=leg.id, bridge=left)

    def close_bridge(self, bridge: str) -> None:
        """A bridge is over: its legs are in none."""
        for leg in [leg for leg in self.legs.values() if leg.bridge == bridge]:
            self.part(leg)
        self.bridges.pop(bridge, None)

    def end(self, leg: Leg) -> None:
        """The leg is over: say so once."""
        if self.legs.pop(leg.id, None) is None:
            return
        self.part(leg)
        answered = leg.state == "up"
        cause = leg.asked_cause or causes.word(leg.code, leg.dial_status, answered, leg.way == "in")
        leg.state = "ended"
        self.emit("leg.hangup", leg=leg.id, data={"cause": cause, "code": leg.code})


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """Ending what has ended already changes nothing."""
    try:
        yield
    except AriError as error:
        if error.status != 404:
            raise refused(error) from error


@contextmanager
def asking(unknown: str = "unknown-leg") -> Iterator[None]:
    """Asterisk's refusals as the contract's; ``unknown`` is what a 404 means here."""
    try:
        yield
    except AriError as error:
        raise refused(error, unknown) from error


def refused(error: AriError, unknown: str = "unknown-leg") -> DriverError:
    """A refusal in the contract's words: 404 is what isn't there, 409, 412 and 422 a state that does not fit, and 400 is how
    bridges say that the channel isn't there."""
    code = {400: "unknown-leg", 404: unknown, 409: "wrong-state", 412: "wrong-state", 422: "wrong-state"}.get(
        error.status, "failed"
    )
    return DriverError(code, str(error))
