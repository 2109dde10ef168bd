"""The tables of chat."""

from plugins.chat.models.desk import GREETINGS, Canned, CannedSection, Reading, ServiceRule
from plugins.chat.models.media import Call, CallRule, Cobrowse, CobrowsePiece, Recording

__all__ = [
    "GREETINGS",
    "Call",
    "CallRule",
    "Canned",
    "CannedSection",
    "Cobrowse",
    "CobrowsePiece",
    "Reading",
    "Recording",
    "ServiceRule",
]
