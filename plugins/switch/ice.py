"""How the switch and browsers find each other: addresses of this machine, STUN and TURN servers of the settings.

TURN credentials are those of the TURN REST API (draft-uberti-behave-turn-rest-00), which coturn takes with ``use-auth-secret``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aioice.ice
from aiortc import RTCConfiguration, RTCIceServer

CREDENTIAL_SECONDS = 24 * 3600
LOOPBACK = "127.0.0.1"

_addresses_of_machine = aioice.ice.get_host_addresses


def configuration(settings: Mapping[str, Any]) -> RTCConfiguration:
    """The servers to ask, by ``switch.stun``, ``switch.turn``, ``switch.turn_secret``; none are asked unless they are set."""
    servers = [RTCIceServer(urls=f"stun:{address}") for address in settings.get("switch.stun") or ()]
    if turn := settings.get("switch.turn"):
        name, password = credentials(str(settings.get("switch.turn_secret") or ""), time.time())
        servers.append(RTCIceServer(urls=f"turn:{turn}", username=name, credential=password))
    return RTCConfiguration(iceServers=servers)


def credentials(secret: str, moment: float) -> tuple[str, str]:
    """A user name that is good for a day from ``moment`` (seconds since the epoch) and its password."""
    name = f"{int(moment) + CREDENTIAL_SECONDS}:switch"
    password = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return name, base64.b64encode(password).decode()


def offer_addresses(chosen: Sequence[str]) -> None:
    """From now on offer these addresses of the machine; with none chosen all of it, or loopback where there is nothing else.

    aioice leaves out 127.0.0.1 and has no setting for addresses, hence its function is replaced.
    """

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return list(chosen) or _addresses_of_machine(use_ipv4, use_ipv6) or [LOOPBACK]

    aioice.ice.get_host_addresses = addresses


def without_hidden_candidates(sdp: str) -> str:
    """The offer without ``.local`` candidates, which only multicast DNS could resolve, and without the word that no more come.

    A page without microphone permission offers nothing else; its real address is learnt from its first check, for which the
    list must not count as complete.
    """
    lines = sdp.replace("\r\n", "\n").split("\n")
    kept = [line for line in lines if line != "a=end-of-candidates" and not _is_hidden(line)]
    return "\r\n".join(kept)


def _is_hidden(line: str) -> bool:
    return line.startswith("a=candidate:") and ".local " in line
