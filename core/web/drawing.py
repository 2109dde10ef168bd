"""What every template may use: times in the viewer's zone, static addresses, sizes, words for the scripts."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, request, url_for
from flask_babel import format_date, format_datetime, format_decimal, format_time, get_timezone
from flask_babel import gettext as _

from core.clock import now
from core.demo.accounts import PASSWORD, demo_accounts
from core.model import Contact
from core.own_settings import formatted
from core.schemas import INTERNAL
from core.web.language import here, titled

THEMES = ("light", "dark")
SIZES = (("B", "Б"), ("KB", "КБ"), ("MB", "МБ"), ("GB", "ГБ"))


def static_url(name: str) -> str:
    """The address of a static file, changing whenever the file does, so that browsers may keep it."""
    return url_for("static", filename=name, v=_stamp(Path(current_app.static_folder or "") / name))


@lru_cache(maxsize=1000)
def _stamp(path: Path) -> str:
    """When the file was changed; read once, because a page has a hundred icons of one file."""
    try:
        return f"{int(path.stat().st_mtime):x}"
    except FileNotFoundError:
        return "0"


def moment(at: datetime | None, style: str = "short") -> str:
    """A time for people: today the hour, this year the day and hour, else the date. "long" is complete."""
    if at is None:
        return ""
    if style == "long":
        return str(format_datetime(at, "d MMMM yyyy, HH:mm:ss"))
    zone = get_timezone() or ZoneInfo("UTC")
    local, today = at.astimezone(zone), now().astimezone(zone)
    if style == "day":
        return str(format_date(local, "d MMMM yyyy" if local.year != today.year else "d MMMM", rebase=False))
    if local.date() == today.date() or style == "time":
        return str(format_time(at, "HH:mm"))
    if style == "day-time" or local.year == today.year:
        return str(format_datetime(at, "d MMM, HH:mm"))
    return str(format_date(local, "d MMM yyyy", rebase=False))


def clock_in(zone: str) -> str:
    """The hour now in ``zone``; "" for a zone nobody knows."""
    try:
        return now().astimezone(ZoneInfo(zone)).strftime("%H:%M")
    except (KeyError, ValueError):
        return ""


def elapsed(at: datetime | None) -> str:
    """Time since ``at``: 0:07, 12:30, 3:05:00, or days and hours; js/clock.js counts on in the same shape."""
    if at is None:
        return ""
    seconds = max(0, int((now() - at).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return str(_("%(days)sd %(hours)sh", days=days, hours=hours % 24))
    if hours:
        return f"{hours}:{minutes % 60:02}:{seconds % 60:02}"
    return f"{minutes}:{seconds % 60:02}"


def lasted(seconds: float | None) -> str:
    """How long something took, in words: 40 s, 15 min, 2 h, 2 h 5 min, 3 d 4 h; a dash for None."""
    if seconds is None:
        return "—"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return str(_("%(days)sd %(hours)sh", days=days, hours=hours % 24))
    if hours:
        whole = _("%(hours)s h", hours=hours)
        return str(_("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60) if minutes % 60 else whole)
    return str(_("%(minutes)s min", minutes=minutes) if minutes else _("%(seconds)s s", seconds=int(seconds)))


def decimal(number: float) -> str:
    """A number with one digit after the point where it has any: 4, 3,5."""
    return str(format_decimal(round(number, 1)))


def file_size(size: int) -> str:
    """Bytes for people: 24 KB, 1.4 MB."""
    value, step = float(size), 0
    while value >= 1000 and step < len(SIZES) - 1:
        value, step = value / 1024, step + 1
    number = f"{value:.1f}" if step > 1 and value < 10 else f"{value:.0f}"
    if here() == "ru":
        number = number.replace(".", ",")
    return f"{number} {SIZES[step][here() == 'ru']}"


def accounts_to_try() -> list[tuple[str, str]]:
    """Logins of the demo centre, with their roles, for the sign-in page."""
    return demo_accounts(here())


def today_words() -> str:
    """Today's day of the week and date in words."""
    return str(format_date(None, "EEEE, d MMMM"))


