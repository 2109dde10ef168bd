"""Pings on the desk, by the same hooks as any plugin's: an entry of the function bar, a panel on the case page, assets."""

from __future__ import annotations

from core import hookimpl
from core.contracts import Asset, DeskContext, MenuItem, Panel, Text


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """«Пинги», with how many wait for the viewer."""
    from core.pings import waiting_count

    waiting = waiting_count(context.user_id)
    counter = str(waiting) if waiting else ""
    return [
        MenuItem(
            "pings",
            Text("Pings", "Пинги"),
            "message-question",
            "/pings",
            order=60,
            permission="case.view",
            counter=counter,
        )
    ]


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """The questions asked from a case."""
    if context.case_id is None:
        return []
    url = f"/cases/{context.case_id}/pings"
    return [Panel("pings", Text("Pings", "Пинги"), "message-question", url, "case", order=40, permission="case.view")]


@hookimpl
def register_assets() -> list[Asset]:
    """Styles and behaviour."""
    return [Asset("css", "/static/css/pings.css"), Asset("module", "/static/js/pings.js")]
