"""How browsers find the voice process: the STUN and TURN servers of the settings, none unless they are set.

TURN credentials are those of the TURN REST API (draft-uberti-behave-turn-rest-00), which coturn takes with ``use-auth-secret``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from core.clock import now
from core.house import okno

CREDENTIAL_SECONDS = 6 * 3600


def servers(who: str) -> list[dict[str, Any]]:
    """The ``iceServers`` of a browser's RTCConfiguration; ``who`` is a word that the TURN server's log shows."""
    config = okno().config
    found: list[dict[str, Any]] = [{"urls": [f"stun:{place}"]} for place in config.get("voice.stun")]
    if turn := config.get("voice.turn"):
        found.append({"urls": [f"turn:{turn}"], **_credentials(who, config.get("voice.turn_secret"))})
    return found


def _credentials(who: str, secret: str) -> dict[str, str]:
    if not secret:
        return {}
    name = f"{int(now().timestamp()) + CREDENTIAL_SECONDS}:{who}"
    password = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return {"username": name, "credential": base64.b64encode(password).decode()}
