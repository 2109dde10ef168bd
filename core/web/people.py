"""Pages about people and for oneself, one line a URL: directory, notifications, requests for help, help, settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import get_timezone, gettext

from core import own_settings
from core.clock import now
from core.contracts import PersonAction
from core.house import okno
from core.model import User
from core.web import directory_pages, drawing, help_pages, help_wanted, notices, presence_marks, settings_pages
from core.web.desk_frame import permitted, signed_in

blueprint = Blueprint("people", __name__)

PAGES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/directory", "directory", directory_pages.directory),
    ("/directory/results", "results", directory_pages.results),
    ("/directory/pick", "pick", directory_pages.pick),
    ("/directory/presence", "presence", directory_pages.presence),
    ("/directory/number", "number", directory_pages.number),
    ("/directory/addresses", "addresses", directory_pages.addresses),
    ("/directory/begin", "beginning", directory_pages.beginning),
    ("/people/<int:user_id>", "person", directory_pages.person),
    ("/people/<int:user_id>/photo/<sha256>", "photo", settings_pages.photo),
    ("/notices", "notices", notices.panel),
    ("/notices/news", "news", notices.news),
    ("/interactions/<int:interaction_id>/help", "help_dialog", help_wanted.dialog),
    ("/supervisor/help", "help_wanted", help_wanted.wanted),
    ("/help", "help", help_pages.help_screen),
    ("/help/<int:document_id>", "help_document", help_pages.document),
    ("/help/problem", "problem", help_pages.report_dialog),
    ("/settings", "settings", settings_pages.settings),
)
COMMANDS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/directory/star/<kind>/<int:object_id>", "star", directory_pages.star),
    ("/directory/arrange", "arrange", directory_pages.arrange),
    ("/directory/begin", "begin", directory_pages.begin),
    ("/notices/read", "mark_read", notices.mark_read),
    ("/interactions/<int:interaction_id>/help/open", "open_help_dialog", help_wanted.open_dialog),
    ("/interactions/<int:interaction_id>/help", "ask_help", help_wanted.ask),
    ("/interactions/<int:interaction_id>/help/withdraw", "withdraw_help", help_wanted.withdraw),
    ("/interactions/<int:interaction_id>/help/come", "come", help_wanted.come),
    ("/help/problem", "report_problem", help_pages.report),
    ("/settings/photo", "set_photo", settings_pages.set_photo),
    ("/settings/photo/remove", "remove_photo", settings_pages.remove_photo),
    ("/settings/password", "change_password", settings_pages.change_password),
    ("/settings/sign-ins/<int:sign_in_id>/end", "end_sign_in", settings_pages.end_sign_in),
    ("/settings/<section>", "save_settings", settings_pages.save),
)

for _rule, _name, _view in PAGES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
for _rule, _name, _view in COMMANDS:
    blueprint.add_url_rule(_rule, _name, _view, methods=["POST"])


def photo_url(user: User | None) -> str:
    """Where a user's photo is, "" without one."""
    if user is None or not user.photo_sha:
        return ""
    return url_for("people.photo", user_id=user.id, sha256=user.photo_sha)


def person_actions(user: User) -> list[tuple[PersonAction, str]]:
    """What plugins offer at this colleague, with the addresses; nothing at oneself and at who has left."""
    viewer = signed_in()
    if user.id == viewer.id or user.disabled_at is not None:
        return []
    offered = [action for action in okno().person_actions.values() if permitted(viewer, action.permission)]
    return [(action, action.url.replace("{id}", str(user.id))) for action in offered]


@blueprint.record_once
def _drawing(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals.update(
        photo_url=photo_url,
        presence_mark=presence_marks.mark_of,
        unread_notices=notices.unread_notices,
        highlighted=directory_pages.highlighted,
        person_actions=person_actions,
        own_preferences=lambda: own_settings.of(signed_in()),
        phone_words=own_settings.formatted,
        day_words=day_words,
        duration=duration,
    )
    state.app.jinja_env.filters["pair"] = lambda value: (value, value)


def day_words(at: datetime) -> str:
    """The day of ``at`` in the viewer's zone: today, yesterday, or its date."""
    zone = get_timezone() or ZoneInfo("UTC")
    days = (now().astimezone(zone).date() - at.astimezone(zone).date()).days
    return {0: gettext("Today"), 1: gettext("Yesterday")}.get(days) or drawing.moment(at, "day")


def duration(seconds: int) -> str:
    """4:31, or 1:02:05."""
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours}:{minutes % 60:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
