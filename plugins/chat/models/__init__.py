"""The tables of chat."""

from plugins.chat.models.desk import GREETINGS, Canned, CannedSection, Reading, ServiceRule
from plugins.chat.models.media import Call, CallRule, Cobrowse, CobrowsePiece, Recording
from plugins.chat.models.widgets import Place, Rating, Visit, Widget

__all__ = [
    "GREETINGS",
    "Call",
    "CallRule",
    "Canned",
    "CannedSection",
    "Cobrowse",
    "CobrowsePiece",
    "Place",
    "Rating",
    "Reading",
    "Recording",
    "ServiceRule",
    "Visit",
    "Widget",
]
