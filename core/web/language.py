"""Which language and time zone a viewer gets, and the filters that templates use for both."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, format_date, format_datetime, format_time, get_locale

from core.clock import now
from core.contracts import Text

if TYPE_CHECKING:
    from core.house import Okno

LANGUAGES = ("ru", "en")


def mount(app: Flask, house: Okno) -> None:
    """Set Babel up with the catalogues of the core and the enabled plugins."""
    folders = [f"{app.root_path}/translations", *house.hooks.translations()]
    domains = ["messages", "admin", *("messages" for _ in folders[1:])]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join([folders[0], *folders])
    app.config["BABEL_DOMAIN"] = ";".join(domains)
    app.config["BABEL_DEFAULT_LOCALE"] = "en"
    default = house.config.get("core.language")
    zone = house.config.get("core.timezone")
    Babel(app, locale_selector=lambda: viewer_language(default), timezone_selector=lambda: viewer_zone(zone))
    app.jinja_env.filters.update(t=text, titled=titled, when=when, day=format_date, clock=format_time, iso=iso)
    app.jinja_env.globals.update(languages=LANGUAGES, language=lambda: str(get_locale() or "en")[:2])


def viewer_language(default: str) -> str:
    """The user's own choice, then the one made on the sign-in page, then the browser's, then the house's."""
    if not has_request_context():
        return default
    from core.web.auth import current_user

    if request.path.startswith("/api/v1/"):
        # A program says which language it wants with each request; whose token it has matters less.
        asked = request.accept_languages.best_match(LANGUAGES)
        return asked or _language_of_caller() or default
    user = current_user()
    for choice in (request.args.get("lang"), user.language if user else "", session.get("language")):
        if choice in LANGUAGES:
            return str(choice)
    return request.accept_languages.best_match(LANGUAGES) or default


def _language_of_caller() -> str:
    caller = request.environ.get("okno.api_caller")
    return str(caller.user.language) if caller and caller.user.language in LANGUAGES else ""


def viewer_zone(default: str) -> str:
    """The user's time zone or the house's."""
    if not has_request_context():
        return default
    from core.web.auth import current_user

    user = current_user()
    return (user.timezone if user else "") or default


def here() -> str:
    """The viewer's language, "ru" or "en"."""
    locale = get_locale()
    return locale.language if locale and locale.language in LANGUAGES else "en"


def text(value: Text | str) -> str:
    """A :class:`Text` in the viewer's language; other values as they are."""
    return value.to(here()) if isinstance(value, Text) else str(value)


def titled(row: Any) -> str:
    """The title of a row with ``title_en`` and ``title_ru``."""
    if row is None:
        return ""
    return str(row.title_ru if here() == "ru" else row.title_en)


def when(value: datetime | None) -> str:
    """A moment as people say it: the time today, the day this year, the date before that; in the viewer's zone."""
    if value is None:
        return ""
    zone = ZoneInfo(str(g.get("okno_zone") or _zone()))
    local, today = value.astimezone(zone), now().astimezone(zone)
    if local.date() == today.date():
        return str(format_time(value, "HH:mm"))
    if local.year == today.year:
        return str(format_datetime(value, "d MMM, HH:mm"))
    return str(format_date(value, "d MMM yyyy"))


def _zone() -> str:
    from flask_babel import get_timezone

    g.okno_zone = str(get_timezone() or "UTC")
    return str(g.okno_zone)


def iso(value: datetime | None) -> str:
    """For ``<time datetime>`` and scripts."""
    return value.isoformat() if value else ""
