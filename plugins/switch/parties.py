"""What the switch knows: legs and bridges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.telephony import BridgeView, LegView, Mode
from plugins.switch.ends import End
from plugins.switch.sounds import Player


@dataclass(eq=False)
class Leg:
    """One party. ``hold`` is what it hears while held; ``player`` a playback to it alone; ``keys`` tones of pressed keys."""

    id: str
    kind: Literal["webrtc", "sip"]
    way: Literal["in", "out"]
    end: End
    address: str = ""
    state: Literal["new", "ringing", "up", "ended"] = "new"
    muted: bool = False
    held: bool = False
    hold: Player | None = None
    hold_turn: int = 0
    player: Player | None = None
    keys: Player | None = None
    bridge: str = ""
    supervises: str = ""
    mode: Mode | None = None

    @property
    def speaks(self) -> bool:
        """Whether others hear it."""
        return self.state == "up" and not self.muted and not self.held

    def view(self) -> LegView:
        """As others see it."""
        return LegView(
            self.id,
            self.kind,
            self.way,
            self.state,
            self.bridge,
            self.address,
            self.muted,
            self.held,
            self.supervises,
            self.mode or "",
        )


@dataclass(eq=False)
class Bridge:
    """Legs that hear one another, in the order of their joining; ``player`` is what all of them hear besides."""

    id: str
    legs: list[Leg] = field(default_factory=list)
    player: Player | None = None

    def view(self) -> BridgeView:
        """As others see it."""
        return BridgeView(self.id, tuple(leg.id for leg in self.legs))
