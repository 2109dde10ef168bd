"""What passes between a contact and a bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.contracts.pictures import InteractionInfo, ServiceInfo
from core.contracts.texts import JsonValue, Text


@dataclass(frozen=True, slots=True)
class BotTurn:
    """What a contact wrote to a bot since its last answer, and what it needs to answer.

    ``first``: it is the conversation's first turn. ``memory`` is what the bot's last :class:`BotReply` left. ``has_files``: files came
    along.
    """

    bot: str
    interaction: InteractionInfo
    service: ServiceInfo
    message_id: int
    text: str
    language: str
    first: bool
    has_files: bool = False
    memory: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BotReply:
    """What a bot says: plain ``text``, and ``buttons`` with words that the contact may send back. «Talk to a person» is added to them.

    ``hand_over`` puts the conversation into the queue after the text, ``ends`` closes it with its case; ``why`` stands in the
    case's history then.
    """

    text: str = ""
    buttons: tuple[str, ...] = ()
    hand_over: bool = False
    ends: bool = False
    why: Text | None = None
    memory: Mapping[str, JsonValue] = field(default_factory=dict)
