"""What a widget needs to draw itself: its settings in one language, and the files it is made of."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.house import okno
from plugins.chat.media.call_rules import Rule, rule_of
from plugins.chat.models import Widget
from plugins.chat.visitor import extensions, incoming_files, leaving
from plugins.chat.visitor.widgets import FEATURES
from plugins.chat.visitor.words import WORDS, words

FOLDER = Path(__file__).parent.parent / "static" / "widget"
LIGHT, DARK = "#ffffff", "#14181f"


def settings(widget: Widget, language: str) -> dict[str, Any]:
    """All that the browser is told of a widget, texts in ``language`` unless the widget has one of its own."""
    language = widget.language or language
    config = okno().config
    said = words(language, widget.texts)
    title = widget.title_ru if language == "ru" else widget.title_en
    return {
        "key": widget.key,
        "language": language,
        "title": title or WORDS["title"].to(language),
        "colour": widget.colour,
        "on_colour": on_colour(widget.colour),
        "theme": widget.theme,
        "position": widget.position,
        "launcher": widget.launcher,
        "offline": leaving.is_offline(widget),
        "features": {name: bool(widget.features.get(name, True)) for name in FEATURES},
        "fields": [_field(one, language) for one in widget.fields],
        "limits": {
            "files": config.get("chat.files"),
            "file_mb": config.get("chat.file_mb"),
            "types": incoming_files.allowed_types(),
            "characters": config.get("chat.max_characters"),
        },
        "extensions": _extensions(widget, language),
        "words": said,
    }


def _extensions(widget: Widget, language: str) -> list[dict[str, Any]]:
    """What is loaded when it is used; a button only for what the widget's service allows to visitors."""
    service = leaving.service_of(widget.key)
    rule = rule_of(service.id) if service is not None else Rule()
    offered = {"call": rule.audio or rule.video, "cobrowse": rule.cobrowse}
    found = [one.drawn(language) for one in extensions.EXTENSIONS]
    return [one if offered.get(one["name"], True) else {**one, "label": ""} for one in found]


def _field(one: dict[str, Any], language: str) -> dict[str, Any]:
    first, second = ("title_ru", "title_en") if language == "ru" else ("title_en", "title_ru")
    return {
        "key": one["key"],
        "kind": one["kind"],
        "title": one[first] or one[second],
        "required": one["required"],
        "options": one.get("options", []),
    }


def on_colour(colour: str) -> str:
    """White or near-black, whichever reads better on ``colour`` (WCAG 2.2, contrast ratio)."""
    light = _luminance(colour)
    return LIGHT if 1.05 / (light + 0.05) >= (light + 0.05) / (_luminance(DARK) + 0.05) else DARK


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@lru_cache(maxsize=1)
def _version_at(stamp: int) -> str:
    found = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]


def version() -> str:
    """Names the widget's files as they are now; a part of their addresses, so that browsers may keep them for ever."""
    return _version_at(max(int(path.stat().st_mtime_ns) for path in FOLDER.rglob("*")))
