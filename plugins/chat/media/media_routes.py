"""The routes of calls and shown pages at the desk: one line a URL. Those of visitors are in ``visitor_views``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request

from core import audit
from core.web.auth import current_user
from plugins.chat.media import desk_views as views

blueprint = Blueprint("chat_media", "plugins.chat", template_folder="templates")

ROUTES: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("POST", "/interactions/<int:interaction_id>/call/<media>", "call", views.call),
    ("GET", "/calls", "going_on", views.going_on),
    ("GET", "/calls/dock", "dock", views.dock),
    ("POST", "/calls/<int:call_id>/answer", "answer_call", views.answer_call),
    ("POST", "/calls/<int:call_id>/join", "join_call", views.join_call),
    ("POST", "/calls/<int:call_id>/signal", "signal", views.signal),
    ("POST", "/calls/<int:call_id>/end", "end_call", views.end_call),
    ("POST", "/calls/<int:call_id>/recording", "begin_recording", views.begin_recording),
    ("POST", "/recordings/<int:recording_id>/pieces", "add_recorded", views.add_recorded),
    ("POST", "/recordings/<int:recording_id>/complete", "complete_recording", views.complete_recording),
    ("GET", "/recordings/<int:recording_id>", "recording", views.recording),
    ("GET", "/recordings", "recordings", views.recordings_of_case),
    ("GET", "/pages/<int:cobrowse_id>", "page", views.page),
    ("GET", "/pages/<int:cobrowse_id>/frame", "frame", views.frame),
    ("GET", "/pages/<int:cobrowse_id>/pieces", "pieces", views.pieces),
    ("POST", "/pages/<int:cobrowse_id>/accept", "accept_page", views.accept_page),
    ("POST", "/pages/<int:cobrowse_id>/end", "end_page", views.end_page),
    ("POST", "/pages/<int:cobrowse_id>/point", "point", views.point),
    ("GET", "/call-rules", "call_rule", views.call_rule),
    ("POST", "/call-rules", "save_call_rule", views.save_call_rule),
)

for _method, _rule, _name, _view in ROUTES:
    blueprint.add_url_rule(_rule, _name, _view, methods=[_method])


@blueprint.before_request
def name_actor() -> None:
    """Changes of rules are in the audit log under the administrator's name."""
    user = current_user() if request.method == "POST" else None
    if user is not None:
        audit.set_actor(user.login, request.remote_addr or "")
