"""What an agent does with the own state: one line a URL, each calls one operation."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState

from core import presence, states_away
from core.contracts import Text
from core.permissions import require
from core.web import drawing, state_views
from core.web.desk_frame import signed_in
from core.web.language import here

blueprint = Blueprint("states", __name__)
LATER = {
    presence.READY: Text("You will be ready after the work in hand", "Вы станете «Готов», когда закончите текущее"),
    presence.NOT_READY: Text(
        "After the work in hand; nothing new is offered to you",
        "Включится после текущих обращений; новые не предлагаются",
    ),
}


def done(**events: object) -> Response:
    """204, and the frame is drawn anew."""
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**{"okno:around": {}, **events})})


@blueprint.post("/desk/on")
@require("desk.use")
def sign_on() -> Response:
    """The desk is open (again, after a lost connection)."""
    presence.sign_on(signed_in().id)
    return done()


@blueprint.post("/desk/state")
@require("desk.use")
def set_state() -> Response:
    """Ready (when no state is named), or not ready with a reason; while busy it comes afterwards."""
    state = request.form.get("state", presence.READY)
    if presence.set_state(signed_in().id, state, request.form.get("reason", "")) != "later":
        return done()
    return done(toast={"level": "info", "text": LATER[state].to(here())})


@blueprint.post("/desk/state/cancel")
@require("desk.use")
def cancel_next() -> Response:
    """Take back what was asked for while busy."""
    presence.cancel_next(signed_in().id)
    return done()


@blueprint.post("/desk/active")
@require("desk.use")
def active() -> Response:
    """There was a key or a mouse move at the desk."""
    states_away.active(signed_in().id)
    return Response(status=204)


@blueprint.post("/desk/back")
@require("desk.use")
def back() -> Response:
    """«I am here» after an absence that the desk has noticed."""
    states_away.back(signed_in().id)
    return done()


@blueprint.record_once
def _drawing(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals.update(
        desk_state=state_views.state_view,
        state_reasons=state_views.choices,
        reason_text=state_views.reason_text,
        state_words=state_views.state_words,
        state_banner=state_views.banner,
    )
