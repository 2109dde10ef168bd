"""The settings of SIP in PJSIP's words; imported in the SIP process only."""

from __future__ import annotations

import socket
from typing import Any

import pjsua2 as pj

# Half of what is heard above 8 kHz is lost, and half of the work of resampling.
MIX_RATE = 16_000
MOST_CALLS = 4


def endpoint_config() -> Any:
    """No threads but the clock's, no suppression of silence, quiet logs."""
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 1
    config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
    config.uaConfig.userAgent, config.uaConfig.maxCalls = "Okno", MOST_CALLS
    config.medConfig.clockRate = MIX_RATE
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    return config


def transport_config(settings: dict[str, Any]) -> Any:
    """Where we listen, and what the other side is told."""
    host, _, port = settings["sip_listen"].rpartition(":")
    config = pj.TransportConfig()
    config.port = int(port)
    config.boundAddress = "" if host in ("", "0.0.0.0") else host  # noqa: S104
    config.publicAddress = settings["sip_public"]
    return config


def account_config(settings: dict[str, Any], transport: Any) -> Any:
    """Who we are, at the provider when there is one."""
    trunk, user = settings["sip_trunk"], settings["sip_user"] or "okno"
    config = pj.AccountConfig()
    config.idUri = f"sip:{user}@{trunk or transport.publicAddress or transport.boundAddress or socket.gethostname()}"
    if settings["sip_password"]:
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, settings["sip_password"]))
    config.mediaConfig.transportConfig.boundAddress = transport.boundAddress
    config.mediaConfig.transportConfig.publicAddress = transport.publicAddress
    config.mediaConfig.transportConfig.port = int(settings["sip_rtp_port"])
    config.mediaConfig.transportConfig.portRange = 31
    return config


def registration_config(settings: dict[str, Any], transport: Any) -> Any:
    """How the provider finds us: at the common address, behind which the processes stand."""
    config = account_config(settings, transport)
    config.regConfig.registrarUri = f"sip:{settings['sip_trunk']}"
    config.sipConfig.contactForced = f"<sip:{settings['sip_user'] or 'okno'}@{settings['sip_contact']}>"
    return config
