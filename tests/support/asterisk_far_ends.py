"""Those at the other end of the model's trunk: people who call in, lift their telephone or don't, press keys and send REFER."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tests.support.asterisk_model import AriRefusal, AsteriskModel, Channel

APP = "okno"
ENDPOINT = re.compile(r"(PJSIP|Local)/([\w.+*#-]+)(@[\w-]+|/sips?:\S+)?")


class FarEnds:
    """``does`` says what a dialled endpoint does, and its tone: answer, busy, ring; what is not there is absent."""

    def __init__(self, model: AsteriskModel) -> None:
        self.model = model
        self.does: dict[str, tuple[str, int]] = {}

    def dial(self, channel_id: str, asked: dict[str, str]) -> Channel:
        """ARI originates a channel: it enters the application when the far end answers."""
        if not ENDPOINT.fullmatch(asked.get("endpoint", "")) or asked.get("app") != APP:
            raise AriRefusal(400, "Invalid parameters for originating a channel.")
        does, tone = self.does.get(asked["endpoint"], ("absent", 0))
        channel = self.model.new_channel(asked["endpoint"].split("@")[0], channel_id, tone=tone)
        channel.caller = ("", asked.get("callerId", ""))
        loop = asyncio.get_running_loop()
        later = {"answer": self._far_answer, "busy": self._far_busy, "absent": self._far_absent}.get(does)
        loop.call_soon(self._far_rings, channel, does)
        if later is not None:
            loop.call_soon(later, channel, asked)
        else:
            channel.timer = loop.call_later(float(asked.get("timeout", 30)), self._far_silent, channel)
        return channel

    def _far_rings(self, channel: Channel, does: str) -> None:
        if does in ("answer", "ring", "busy"):
            self.model.tell({"type": "Dial", "dialstatus": "", "peer": channel.view()})
            self.model.set_state(channel, "Ringing")
            self.model.tell({"type": "Dial", "dialstatus": "RINGING", "peer": channel.view()})

    def _far_answer(self, channel: Channel, asked: dict[str, str]) -> None:
        self.model.set_state(channel, "Up")
        self.model.tell({"type": "Dial", "dialstatus": "ANSWER", "peer": channel.view()})
        begun = asyncio.get_running_loop().time()
        channel.received = lambda: round(50 * (asyncio.get_running_loop().time() - begun))
        self.model.enter(channel, *asked.get("appArgs", "").split(","))

    def answer_far(self, channel_id: str) -> None:
        """Somebody whose telephone rings lifts it."""
        channel = self.model.channels[channel_id]
        assert channel.timer is not None
        channel.timer.cancel()
        self._far_answer(channel, {"appArgs": f"out,{channel_id}"})

    def _far_busy(self, channel: Channel, asked: dict[str, str]) -> None:
        self.model.tell({"type": "Dial", "dialstatus": "BUSY", "peer": channel.view()})
        self.model.end(channel, 17)

    def _far_absent(self, channel: Channel, asked: dict[str, str]) -> None:
        self.model.tell({"type": "Dial", "dialstatus": "CHANUNAVAIL", "peer": channel.view()})
        self.model.end(channel, 3)

    def _far_silent(self, channel: Channel) -> None:
        self.model.tell({"type": "Dial", "dialstatus": "NOANSWER", "peer": channel.view()})
        self.model.end(channel, 0)

    def call_in(self, number: str, to: str, tone: int, name: str = "", **headers: str) -> Channel:
        """Somebody calls a number of ours: the dialplan says Stasis(okno,in)."""
        channel = self.model.new_channel(
            "PJSIP/trunk", tone=tone, state="Ring", caller=(name, number), exten=to, headers=headers
        )
        begun = asyncio.get_running_loop().time()
        channel.received = lambda: round(50 * (asyncio.get_running_loop().time() - begun))
        self.model.enter(channel, "in")
        return channel

    def press(self, channel: Channel, digit: str) -> None:
        """The far end presses a key: told unless the channel's bridge passes digits by."""
        bridge = self.model.bridges.get(channel.bridge)
        if bridge is None or "dtmf_events" in bridge.type:
            told = {"type": "ChannelDtmfReceived", "digit": digit, "duration_ms": 120, "channel": channel.view()}
            self.model.tell(told)

    def refer(self, channel: Channel, destination: str, other: Channel | None = None) -> None:
        """The telephone sends REFER, with PJSIP_TRANSFER_HANDLING=ari-only."""
        refer_to: dict[str, Any] = {"requested_destination": {"destination": destination, "protocol_id": ""}}
        if other is not None:
            refer_to["destination_channel"] = other.view()
        referred_by = {"source_channel": channel.view()}
        told = {"type": "ChannelTransfer", "state": "Invalid", "refer_to": refer_to, "referred_by": referred_by}
        self.model.tell(told)
