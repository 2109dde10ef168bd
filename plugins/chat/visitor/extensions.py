"""What the widget loads only when it is used: calls, shared pages. Each is an ES module in ``static/widget/``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.contracts import Text


@dataclass(frozen=True, slots=True)
class Extension:
    """A module that is imported when one of its ``events`` comes (``chat.call``) or its button in the header is pressed.

    ``module`` is a file below ``static/widget/``; its default export is called once with the widget (see ``static/widget/extend.js``) and
    returns an object whose ``start()`` answers the button and ``hear(type, payload)`` the events. ``icon``: a name of ``static/widget/icons.js``.
    ``states``: in which states of the conversation the button shows. Without a ``label`` there is no button. ``wakes``: a name in the
    tab's memory that loads the module by itself in a conversation under way, for what goes on after a reload.
    """

    name: str
    module: str
    events: tuple[str, ...] = ()
    label: Text | None = None
    icon: str = ""
    states: tuple[str, ...] = ("active",)
    wakes: str = ""

    def drawn(self, language: str) -> dict[str, Any]:
        """As the widget's page gets it."""
        label = self.label.to(language) if self.label else ""
        return {
            "name": self.name,
            "module": self.module,
            "events": list(self.events),
            "label": label,
            "icon": self.icon,
            "states": list(self.states),
            "wakes": self.wakes,
        }


EXTENSIONS: list[Extension] = [
    Extension("call", "call.js", ("chat.call",), Text("Call", "Позвонить"), "phone", wakes="okno-call"),
    Extension(
        "cobrowse",
        "cobrowse.js",
        ("chat.cobrowse",),
        Text("Show this page to the agent", "Показать эту страницу оператору"),
        "screen",
        wakes="okno-shown",
    ),
]
