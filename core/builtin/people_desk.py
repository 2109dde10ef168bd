"""Requests for help and the people's pages on the desk, by the same hooks as any plugin's."""

from __future__ import annotations

from pathlib import Path

from core import hookimpl
from core.contracts import Asset, Control, DeskContext, MenuItem, Text

STATIC = Path(__file__).parents[1] / "web" / "static"


@hookimpl
def collect_controls(context: DeskContext) -> list[Control]:
    """The flag on the interaction in focus."""
    from core.db import db
    from core.model import Interaction

    interaction = db.session.get(Interaction, context.interaction_id) if context.interaction_id else None
    if interaction is None or interaction.agent_id != context.user_id:
        return []
    url = f"/interactions/{interaction.id}/help/open"
    if interaction.help_wanted_at is None:
        return [Control("help", Text("Ask for help", "Позвать на помощь"), "lifebuoy", url, order=80, shortcut="help")]
    label = (
        Text("Help is coming", "Помощь идёт")
        if interaction.help_by_id
        else Text("Help is asked for", "Помощь запрошена")
    )
    return [Control("help", label, "lifebuoy", url, order=80, style="danger", shortcut="help")]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """«Помощь» for supervisors, with how many agents wait."""
    from core.db import db
    from core.help_requests import wanted_count
    from core.model import User
    from core.permissions import allowed

    user = db.session.get(User, context.user_id)
    if user is None or not allowed(user, "supervisor.view"):
        return []
    waiting = wanted_count(context.user_id)
    counter = str(waiting) if waiting else ""
    label = Text("Calls for help", "Зовут на помощь")
    return [
        MenuItem(
            "help-wanted",
            label,
            "lifebuoy",
            "/supervisor/help",
            order=80,
            permission="supervisor.view",
            counter=counter,
        )
    ]


@hookimpl
def register_assets() -> list[Asset]:
    """Styles and behaviour."""
    return [
        Asset("css", _stamped("css/people.css")),
        Asset("css", _stamped("css/settings.css")),
        Asset("module", _stamped("js/directory.js")),
        Asset("module", _stamped("js/help.js")),
        Asset("module", _stamped("js/notices.js")),
        Asset("module", _stamped("js/settings.js")),
    ]


def _stamped(name: str) -> str:
    """The address of a static file, changing whenever the file does."""
    return f"/static/{name}?v={int((STATIC / name).stat().st_mtime):x}"
