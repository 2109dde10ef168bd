"""The switch towards its gateway: calls of telephones come and go."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from core.telephony import DriverError, EventKind
from plugins.switch.ends import PcmEnd
from plugins.switch.parties import Leg

if TYPE_CHECKING:
    from plugins.switch.gateway import Gateway
    from plugins.switch.media import Media


class Telephones:
    """What a gateway may tell (see :class:`plugins.switch.gateway.Calls`), and calling out through it."""

    media: Media
    gateway: Gateway | None
    most_legs: int

    if TYPE_CHECKING:

        def tell(self, kind: EventKind, *, leg: str = "", **data: Any) -> None: ...
        def make_room(self, kept: int = 0) -> None: ...
        async def end(self, leg: Leg, cause: str, code: int = 0, tell_gateway: bool = True) -> None: ...
        def _later(self, work: Coroutine[Any, Any, None]) -> None: ...

    async def originate(self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]) -> None:
        """See the driver interface."""
        if leg in self.media.legs:
            return
        if self.gateway is None:
            raise DriverError("unsupported", "the switch has no lines to telephones: switch.sip is off")
        self.make_room()
        end = await self.gateway.originate(leg, address, caller, seconds, headers)
        self.media.legs[leg] = Leg(leg, "sip", "out", end, address)

    def incoming(
        self, leg: str, end: PcmEnd, address: str, to: str, name: str, display: str, headers: Mapping[str, str]
    ) -> bool:
        """Somebody calls; a third of the places is kept for those who answer."""
        try:
            self.make_room(kept=self.most_legs // 3)
        except DriverError:
            return False
        self.media.legs[leg] = Leg(leg, "sip", "in", end, address, state="ringing")
        self.tell("leg.incoming", leg=leg, address=address, to=to, name=name, display=display, headers=dict(headers))
        return True

    def ringing(self, leg: str) -> None:
        """The far end rings."""
        found = self.media.legs.get(leg)
        if found and found.state == "new":
            found.state = "ringing"
            self.tell("leg.ringing", leg=leg)

    def answered(self, leg: str) -> None:
        """Sound flows."""
        found = self.media.legs.get(leg)
        if found and found.state != "up":
            found.state = "up"
            self.media.changed()
            self.tell("leg.answered", leg=leg)

    def held_by_far_end(self, leg: str, on: bool) -> None:
        """The far end put the call on hold; it sends no sound by itself then."""
        if leg in self.media.legs:
            self.tell("leg.held", leg=leg, on=on)

    def digit(self, leg: str, digit: str) -> None:
        """A key was pressed."""
        if leg in self.media.legs:
            self.tell("leg.dtmf", leg=leg, digit=digit)

    def transfer_requested(self, leg: str, to: str) -> None:
        """The far end asks to be passed on."""
        if leg in self.media.legs:
            self.tell("leg.transfer_requested", leg=leg, to=to)

    def ended(self, leg: str, cause: str, code: int = 0) -> None:
        """The far end is gone."""
        if found := self.media.legs.get(leg):
            self._later(self.end(found, cause, code, tell_gateway=False))
