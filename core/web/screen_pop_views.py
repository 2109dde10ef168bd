"""Screen pops at the desk: a tab, or a block beside the case. A foreign page lies in a frame of its own page.

That page alone may frame the pop's origin (its ``frame-src``), so that the desk's own policy stays closed.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request, url_for

from core import screen_pops
from core.house import okno
from core.model import Interaction
from core.permissions import require
from core.web import case_views, desk_frame
from core.web.language import titled

blueprint = Blueprint("pops", __name__)
FRAME_POLICY = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; frame-src {origin}; frame-ancestors 'self'; base-uri 'none'"


ICONS = {"url": "world", "script": "list-numbers", "form": "forms"}


def tabs_for(interaction: Interaction) -> list[dict[str, str]]:
    """The tabs that open when an interaction was accepted; none when screen pops stand beside the case."""
    if okno().config.get("cases.screen_pops") != "tabs":
        return []
    return [
        {
            "url": url_for("pops.pop", pop_id=pop.id, interaction_id=interaction.id),
            "title": f"{titled(pop)} · {interaction.case.number}",
            "icon": ICONS[pop.kind],
        }
        for pop in screen_pops.pops_of(interaction.service_id)
    ]


def _filled(pop_id: int, interaction_id: int) -> tuple[screen_pops.Filled, Interaction]:
    interaction = case_views.seen_interaction(interaction_id)
    pop = next((one for one in screen_pops.pops_of(interaction.service_id) if one.id == pop_id), None)
    if pop is None:
        abort(404)
    user = desk_frame.signed_in()
    return screen_pops.fill(pop, screen_pops.context_of(interaction, user.id)), interaction


@blueprint.get("/screen-pops/<int:pop_id>/<int:interaction_id>")
@require("case.view")
def pop(pop_id: int, interaction_id: int) -> str:
    """The tab."""
    filled, interaction = _filled(pop_id, interaction_id)
    return render_template(
        "desk/screen_pop.html", filled=filled, interaction=interaction, case=interaction.case, steps=screen_pops.steps
    )


@blueprint.get("/screen-pops/<int:pop_id>/<int:interaction_id>/frame")
@require("case.view")
def frame(pop_id: int, interaction_id: int) -> Response:
    """The page around the foreign one, the only one that may frame its origin."""
    filled, _interaction = _filled(pop_id, interaction_id)
    origin = screen_pops.origin_of(filled.url)
    own = request.host_url.rstrip("/")
    if not filled.url or not filled.pop.embed or origin in (None, own):
        abort(404)
    page = render_template("desk/screen_pop_frame.html", filled=filled)
    return Response(page, headers={"Content-Security-Policy": FRAME_POLICY.format(origin=origin)})
