"""Hooks of operations: what a plugin adds to the application itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from core.contracts import (
    ApiOperation,
    BlueprintMount,
    CommandMount,
    Daemon,
    HealthCheck,
    Job,
    OutboxHandler,
    Permission,
    PluginSchema,
    Process,
    PublishedEvent,
    Setting,
    SetupChange,
    Text,
    Variable,
    Verdict,
)

hookspec = pluggy.HookspecMarker("okno")


@hookspec
def register_models() -> list[PluginSchema]:  # type: ignore[empty-body]
    """Add tables: import the models here and name the folder of their migrations.

    Called: once, at start, before the data base is looked at.
    Returns: one schema; its Alembic branch has the plugin's name, its tables begin with it.
    Exceptions: the plugin is switched off for this process, the fault is counted.
    Used by: kb, email, sla.

    Example::

        @hookimpl
        def register_models():
            from orders import models

            return [PluginSchema(Path(models.__file__).parent / "migrations")]
    """


@hookspec
def register_settings() -> list[Setting]:  # type: ignore[empty-body]
    """Declare settings of the plugin's own section.

    Called: once, at start, before ``okno.toml`` is checked.
    Returns: settings whose keys begin with ``<plugin>.``.
    Exceptions: the plugin is switched off for this process, the fault is counted.
    Used by: email, kb, sla, chat, voice.

    Example::

        @hookimpl
        def register_settings():
            return [Setting("orders.url", str, "", Text("Address of the shop", "Адрес магазина"))]
    """


@hookspec
def register_permissions() -> list[Permission]:  # type: ignore[empty-body]
    """Declare privileges that roles may hold.

    Called: once, at start.
    Returns: permissions whose names begin with ``<plugin>.``.
    Exceptions: the plugin's privileges are left out (so nobody has them), the fault is counted.
    Used by: kb.

    Example::

        @hookimpl
        def register_permissions():
            return [Permission("orders.refund", Text("Refund", "Возврат денег"), default_roles=("supervisor",))]
    """


@hookspec
def register_blueprints() -> list[BlueprintMount]:  # type: ignore[empty-body]
    """Add routes. Each view carries ``@require("…")`` or ``@public``; the start is refused otherwise.

    Called: once, at start.
    Returns: blueprints with prefixes.
    Exceptions: the plugin's routes are left out, the fault is counted.
    Used by: kb, email, sla, chat, voice.

    Example::

        @hookimpl
        def register_blueprints():
            from orders.views import blueprint

            return [BlueprintMount(blueprint, "/orders")]
    """


@hookspec
def register_api() -> list[ApiOperation]:  # type: ignore[empty-body]
    """Add operations to the REST API, declared with :class:`core.api.resource.Resource`.

    Called: once, at start.
    Returns: operations; those of a disabled plugin are missing from routes and OpenAPI alike.
    Exceptions: the plugin's operations are left out, the fault is counted; a name or address that is taken is refused.
    Used by: kb.

    Example::

        @hookimpl
        def register_api():
            from orders.api import resource

            return resource.operations
    """


@hookspec
def during_events(events: Sequence[PublishedEvent]) -> None:
    """Take part in a transaction that tells something, as its last act but the events themselves.

    Called: once before the commit of a transaction that published events.
    Args: events: all of them in order; topics such as ``desk`` and ``user:<id>``.
    Returns: nothing.
    Exceptions: counted; what the plugin did is undone, the transaction goes on.
    Used by: the core (webhooks).

    Example::

        @hookimpl
        def during_events(events):
            for event in events:
                if event.type == "presence.changed":
                    outbox.enqueue("orders.tell", f"orders:{uuid4()}", dict(event.payload))
    """


@hookspec
def register_commands() -> list[CommandMount]:  # type: ignore[empty-body]
    """Add commands to ``okno``.

    Called: when the command line meets a word that is not the core's, or lists its commands.
    Returns: click commands or groups.
    Exceptions: the plugin's commands are missing, a note says so on standard error.
    Used by: kb, email, sla.

    Example::

        @hookimpl
        def register_commands():
            from orders.cli import orders

            return [CommandMount(orders)]
    """


@hookspec
def register_jobs() -> list[Job]:  # type: ignore[empty-body]
    """Add periodic work.

    Called: once, when a worker starts.
    Returns: jobs with ids of their own; leader jobs run on one worker at a time.
    Exceptions: at start the plugin's jobs are left out; a job that raises is counted and runs again next time.
    Used by: kb (indexing), email (IMAP), sla (warnings).

    Example::

        @hookimpl
        def register_jobs():
            return [Job("orders.pull", pull_orders, seconds=60)]
    """


@hookspec
def register_daemons() -> list[Daemon]:  # type: ignore[empty-body]
    """Add long-running parts of the worker, such as listeners.

    Called: once, when a worker starts.
    Returns: daemons; ``start(app)`` returns the function that stops it.
    Exceptions: a daemon that cannot start is counted and tried again every ten seconds.
    Used by: email (SMTP listener).

    Example::

        @hookimpl
        def register_daemons():
            return [Daemon("orders-socket", start_socket)]
    """


@hookspec
def register_processes() -> list[Process]:  # type: ignore[empty-body]
    """Add processes that run beside web and worker, for what must not share an interpreter with them, such as audio.

    Called: once, by ``okno run``.
    Returns: processes; each is forked with the application made, kept alive and started again when it dies.
    Exceptions: the plugin's processes are left out, the fault is counted.
    Used by: voice.

    Example::

        @hookimpl
        def register_processes():
            return [Process("orders-feed", run_feed)]
    """


@hookspec
def register_outbox_handlers() -> list[OutboxHandler]:  # type: ignore[empty-body]
    """Say who carries out outbox rows of a kind.

    Called: once, at start.
    Returns: handlers with kinds of their own.
    Exceptions: rows of that kind wait until a handler exists; an exception while sending counts as «retry».
    Used by: email (email.send), chat (none: events suffice).

    Example::

        @hookimpl
        def register_outbox_handlers():
            return [OutboxHandler("sms.send", send_sms)]
    """


@hookspec
def register_variables() -> list[Variable]:  # type: ignore[empty-body]
    """Add ``$(…)`` variables for articles and templates.

    Called: once, at start.
    Returns: variables with names of their own.
    Exceptions: at start the plugin's variables are left out; one that raises while filling in counts as empty.
    Used by: the core (case, user, from), email (app.emailAddress).

    Example::

        @hookimpl
        def register_variables():
            return [Variable("order.number", Text("Order", "Номер заказа"), order_number)]
    """


@hookspec
def register_translations() -> list[str]:  # type: ignore[empty-body]
    """Add folders of gettext catalogues.

    Called: once, at start.
    Returns: absolute folders with ``<language>/LC_MESSAGES/messages.mo``.
    Exceptions: texts of that plugin stay in English, the fault is counted.
    Used by: kb, email, sla, chat, voice.

    Example::

        @hookimpl
        def register_translations():
            return [str(Path(__file__).parent / "translations")]
    """


@hookspec
def collect_hints(language: str) -> list[Text]:  # type: ignore[empty-body]
    """Add lines that ``okno run`` prints for a newcomer: one thing to try.

    Called: when the desk has been started by hand.
    Args: language: of the terminal.
    Returns: short texts, commands included.
    Exceptions: counted; the plugin's lines are missing.
    Used by: email (a line that sends a mail), chat (the demo page).

    Example::

        @hookimpl
        def collect_hints(language):
            return [Text("Try: curl http://localhost/orders", "Попробуйте: curl http://localhost/orders")]
    """


@hookspec
def load_demo(folder: str) -> None:
    """Load the plugin's part of the demo centre; safe to repeat.

    Called: by ``okno demo load`` after the core's people, services, contacts and cases.
    Args: folder: where the core's demo files are.
    Returns: nothing.
    Exceptions: counted; the demo lacks the plugin's part.
    Used by: kb (articles), sla (calendars and clocks).

    Example::

        @hookimpl
        def load_demo(folder):
            import_orders(Path(folder) / "orders.yml")
    """


@hookspec
def check_health() -> list[HealthCheck]:  # type: ignore[empty-body]
    """Add lines to ``okno doctor``.

    Called: by ``okno doctor`` and the admin overview.
    Returns: checks with what to do about the bad ones.
    Exceptions: counted, and reported as a failed check of that plugin.
    Used by: email, kb.

    Example::

        @hookimpl
        def check_health():
            return [HealthCheck("orders", reachable(), "the shop answers", "check orders.url")]
    """


@hookspec
def check_permission(user_id: int, permission: str, context: dict[str, Any]) -> Verdict:  # type: ignore[empty-body]
    """Deny what a role would allow. A plugin can only narrow: roles grant, any «deny» wins.

    Called: whenever a privilege is checked.
    Args: user_id; permission: its name; context: ids of the object, such as ``case_id``.
    Returns: "deny", "allow" or "abstain" (the last two are the same: no objection).
    Exceptions: counted, and taken as «abstain», so that a broken plugin locks nobody out.
    Used by: the tests' example; kb (unpublished articles).

    Example::

        @hookimpl
        def check_permission(user_id, permission, context):
            return "deny" if permission == "case.view" and secret(context.get("case_id")) else "abstain"
    """


@hookspec
def before_setup_change(change: SetupChange) -> None:
    """Refuse a change of what administrators set up, or let it pass.

    Called: inside the transaction, when a calendar is added, changed or removed or a service is changed.
    Args: change: what is changed from what to what.
    Returns: nothing; raise ``Rejected`` to refuse.
    Exceptions: ``Rejected`` stops the change and is shown; others are counted and ignored.
    Used by: sla (hours too short for its targets, a calendar that its services use).

    Example::

        @hookimpl
        def before_setup_change(change):
            if change.kind == "calendar" and change.changes["settings"][1] is None and in_use(change.key):
                raise Rejected(Text("Orders use this calendar", "Календарь нужен заказам"), "in-use")
    """


@hookspec
def during_setup_change(change: SetupChange) -> None:
    """Take part in a change of what administrators set up, in the same transaction.

    Called: after the change is written, before the commit.
    Args: change: what was changed from what to what.
    Returns: nothing.
    Exceptions: the plugin's own changes are undone to its savepoint, the fault is counted.
    Used by: sla (open clocks are worked out anew).

    Example::

        @hookimpl
        def during_setup_change(change):
            if change.kind == "calendar":
                forget_delivery_dates(change.key)
    """
