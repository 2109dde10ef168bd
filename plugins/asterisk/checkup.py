"""What ``okno asterisk check`` finds out: whether Asterisk can be asked, has what we need loaded, and knows our endpoints."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from core.contracts import HealthCheck
from plugins.asterisk.ari import AriClient, AriError
from plugins.asterisk.driver import Options

OLDEST = 20
MODULES = (
    "app_stasis",
    "format_wav",
    "res_http_websocket",
    "res_musiconhold",
    "res_pjsip_transport_websocket",
    "res_srtp",
    "res_stasis_answer",
    "res_stasis_playback",
    "res_stasis_recording",
    "res_stasis_snoop",
)
TECHNOLOGY = re.compile(r"PJSIP/(?:[^@/]*@)?([\w-]+)")


async def checks(options: Options) -> list[HealthCheck]:
    """All that can be found out, in the order of mending; after the first failure to reach Asterisk nothing more is asked."""
    found = []
    async for check in _checks(AriClient(options.address), options):
        found.append(check)
        if not check.ok and check.name in ("address", "password"):
            break
    return found


async def _checks(ari: AriClient, options: Options) -> AsyncIterator[HealthCheck]:
    try:
        yield await _version(ari)
        yield await _application(ari)
        for module in MODULES:
            yield await _module(ari, module)
        for endpoint in _endpoints(options):
            yield await _endpoint(ari, endpoint)
        yield await _sip(options)
        yield _sounds(options.sounds_folder)
    finally:
        ari.close()


async def _version(ari: AriClient) -> HealthCheck:
    try:
        info = await ari.get("asterisk", "info", only="system")
    except AriError as error:
        if error.status == 401:
            return HealthCheck(
                "password", False, str(error), "asterisk.user and asterisk.password must be those of ari.conf"
            )
        mend = (
            "is ari.conf enabled, and is res_ari loaded?"
            if error.status == 404
            else "asterisk.url, http.conf, a firewall"
        )
        return HealthCheck("address", False, str(error), mend)
    version = str(info["system"]["version"])
    major = re.match(r"\d+", version)
    recent = major is None or int(major.group()) >= OLDEST
    return HealthCheck("version", recent, version, "" if recent else f"written for Asterisk {OLDEST} and later")


async def _application(ari: AriClient) -> HealthCheck:
    try:
        await ari.get("applications", ari.address.app)
    except AriError as error:
        return HealthCheck(
            "application", False, str(error), "is Okno's voice process running, with voice.backend = asterisk?"
        )
    return HealthCheck("application", True, f"«{ari.address.app}» is listened to")


async def _module(ari: AriClient, module: str) -> HealthCheck:
    try:
        found = await ari.get("asterisk", "modules", f"{module}.so")
    except AriError as error:
        return HealthCheck(module, False, str(error), f"load {module}.so in modules.conf")
    running = found.get("status") == "Running"
    return HealthCheck(module, running, str(found.get("status")), "" if running else f"module reload {module}.so")


def _endpoints(options: Options) -> list[str]:
    dialled = [TECHNOLOGY.match(template) for template in (options.dial, options.dial_sip)]
    names = [options.web_user, *(found.group(1) for found in dialled if found)]
    return list(dict.fromkeys(name for name in names if name))


async def _endpoint(ari: AriClient, endpoint: str) -> HealthCheck:
    try:
        found = await ari.get("endpoints", "PJSIP", endpoint)
    except AriError as error:
        return HealthCheck(
            f"endpoint {endpoint}", False, str(error), "it is missing in pjsip.conf; see docs/asterisk.md"
        )
    return HealthCheck(f"endpoint {endpoint}", True, str(found.get("state") or "known"))


async def _sip(options: Options) -> HealthCheck:
    """Whether browsers' offers can be carried to Asterisk."""
    name = "SIP over WebSocket"
    try:
        async with connect(options.address.websocket("/ws"), subprotocols=[Subprotocol("sip")], open_timeout=5):
            return HealthCheck(name, True, "is taken")
    except (OSError, TimeoutError, WebSocketException) as error:
        return HealthCheck(name, False, str(error), "a transport with protocol = ws in pjsip.conf")


def _sounds(folder: Path) -> HealthCheck:
    mend = "make asterisk.sounds_folder writable for Okno and readable for Asterisk"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".okno"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return HealthCheck("sounds", False, str(error), mend)
    readable = bool(folder.stat().st_mode & 0o005)
    return HealthCheck("sounds", readable, str(folder), "" if readable else mend)
