"""Requests for help and the people's pages on the desk, by the same hooks as any plugin's."""

from __future__ import annotations

from core import hookimpl
from core.contracts import Asset, Control, DeskContext, MenuItem, Text


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
        Asset("css", "/static/css/people.css"),
        Asset("css", "/static/css/settings.css"),
        Asset("module", "/static/js/directory.js"),
        Asset("module", "/static/js/help.js"),
        Asset("module", "/static/js/notices.js"),
        Asset("module", "/static/js/settings.js"),
    ]
