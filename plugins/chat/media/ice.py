"""How the browsers of a call find each other: the STUN and TURN servers of the settings, none unless they are set.

TURN credentials are those of the TURN REST API (draft-uberti-behave-turn-rest-00), which coturn takes with ``use-auth-secret``:
the user name is the second it expires at, the password the base64 of its HMAC-SHA1 under the secret shared with the server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from core.clock import now
from core.contracts import HealthCheck
from core.house import okno

CREDENTIAL_SECONDS = 6 * 3600
SCHEMES = ("stun:", "stuns:", "turn:", "turns:")
TURN = ("turn:", "turns:")


def configuration(who: str) -> dict[str, Any]:
    """The RTCConfiguration for ``who``, a word that the TURN server's log shows; its credentials are good for six hours."""
    config = okno().config
    urls: list[str] = config.get("chat.ice_servers")
    servers = [{"urls": [url], **(_credentials(who) if url.startswith(TURN) else {})} for url in urls]
    relay = config.get("chat.relay_only")
    return {"iceServers": servers, "iceTransportPolicy": "relay" if relay else "all"}


def _credentials(who: str) -> dict[str, str]:
    secret = okno().config.get("chat.turn_secret")
    if not secret:
        return {}
    name = f"{int(now().timestamp()) + CREDENTIAL_SECONDS}:{who}"
    password = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return {"username": name, "credential": base64.b64encode(password).decode()}


def health() -> HealthCheck:
    """Whether the settings of calls make sense together."""
    config = okno().config
    urls = config.get("chat.ice_servers")
    wrong = [url for url in urls if not url.startswith(SCHEMES)]
    turn = [url for url in urls if url.startswith(TURN)]
    if wrong:
        return HealthCheck(
            "chat calls", False, f"not addresses of STUN or TURN: {', '.join(wrong)}", "chat.ice_servers"
        )
    if config.get("chat.relay_only") and not turn:
        mend = "name a TURN server in chat.ice_servers, or switch chat.relay_only off"
        return HealthCheck("chat calls", False, "calls may only go through a TURN server and there is none", mend)
    if turn and not config.get("chat.turn_secret"):
        return HealthCheck("chat calls", False, "the TURN server has no shared secret", "set chat.turn_secret")
    detail = f"{len(turn)} TURN, {len(urls) - len(turn)} STUN" if urls else "direct only (no STUN, no TURN)"
    return HealthCheck("chat calls", True, detail)
