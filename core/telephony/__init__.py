"""What a telephony backend does, in the words that voice and the backends share; no audio passes through here.

A *leg* is one party's connection, a *bridge* a set of legs that hear one another. Hold, mute, consultation, conference and
supervision are changes of who hears whom. A backend carries out commands and tells events; queue, transfers, announcements and
dialling rules stand above it and know none.
"""

from core.telephony.contract import (
    CAUSES,
    COMMANDS,
    Backend,
    BridgeView,
    Driver,
    DriverAbilities,
    DriverError,
    DriverEvent,
    EventKind,
    LegView,
    Mode,
    RecordingView,
    Snapshot,
)

__all__ = [
    "CAUSES",
    "COMMANDS",
    "Backend",
    "BridgeView",
    "Driver",
    "DriverAbilities",
    "DriverError",
    "DriverEvent",
    "EventKind",
    "LegView",
    "Mode",
    "RecordingView",
    "Snapshot",
]
