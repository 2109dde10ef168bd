"""Recordings of calls on pages: beside a case, and all of them for who may hear them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Response, abort, render_template, request
from flask_babel import get_timezone

from core.clock import now
from core.contracts import Rejected
from core.model import Service
from core.permissions import require
from core.web import case_views, desk_queries
from core.web.desk_frame import signed_in
from plugins.voice.feature_frame import feature_blueprint, plain_number, serve_sound
from plugins.voice.recordings import library
from plugins.voice.voicemail.messages_left import length_of

blueprint = feature_blueprint("recordings")
DAYS = 7
MOST_DAYS = 400
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)


@blueprint.get("/voice/recordings/case")
@require(library.PERMISSION)
def of_case() -> str:
    """The panel beside the case ``case``."""
    case = case_views.seen_case(plain_number("case"))
    return render_template("voice/recordings_panel.html", rows=library.of_case(case.id), length_of=length_of)


@blueprint.get("/voice/recordings")
@require(library.PERMISSION)
def all_recordings() -> str:
    """What was recorded in a time, narrowed by service."""
    since, until = period()
    services: list[Service] = desk_queries.services_to_choose(signed_in())
    service_id = plain_number("service") or None
    rows = library.page(since, until, service_id=service_id, before=plain_number("before") or None)
    more = rows[49].id if len(rows) > 50 else None
    return render_template(
        "voice/recordings.html",
        rows=rows[:50],
        more=more,
        first=shown_day("from", DAYS),
        last=shown_day("until", 0),
        services=services,
        service_id=service_id,
        length_of=length_of,
    )


@blueprint.get("/voice/recordings/<int:recording_id>")
@require(library.PERMISSION)
def sound(recording_id: int) -> Response:
    """The sound; who may see the case of the call may hear it."""
    try:
        row = library.get(recording_id)
    except Rejected:
        abort(404)
    if row.case_id is not None:
        case_views.seen_case(row.case_id)
    if "Range" not in request.headers or request.headers["Range"].startswith("bytes=0-"):
        library.note_listening(recording_id)
    return serve_sound(row.sha256, "audio/ogg", f"call-{row.call_id}-{row.started_at:%Y-%m-%d-%H%M}.ogg")


@blueprint.post("/voice/recordings/<int:recording_id>/remove")
@require("admin.services")
def remove(recording_id: int) -> Response:
    """Take one away for good."""
    library.remove(recording_id)
    return Response("")


# --- days --------------------------------------------------------------------------------------------


def shown_day(name: str, days_back: int) -> date:
    """The day that the address names, in the viewer's zone; without one, so many days ago."""
    try:
        return min(max(date.fromisoformat(request.values.get(name, "")), EARLIEST), LATEST)
    except ValueError:
        return now().astimezone(_zone()).date() - timedelta(days=days_back)


def _zone() -> ZoneInfo:
    return ZoneInfo(str(get_timezone() or "UTC"))


def period() -> tuple[datetime, datetime]:
    """From the first moment of the day ``from`` to the last of the day ``until``, at most :data:`MOST_DAYS` days."""
    first, last = shown_day("from", DAYS), shown_day("until", 0)
    last = min(max(first, last), first + timedelta(days=MOST_DAYS))
    begin = datetime.combine(first, time.min, _zone())
    return begin, datetime.combine(last + timedelta(days=1), time.min, _zone())
