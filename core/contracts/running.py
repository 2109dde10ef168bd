"""What runs beside the pages: jobs, processes, the outbox, checks; where routes and commands hang."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.contracts.texts import JsonValue

if TYPE_CHECKING:
    import click
    from flask import Blueprint, Flask


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job of the worker; ``leader`` jobs run on one worker at a time. ``run`` gets an app context."""

    id: str
    run: Callable[[], None]
    seconds: float
    leader: bool = True


@dataclass(frozen=True, slots=True)
class Daemon:
    """A long-running part of the worker, such as an SMTP listener. ``start(app)`` returns a callable that stops it."""

    name: str
    start: Callable[[Flask], Callable[[], None]]
    leader: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A process of its own under ``okno run``. ``run(app)`` ends on SIGTERM; it opens its own connections, having been forked."""

    name: str
    run: Callable[[Flask], None]


@dataclass(frozen=True, slots=True)
class OutboxResult:
    """The outcome of one attempt: sent, retry later, or dead. ``detail`` is shown to the administrator.

    ``retry_in`` in seconds; an attempt that does not count (``counts``) is one where the receiver asked to wait.
    """

    outcome: Literal["sent", "retry", "dead"]
    detail: str = ""
    retry_in: float | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class OutboxHandler:
    """Who takes outbox rows of one ``kind`` out of the house. ``send(key, payload)`` may be repeated after a crash.

    Rows of one ``lane`` ("", "live" or "webhooks") wait for one another, never for another lane's.
    """

    kind: str
    send: Callable[[str, Mapping[str, JsonValue]], OutboxResult]
    lane: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One line of ``okno doctor``: ``mend`` says what to do when ``ok`` is False."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class BlueprintMount:
    """A plugin's routes under ``prefix``; ``public`` ones are open to people who are not signed in."""

    blueprint: Blueprint
    prefix: str = ""
    public: bool = False


@dataclass(frozen=True, slots=True)
class CommandMount:
    """A click command or group that appears as ``okno <name>``."""

    command: click.Command
