"""Webhooks and the API's pages hang on hooks as any plugin would; what happened is noted, and told as the transaction's last act."""

from __future__ import annotations

from collections.abc import Sequence

from core import hookimpl
from core.contracts import (
    Asset,
    CaseChange,
    DeskContext,
    Job,
    MenuItem,
    MessageInfo,
    OutboxHandler,
    Panel,
    PublishedEvent,
    Text,
)

HOUR = 3600.0


@hookimpl
def during_case_change(change: CaseChange) -> None:
    """Opened, closed, or changed."""
    from core.webhook_events import note_case

    before, after = change.changes.get("status", ("", ""))
    kind = "created" if before is None else "closed" if after == "closed" else "updated"
    note_case(change.case.id, kind, sorted(change.changes))


@hookimpl
def during_message(message: MessageInfo) -> None:
    """In or out."""
    from core.webhook_events import note_message

    note_message(message.id, "received" if message.direction == "in" else "sent")


@hookimpl
def during_events(events: Sequence[PublishedEvent]) -> None:
    """What was noted, and what the event log alone knows: interactions, states, pings."""
    from core.webhook_events import tell_all

    tell_all(events)


@hookimpl
def register_outbox_handlers() -> list[OutboxHandler]:
    """Out of the house, in a lane of their own: a slow receiver must not hold up letters."""
    from core import webhook_delivery, webhooks

    return [OutboxHandler(webhooks.KIND, webhook_delivery.send, lane=webhooks.LANE)]


@hookimpl
def register_jobs() -> list[Job]:
    """Remembered calls of the API are kept for a day."""
    from core.api.idempotency import forget_old

    return [Job("core.api_calls", forget_old, HOUR)]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """Two admin pages."""
    return [
        MenuItem("tokens", Text("API tokens", "Токены API"), "key", "/admin/tokens", "admin", 501, "admin.api"),
        MenuItem("webhooks", Text("Webhooks", "Вебхуки"), "webhook", "/admin/webhooks", "admin", 502, "admin.api"),
    ]


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """A person's own tokens, in the settings."""
    return [Panel("tokens", Text("API tokens", "Токены API"), "key", "/settings/tokens", "settings", order=90)]


@hookimpl
def register_assets() -> list[Asset]:
    """Styles of scopes and tokens, for the desk and the admin pages."""
    return [Asset("css", "/static/css/api.css"), Asset("css", "/static/css/api.css", "admin")]
