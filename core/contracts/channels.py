"""Ways in and out of the house, and what passes through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.contracts.texts import JsonValue, Text


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do; the desk shows controls and the router mixes channels by it.

    ``live``: both sides are there at once (a call, a chat), so an unanswered offer is urgent and a lost agent matters.
    ``queued``: interactions may wait in a queue for hours (a letter). ``rich``: replies may hold HTML.
    ``media``: audio or video belongs to it; controls such as hold come from the plugin.
    """

    live: bool = False
    queued: bool = True
    rich: bool = False
    attachments: bool = False
    media: bool = False
    initiate: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What ``Channel.deliver`` is asked to hand to the other side.

    It is called inside the transaction that stores the message: put an outbox row
    (:func:`core.outbox.enqueue`) or an event there; never talk to the network.
    """

    message_id: int
    interaction_id: int
    case_id: int
    service_id: int
    to: str
    body_text: str
    body_html: str
    subject: str
    extra: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Initiation:
    """What ``Channel.initiate`` is asked to begin: the interaction is there, in the hands of the agent who asked.

    It is called inside the transaction that opened it. Raise ``Rejected`` to refuse the address; nothing is kept then.
    """

    interaction_id: int
    case_id: int
    service_id: int
    user_id: int
    address: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in and out of the house. ``address_kind`` says what identifies a contact there: email, phone, chat…

    A channel whose agents may begin an interaction themselves has ``capabilities.initiate``, ``initiate`` and
    ``initiate_label`` (the words of the button, «Позвонить»); see :func:`core.outgoing.start`. ``colleague_url`` is the page that
    reaches a colleague, with ``{id}`` in it: it opens for a colleague's internal number, which is no contact's address.
    """

    name: str
    label: Text
    icon: str
    capabilities: Capabilities
    address_kind: str
    deliver: Callable[[Delivery], None]
    process: Callable[[IntakeItem], None] | None = None
    initiate: Callable[[Initiation], None] | None = None
    initiate_label: Text | None = None
    colleague_url: str = ""


@dataclass(frozen=True, slots=True)
class IntakeItem:
    """Raw bytes taken in and stored before anything else; ``Channel.process`` turns them into messages.

    ``meta`` is what the door knew: envelope, peer, mailbox. Processing runs in a transaction owned by core and may be
    repeated after a crash: everything it does must go through operations with a ``source_key``.
    """

    id: int
    channel: str
    source_key: str
    raw: bytes
    meta: Mapping[str, JsonValue]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """How a contact is known in one channel; ``value`` is normalised by the channel (lower case, E.164…)."""

    kind: str
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class FileIn:
    """An attachment on its way in."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a contact, as a channel plugin hands it to :func:`core.intake.receive`.

    ``source_key`` names the source message for ever: the same key again changes nothing and returns the first result.
    ``entry`` is the address, number or widget key of the service that was reached. ``case_id`` is set when the channel
    itself knows the thread. ``interaction_key`` ties the messages of one session (a chat) to one interaction. ``unread``: somebody
    has to read it; False for what only says that the contact has come, such as a call.
    """

    channel: str
    source_key: str
    sender: Address
    entry: str
    subject: str = ""
    body_text: str = ""
    body_html: str = ""
    files: tuple[FileIn, ...] = ()
    at: datetime | None = None
    case_id: int | None = None
    interaction_key: str = ""
    language: str = ""
    automatic: bool = False
    raw_sha: str = ""
    external_id: str = ""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    unread: bool = True
