"""The switch's gateway to telephones: SIP processes, which carry four calls each, and who gets the next one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import structlog

from core.telephony import DriverError
from plugins.switch.ends import PcmEnd
from plugins.switch.gateway import Calls
from plugins.switch.sip.agent_process import AgentProcess
from plugins.switch.sip.dispatcher import Dispatcher
from plugins.switch.sip.settings import chosen

log = structlog.get_logger("okno.switch")
NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
SIP_URI = re.compile(r"sips?:[\w.+*#-]{1,64}@[\w.:\[\]-]{1,255}", re.ASCII)
CALLER = re.compile(r"[\w.+*#-]{1,64}", re.ASCII)
DIGITS = re.compile(r"[0-9*#A-D,]{1,64}")
# What the PJSIP of the wheel was built for.
CALLS_EACH = 4
RTP_PORTS_EACH = 32


def chosen_gateway(settings: Mapping[str, Any]) -> SipGateway | None:
    """The gateway when ``switch.sip`` is on and its library is there; ``settings`` are all of the switch's."""
    if not settings.get("switch.sip"):
        return None
    if find_spec("pjsua2") is None:
        log.error("sip.not-installed", mend="pip install 'okno[sip]'")
        return None
    return SipGateway(chosen(settings))


class SipGateway:
    """See :class:`plugins.switch.gateway.Gateway`. ``settings`` are those of the switch whose names begin with ``sip``."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        count = -(-max(1, int(settings["sip_calls"])) // CALLS_EACH)
        host, _, port = settings["sip_listen"].rpartition(":")
        self.agents = [AgentProcess(self._of(number, host, int(port))) for number in range(count)]
        self._dispatcher = Dispatcher((host, int(port)), self._settings, self._port_for_a_call)
        self._first_port = int(port) + 1

    async def start(self, calls: Calls) -> None:
        """Start the processes, then take calls."""
        await asyncio.gather(*(agent.start(calls) for agent in self.agents))
        await self._dispatcher.start()

    async def stop(self) -> None:
        """End all calls and the processes."""
        await asyncio.gather(*(agent.stop() for agent in self.agents))
        self._dispatcher.stop()

    async def originate(
        self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]
    ) -> PcmEnd:
        """See the protocol. Raises ``bad-address``, ``full``, and ``failed`` while the processes are away."""
        uri = self._uri(address)
        agent = self._free()
        if agent is None:
            if any(one.ready.is_set() for one in self.agents):
                raise DriverError("full", "as many telephone calls as switch.sip_calls allows are up")
            raise DriverError("failed", self.agents[0].failure or "the SIP process is away")
        end = agent.add(leg)
        shown = caller if CALLER.fullmatch(caller) else ""
        agent.say(op="originate", leg=leg, uri=uri, caller=shown, seconds=seconds, headers=dict(headers))
        return end

    async def answer(self, leg: str) -> None:
        """See the protocol."""
        self._say(leg, op="answer")

    async def hangup(self, leg: str, cause: str) -> None:
        """See the protocol."""
        self._say(leg, op="hangup", cause=cause)
        for agent in self.agents:
            agent.ends.pop(leg, None)

    async def dtmf(self, leg: str, digits: str) -> None:
        """See the protocol. Raises ``failed`` for what no telephone has as a key."""
        if not DIGITS.fullmatch(digits.upper()):
            raise DriverError("failed", f"not digits of a telephone: {digits}")
        self._say(leg, op="dtmf", digits=digits.upper())

    # --- inside ---

    def _of(self, number: int, host: str, port: int) -> dict[str, Any]:
        """What one process is told: its own port behind the common one, its own stretch of ports for sound."""
        public = self._settings["sip_public"] or host
        return {
            **self._settings,
            "sip_listen": f"{host}:{port + 1 + number}",
            "sip_peers": [Dispatcher.relay_host(host)],
            "sip_register": self._settings["sip_register"] and number == 0,
            "sip_contact": f"{public}:{port}",
            "sip_rtp_port": int(self._settings["sip_rtp_port"]) + number * RTP_PORTS_EACH,
        }

    def _say(self, leg: str, **words: Any) -> None:
        for agent in self.agents:
            if leg in agent.ends:
                agent.say(leg=leg, **words)

    def _free(self) -> AgentProcess | None:
        free = [one for one in self.agents if one.ready.is_set() and one.load < CALLS_EACH]
        return min(free, key=lambda one: one.load, default=None)

    def _port_for_a_call(self) -> int | None:
        agent = self._free()
        if agent is None:
            return None
        agent.expect()
        return self._first_port + self.agents.index(agent)

    def _uri(self, address: str) -> str:
        kind, _, number = address.partition(":")
        trunk = self._settings.get("sip_trunk", "")
        if kind == "tel" and NUMBER.fullmatch(number) and trunk:
            return f"sip:{number.replace('#', '%23')}@{trunk}"
        if SIP_URI.fullmatch(address):
            return address
        raise DriverError(
            "bad-address", f"neither sip:<user>@<host> nor, with switch.sip_trunk, tel:<number>: {address}"
        )
