"""What agents ask of a chat: each view calls one operation."""

from __future__ import annotations

from flask import Blueprint, Response

from core.permissions import require
from core.web.auth import current_user
from plugins.chat.desk import ending

blueprint = Blueprint("chat_desk", __name__)


@blueprint.post("/interactions/<int:interaction_id>/end")
@require("case.reply")
def end(interaction_id: int) -> Response:
    """The agent ends the chat; the desk then asks for the disposition."""
    user = current_user()
    assert user is not None
    ending.end(interaction_id, user.id)
    return Response(status=204, headers={"HX-Trigger": '{"okno:around": {}}'})
