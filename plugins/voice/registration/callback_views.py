"""Callbacks on a page of the journal of calls: who waits and whose turn it is; agents take over, put off and cancel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, render_template, request
from flask_babel import get_timezone

from core.clock import now
from core.db import db
from core.model import Interaction
from core.permissions import require
from core.web import desk_queries
from core.web.desk_commands import done, opens
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.voice.calls import dialling
from plugins.voice.feature_frame import feature_blueprint, plain_number
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.recordings.views import DAYS, period, shown_day
from plugins.voice.registration import callback_list, callbacks
from plugins.voice.registration.callback_list import Asked
from plugins.voice.sheets import sheet_answer

blueprint = feature_blueprint("callbacks")
SOON = timedelta(minutes=30)
STEP = 5


def _asked() -> Asked:
    since, until = period()
    state = request.args.get("state", "")
    return Asked(since, until, state if state in callback_list.TITLES else "", desk_queries.service_ids(signed_in()))


def _listed() -> dict[str, Any]:
    asked = _asked()
    rows = callback_list.page(asked, beyond=plain_number("beyond") or None, limit=callback_list.PAGE + 1)
    more = rows[callback_list.PAGE - 1].callback.id if len(rows) > callback_list.PAGE else None
    return {
        "asked": asked,
        "rows": rows[: callback_list.PAGE],
        "more": more,
        "beyond": plain_number("beyond") or "",
        "counts": callback_list.counts(asked),
        "titles": callback_list.TITLES,
        "state_words": callback_list.WORDS,
        "first": shown_day("from", DAYS),
        "last": shown_day("until", 0),
        "most_attempts": callbacks.most_attempts(),
    }


@blueprint.get("/voice/callbacks")
@require("voice.call")
def shown() -> str:
    """The page: what is open from the oldest on, or one state (``state``); ``beyond`` pages on."""
    return render_template("voice/callbacks.html", **_listed())


@blueprint.get("/voice/callbacks/rows")
@require("voice.call")
def rows() -> str:
    """Its rows, fetched anew when something has happened."""
    return render_template("voice/callback_rows.html", **_listed())


@blueprint.get("/voice/callbacks.csv")
@require("voice.call")
def csv() -> Response:
    """The same for a spreadsheet."""
    return sheet_answer(callback_list.callbacks_csv(callback_list.every(_asked()), here()), "callbacks")


def _seen(callback_id: int) -> VoiceCallback:
    """A callback of a service that the viewer serves, else 404."""
    row = db.session.get(VoiceCallback, callback_id)
    services = desk_queries.service_ids(signed_in())
    if row is None or (services is not None and row.service_id not in services):
        abort(404)
    return row


@blueprint.post("/voice/callbacks/<int:callback_id>/take")
@require("voice.call")
def take(callback_id: int) -> Response:
    """The viewer calls now; the case opens. Nothing is taken while no line is connected."""
    _seen(callback_id)
    dialling.require_lines()
    interaction_id = callbacks.take_over(callback_id, signed_in().id)
    return done(**opens(db.session.get_one(Interaction, interaction_id).case_id, interaction_id))


@blueprint.get("/voice/callbacks/<int:callback_id>/<any(postpone, cancel):what>")
@require("voice.call")
def dialog(callback_id: int, what: str) -> str:
    """What is asked before it is put off or cancelled."""
    zone = _zone()
    soon = (now() + SOON).astimezone(zone)
    soon += timedelta(minutes=-soon.minute % STEP)
    latest = (now() + callbacks.LATEST).astimezone(zone)
    return render_template(
        "voice/callback_dialog.html", row=_seen(callback_id), what=what, soon=_typed(soon), latest=_typed(latest)
    )


@blueprint.post("/voice/callbacks/<int:callback_id>/postpone")
@require("voice.call")
def postpone(callback_id: int) -> Response:
    """Until the time ``at`` in the viewer's zone."""
    _seen(callback_id)
    callbacks.postpone(callback_id, signed_in().id, _time())
    return done(**{"okno:task-done": {}})


@blueprint.post("/voice/callbacks/<int:callback_id>/cancel")
@require("voice.call")
def cancel(callback_id: int) -> Response:
    """For a ``reason``."""
    _seen(callback_id)
    callbacks.cancel(callback_id, signed_in().id, request.form.get("reason", ""))
    return done(**{"okno:task-done": {}})


def _zone() -> Any:
    return get_timezone() or ZoneInfo("UTC")


def _typed(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def _time() -> datetime:
    """What was chosen; what cannot be read is long past, which is refused."""
    try:
        typed = datetime.fromisoformat(request.form.get("at", ""))
    except ValueError:
        return datetime.fromtimestamp(0, ZoneInfo("UTC"))
    return typed if typed.tzinfo else typed.replace(tzinfo=_zone())