def initials(name: str) -> str:
    """Two letters at most, for an avatar."""
    words = [word for word in name.replace("«", " ").replace('"', " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def theme() -> str:
    """The chosen theme, "" to follow the system."""
    chosen = request.cookies.get("okno_theme", "")
    return chosen if chosen in THEMES else ""


def page_texts() -> dict[str, str]:
    """Words the scripts show, in the viewer's language."""
    return {
        "copied": _("Copied"),
        "dismiss": _("Dismiss"),
        "failed": _("It did not work. Try again."),
        "offline": _("No connection to the server. Your text is kept."),
        "reconnecting": _("Restoring the connection…"),
        "close_tab": _("Close tab"),
        "new_offer": _("New interaction"),
        "days": _("d"),
        "hours": _("h"),
        "minutes": _("min"),
        "late": _("late by"),
        "left": _("left"),
        "ago": _("ago"),
        "just_now": _("just now"),
        "draft_saved": _("Draft saved"),
        "draft_saving": _("Saving…"),
        "draft_unsaved": _("Draft not saved"),
        "show_quote": _("Show quoted text"),
        "too_many_tabs": _("Close a tab first: at most 30 are open"),
        "refused_offline": _("No connection: this was not done. Try again when the line at the top is gone."),
        "show_pictures": _("Show pictures"),
        "file_too_large": _("«{0}» is larger than {1} MB: compress it or send a link."),
        "remove_file": _("Remove {0}"),
    }


def key_words() -> dict[str, str]:
    """What each of the desk's keys does, by the names of static/js/shortcuts.js."""
    return {
        "search": _("Search"),
        "keys": _("This sheet"),
        "home": _("Home"),
        "queue": _("Group queue"),
        "cases": _("My cases"),
        "directory": _("Directory"),
        "knowledge": _("Search the knowledge base"),
        "side": _("Collapse or expand the side panel"),
        "next_tab": _("Next tab"),
        "previous_tab": _("Previous tab"),
        "close_tab": _("Close the tab"),
        "close": _("Close what lies on top"),
        "ready": _("Ready"),
        "not_ready": _("Not ready"),
        "accept": _("Accept an offer"),
        "reject": _("Reject an offer"),
        "next_interaction": _("Next interaction"),
        "previous_interaction": _("Previous interaction"),
        "answer": _("Write an answer"),
        "note": _("Write a note"),
        "send": _("Send"),
        "send_finish": _("Send and finish"),
        "finish": _("Choose the outcome"),
        "ping": _("Ask a colleague"),
        "help": _("Ask for help"),
        "hold": _("Hold or retrieve"),
        "mute": _("Microphone off or on"),
        "transfer": _("Transfer or conference"),
        "blind_transfer": _("Transfer without asking"),
        "consult": _("Consult a colleague"),
        "conference": _("Conference"),
        "hang_up": _("Hang up"),
    }


def fragment_wanted() -> bool:
    """Whether htmx asks for a piece of a page rather than a browser for a page."""
    return request.headers.get("HX-Request") == "true"


def trigger(**events: Any) -> str:
    """The value of an ``HX-Trigger`` header that raises ``events`` in the page; ASCII, as headers must be."""
    return json.dumps(events)


def address_words(value: str) -> str:
    """An address as people write it: a number, an email, an internal number; "" for what only a channel knows a contact by."""
    if value.startswith("+") or "@" in value or INTERNAL.fullmatch(value):
        return formatted(value)
    return ""


def contact_name(contact: Contact | None, address: str = "") -> str:
    """What to call whoever writes or calls: the name, else the address if people can read it."""
    return (contact.name if contact else "") or address_words(address) or _("Unnamed contact")


def install(app: Flask) -> None:
    """Give the templates of ``app`` their filters and globals."""
    app.jinja_env.filters.update(datetime=moment, filesize=file_size, lasted=lasted)
    app.jinja_env.globals.update(
        titled=titled,
        address_words=address_words,
        contact_name=contact_name,
        static_url=static_url,
        elapsed=elapsed,
        initials=initials,
        today_words=today_words,
        demo_accounts=accounts_to_try,
        demo_password=PASSWORD,
        clock_in=clock_in,
        decimal=decimal,
        viewer_zone=lambda: str(get_timezone() or "UTC"),
        page_texts=page_texts,
        key_words=key_words,
        now_iso=lambda: now().isoformat(),
    )

    @app.context_processor
    def _page() -> dict[str, Any]:
        layout = "desk/bare.html" if fragment_wanted() else "desk/shell.html"
        return {"theme": theme(), "panel_layout": layout, "fragment": fragment_wanted()}
