"""What a browser calls itself, in words for people: «Chrome 131, Windows»."""

from __future__ import annotations

import re

# Most browsers also name those they resemble, so the rarer names come first.
BROWSERS = (
    ("Яндекс Браузер", r"YaBrowser/(\d+)"),
    ("Edge", r"Edg(?:A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:HeadlessChrome|Chrome|CriOS|Chromium)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("macOS", "Mac OS X|Macintosh"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux|X11"),
)


def browser_words(user_agent: str) -> str:
    """Browser and system of a User-Agent line; its first word for a program nobody knows, "" for none."""
    browser = next(
        (f"{name} {found[1]}" for name, pattern in BROWSERS if (found := re.search(pattern, user_agent))), ""
    )
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, user_agent)), "")
    return ", ".join(word for word in (browser, system) if word) or user_agent.split("/")[0][:40]
