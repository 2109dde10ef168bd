"""Bans: who is not served, why, since when; administrators lift them."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from core import bans
from core.permissions import require
from core.web.admin_frame import Answer, attempt, blueprint, done, draw, refused
from core.web.desk_frame import signed_in


@blueprint.get("/bans")
@require("admin.bans")
def bans_list() -> Answer:
    """Those in force, or those lifted."""
    lifted, before = "lifted" in request.args, request.args.get("before", type=int)
    rows = bans.bans(lifted=lifted, before_id=before, limit=bans.PAGE + 1)
    more = rows[bans.PAGE - 1].id if len(rows) > bans.PAGE else None
    return draw("bans", rows=rows[: bans.PAGE], lifted=lifted, more=more)


@blueprint.post("/bans/<int:ban_id>/lift")
@require("admin.bans")
def lift_ban(ban_id: int) -> Answer:
    """Serve the contact again."""
    errors = attempt(lambda: bans.lift(ban_id, signed_in().id))
    return refused(errors, "admin.bans_list") if errors else done("admin.bans_list", _("The ban is lifted"))
