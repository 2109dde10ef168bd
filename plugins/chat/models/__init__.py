"""The tables of chat."""

from plugins.chat.models.desk import GREETINGS, Canned, CannedSection, Reading, ServiceRule

__all__ = ["GREETINGS", "Canned", "CannedSection", "Reading", "ServiceRule"]
