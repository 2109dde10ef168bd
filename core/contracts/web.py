"""What plugins add to desk and administration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.contracts.texts import JsonValue, Text


@dataclass(frozen=True, slots=True)
class DeskContext:
    """For whom and about what the desk is drawn."""

    user_id: int
    language: str
    case_id: int | None = None
    interaction_id: int | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of the function bar or of the admin menu (``area`` "desk" or "admin").

    ``order`` places it among the core's own of the function bar: home 10, queue 20, directory 30, documents 40, my cases 60,
    search 70; a calendar belongs at 50, chats at 80. ``counter`` is what is unread, "" for none; the plugin publishes the event
    ``menu.changed`` for whom it changes.
    """

    key: str
    label: Text
    icon: str
    url: str
    area: Literal["desk", "admin"] = "desk"
    order: int = 100
    permission: str = ""
    counter: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """An HTML fragment fetched from ``url`` into a slot: "side" (knowledge), "case" (right column), "reply", "settings" (own settings).

    "service" ones stand on the administrator's page of a service, asked for with ``service=<key>``.
    """

    key: str
    title: Text
    icon: str
    url: str
    slot: Literal["side", "case", "reply", "compose", "settings", "service"]
    order: int = 100
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """A button for the interaction in focus; POSTs to ``url`` and swaps nothing.

    ``shortcut`` names the keys that press it: ``transfer`` (Alt+Shift+T), ``blind_transfer`` (Alt+Shift+B), ``consult``
    (Alt+Shift+D), ``conference`` (Alt+Shift+C), ``hang_up`` (Alt+Q) or ``help`` (Alt+Shift+H).
    """

    key: str
    label: Text
    icon: str
    url: str
    order: int = 100
    style: Literal["plain", "primary", "danger"] = "plain"
    shortcut: Literal["", "transfer", "blind_transfer", "consult", "conference", "hang_up", "help"] = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """A small mark on a case row or header: an SLA clock, a flag. ``due_at`` makes the desk count down live."""

    text: str
    title: str = ""
    tone: Literal["neutral", "good", "warn", "bad", "info"] = "neutral"
    icon: str = ""
    due_at: datetime | None = None
    warn_at: datetime | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How a kind of notification is shown. ``words`` makes its line of what :func:`core.notifications.notify` was given as
    ``data``; ``who`` is the name of the person behind it, "" for the system. ``toast``: also shown for a moment when it comes.
    """

    kind: str
    icon: str
    words: Callable[[Mapping[str, JsonValue], str], Text]
    tone: Literal["neutral", "good", "warn", "bad", "info"] = "neutral"
    toast: bool = True


@dataclass(frozen=True, slots=True)
class HomeTile:
    """A tile of the home page, fetched from ``url``; left out for who lacks ``permission``."""

    key: str
    title: Text
    url: str
    order: int = 100
    permission: str = ""


@dataclass(frozen=True, slots=True)
class PersonAction:
    """A button at every colleague of the directory: opens ``url``, in which ``{id}`` is the colleague's; not at oneself."""

    key: str
    label: Text
    icon: str
    url: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error that people can meet: what it is called, why it happens, what to do. ``code`` is that of :class:`Rejected`."""

    code: str
    title: Text
    cause: Text
    remedy: Text


@dataclass(frozen=True, slots=True)
class Asset:
    """A stylesheet or ES module under the plugin's own static folder, loaded with the desk by those with ``permission``."""

    kind: Literal["css", "module"]
    url: str
    area: Literal["desk", "admin", "public"] = "desk"
    permission: str = ""
