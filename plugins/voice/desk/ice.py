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
# Anybody may ask as a visitor: long enough for a call to begin; a relay that stands goes on without new ones.
VISITOR_SECONDS = 3600


def servers(who: str, seconds: int = CREDENTIAL_SECONDS) -> list[dict[str, Any]]:
    """The ``iceServers`` of a browser's RTCConfiguration, good for ``seconds``; ``who`` is a word that the TURN server's log shows."""
    config = okno().config
    found: list[dict[str, Any]] = [{"urls": [f"stun:{place}"]} for place in config.get("voice.stun")]
    if turn := config.get("voice.turn"):
        found.append({"urls": [f"turn:{turn}"], **_credentials(who, config.get("voice.turn_secret"), seconds)})
    return found


def _credentials(who: str, secret: str, seconds: int) -> dict[str, str]:
    if not secret:
        return {}
    name = f"{int(now().timestamp()) + seconds}:{who}"
    password = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return {"username": name, "credential": base64.b64encode(password).decode()}
