"""The supervisor's agents in the function bar, by the same hook as any plugin's entry."""

from __future__ import annotations

from core import hookimpl
from core.contracts import DeskContext, MenuItem, Text


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """«Операторы», for who watches teams."""
    label = Text("Agents", "Операторы")
    return [MenuItem("agents", label, "users-group", "/supervisor/agents", order=80, permission="supervisor.view")]
