"""The admin page of voice, and the agent's «Hang up»."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template

from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import ServiceEntry
from core.permissions import require
from core.web.auth import current_user
from plugins.voice import operations, switchboard

blueprint = Blueprint("voice", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting as the page shows it; a secret only as set or not."""

    key: str
    value: str
    source: str
    help: Text


def shown_settings() -> list[ShownSetting]:
    """The plugin's settings, where each value comes from."""
    config = okno().config
    shown = []
    for key, setting in config.declared.items():
        if key.startswith("voice."):
            value = config.get(key)
            text = (
                ("••••" if value else "")
                if setting.secret
                else ", ".join(value)
                if isinstance(value, list)
                else str(value)
            )
            shown.append(ShownSetting(key, text, config.sources[key], setting.help))
    return shown


@blueprint.get("/admin/voice")
@require("admin.view")
def overview() -> str:
    """What carries calls, the numbers and settings."""
    entries = db.session.scalars(
        db.select(ServiceEntry).where(ServiceEntry.channel == operations.CHANNEL).order_by(ServiceEntry.address)
    )
    return render_template(
        "voice/admin.html",
        settings=shown_settings(),
        entries=entries.all(),
        backends=okno().telephony_backends,
        status=switchboard.status() if okno().telephony_backends else None,
    )


@blueprint.post("/voice/calls/<int:interaction_id>/hang-up")
@require("case.reply")
def hang_up(interaction_id: int) -> Response:
    """The agent ends the call; the desk then asks for the disposition."""
    user = current_user()
    assert user is not None
    operations.hang_up(interaction_id, user.id)
    return Response(status=204, headers={"HX-Trigger": '{"okno:around": {}}'})
