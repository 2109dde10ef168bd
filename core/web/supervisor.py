"""The supervisor's page «Операторы»: who does what now, how the day went, and what may be decided for an agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, render_template, request
from flask_babel import get_timezone

from core import leaving, presence, supervision
from core.clock import now
from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import Team, User
from core.permissions import require
from core.states_history import Span, totals
from core.web import drawing
from core.web.desk_frame import signed_in
from core.web.language import here
from core.web.state_views import choices, state_words

blueprint = Blueprint("supervisor", __name__)
SHOWN = ("ready", "ringing", "busy", "wrap_up", "not_ready", "offline")
# The bar shows a working day at least, so that the first hour of a shift does not fill it.
SHORTEST = timedelta(hours=8)
WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """What part of the day the bars show."""

    began: datetime
    ended: datetime

    def place(self, moment: datetime) -> float:
        """Where a moment lies on a bar of 1000 units."""
        share = (moment - self.began) / (self.ended - self.began)
        return round(min(1.0, max(0.0, share)) * WIDTH, 1)

    @property
    def hours(self) -> list[tuple[float, datetime]]:
        """Full hours inside, with their places."""
        count = int((self.ended - self.began) / timedelta(hours=1))
        marks = [self.began + timedelta(hours=number) for number in range(1, count + 1)]
        return [(self.place(mark), mark) for mark in marks if mark < self.ended]


def _midnight() -> datetime:
    return now().astimezone(get_timezone()).replace(hour=0, minute=0, second=0, microsecond=0)


def _window(agents: list[supervision.Watched]) -> Window:
    """From the hour in which the first agent came until now, eight hours at least."""
    came = [span.began for agent in agents for span in agent.spans if span.state != presence.OFFLINE]
    began = _asked_beginning() or min(came, default=now())
    began = began.astimezone(get_timezone()).replace(minute=0, second=0, microsecond=0)
    return Window(began, max(began + SHORTEST, now()))


def _asked_beginning() -> datetime | None:
    """The page's own window, so that a fresh row fits among the others."""
    try:
        return datetime.fromisoformat(request.args.get("began", ""))
    except ValueError:
        return None


def _chosen(teams: list[Team]) -> list[Team]:
    asked = request.args.get("team", "")
    return [team for team in teams if not asked.isdigit() or team.id == int(asked)] or teams


def span_words(span: Span) -> str:
    """«Обед 13:02–13:40, 38 мин»."""
    minutes = max(1, round(span.seconds / 60)) if span.seconds >= 30 else 0
    lasted = Text(f"{minutes} min" if minutes else "under a minute", f"{minutes} мин" if minutes else "меньше минуты")
    label = state_words(span.state, span.reason).to(here())
    return f"{label} {drawing.moment(span.began, 'time')}–{drawing.moment(span.ended, 'time')}, {lasted.to(here())}"


def _drawn(agents: list[supervision.Watched], window: Window) -> dict[str, object]:
    return {
        "agents": agents,
        "names": supervision.names_of(agents),
        "window": window,
        "span_words": span_words,
        "totals": totals,
        "channels": okno().channels,
        "reasons": choices(),
        "offline": presence.OFFLINE,
    }


@blueprint.get("/supervisor/agents")
@require("supervisor.view")
def agents() -> str:
    """All agents of the supervisor's teams, or of one of them."""
    teams = supervision.teams_of(signed_in())
    chosen = _chosen(teams)
    found = supervision.watched(chosen, _midnight(), now())
    return render_template(
        "supervisor/agents.html",
        teams=teams,
        team=chosen[0].id if len(chosen) == 1 and len(teams) > 1 else None,
        counts=supervision.count_states(chosen),
        states=SHOWN,
        **_drawn(found, _window(found)),
    )


@blueprint.get("/supervisor/agents/rows")
@require("supervisor.view")
def rows() -> str:
    """Fresh rows of some agents (``id``, several), with the counts above them."""
    teams = _chosen(supervision.teams_of(signed_in()))
    ids = [int(text) for text in request.args.getlist("id")[:200] if text.isdigit()]
    found = supervision.watched(teams, _midnight(), now(), ids)
    counts = supervision.count_states(teams)
    return render_template("supervisor/fresh.html", counts=counts, states=SHOWN, **_drawn(found, _window(found)))


@blueprint.post("/supervisor/agents/<int:agent_id>/state")
@require("supervisor.view")
def force(agent_id: int) -> Response:
    """Ready, or Not ready with a reason."""
    state, reason = request.form.get("state", ""), request.form.get("reason", "")
    outcome = supervision.force(signed_in(), agent_id, state, reason)
    words = state_words(state, reason)
    said = {
        "now": Text(f"The state is now «{words.en}»", f"Состояние изменено: «{words.ru}»"),
        "later": Text(
            f"«{words.en}» comes after the work in hand; nothing new is offered",
            f"«{words.ru}» включится после текущих обращений; новые не предлагаются",
        ),
        "same": Text("Nothing has changed", "Состояние и так такое"),
    }[outcome]
    return Response(
        status=204, headers={"HX-Trigger": drawing.trigger(toast={"level": "info", "text": said.to(here())})}
    )


@blueprint.get("/supervisor/agents/<int:agent_id>/out")
@require("supervisor.view")
def ask_out(agent_id: int) -> str:
    """What would be left behind, before the session is ended."""
    user = db.get_or_404(User, agent_id)
    return render_template("supervisor/out.html", user=user, found=leaving.in_hand(agent_id), channels=okno().channels)


@blueprint.post("/supervisor/agents/<int:agent_id>/out")
@require("supervisor.view")
def sign_out(agent_id: int) -> Response:
    """End the agent's session."""
    supervision.sign_out(signed_in(), agent_id)
    said = Text("The agent has been signed out", "Сеанс оператора завершён")
    return Response(
        status=204,
        headers={"HX-Trigger": drawing.trigger(toast={"level": "good", "text": said.to(here())}, **{"okno:out": {}})},
    )
