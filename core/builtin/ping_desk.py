"""Pings on the desk, by the same hooks as any plugin's: an entry of the function bar, a panel on the case page, assets."""

from __future__ import annotations

from pathlib import Path

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
    return [Asset("css", _stamped("css/pings.css")), Asset("module", _stamped("js/pings.js"))]


def _stamped(name: str) -> str:
    """The address of a static file, changing whenever the file does."""
    file = Path(__file__).parents[1] / "web" / "static" / name
    return f"/static/{name}?v={int(file.stat().st_mtime):x}"
