"""Where Telegram sends updates in webhook mode."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, Response, request

from core.contracts import Rejected
from core.permissions import public
from core.web.security import own_proof
from plugins.telegram import bots, receiving

blueprint = Blueprint("telegram", __name__)
SECRET = "X-Telegram-Bot-Api-Secret-Token"


@blueprint.post("/webhook/<username>")
@public
@own_proof
def webhook(username: str) -> Response:
    """One update, proved by the secret that we gave to setWebhook; 200 once it is stored, so a repeat changes nothing."""
    try:
        bot = bots.get(username)
    except Rejected:
        return Response(status=404)
    if not hmac.compare_digest(request.headers.get(SECRET, "").encode(), bot.webhook_secret.encode()):
        return Response(status=401)
    update: Any = request.get_json(silent=True)
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        return Response(status=400)
    if not bot.active:
        return Response(status=503)
    receiving.take_in(bot.id, [update])
    return Response(status=200)
