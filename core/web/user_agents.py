"""Which browser on which machine a user agent string names, roughly, for the list of one's own sign-ins."""

from __future__ import annotations

import re

# The first that matches: browsers name those they descend from as well.
BROWSERS = (
    ("YaBrowser", "Yandex Browser"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
)
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"))  # fmt: skip


def device_of(user_agent: str) -> str:
    """«Chrome 131, Windows»; the beginning of the string when nothing in it is known."""
    found = next((match for key, _ in BROWSERS if (match := re.search(rf"\b({key})\w*/(\d+)", user_agent))), None)
    system = next((name for key, name in SYSTEMS if key in user_agent), "")
    browser = f"{dict(BROWSERS)[found[1]]} {found[2]}" if found else ""
    return ", ".join(filter(None, (browser, system))) or user_agent[:60] or "?"
