"""Where the pages of calls are, one line a URL; under ``/voice``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from plugins.voice.desk import connection, live_calls, phone_page, softphone, targets, visitor_pages
from plugins.voice.desk.static_folder import FOLDER
from plugins.voice.feature_frame import number_words

blueprint = Blueprint(
    "voice_desk", __name__, static_folder=FOLDER, static_url_path="/static", template_folder="../templates"
)

blueprint.context_processor(lambda: {"number_words": number_words})

PAGES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/softphone", "softphone", softphone.softphone),
    ("/softphone/messages", "messages", softphone.messages),
    ("/softphone/targets", "targets", targets.targets),
    ("/devices", "devices", connection.devices),
    ("/phone", "phone", phone_page.phone),
    ("/live", "live", live_calls.live),
    ("/live/rows", "live_rows", live_calls.live_rows),
    ("/call", "call_page", visitor_pages.call_page),
    ("/call.js", "loader", visitor_pages.loader),
    ("/demo", "demo", visitor_pages.demo),
)
for _rule, _name, _view in PAGES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
blueprint.add_url_rule("/connection", "connect", connection.connect, methods=["POST"])
