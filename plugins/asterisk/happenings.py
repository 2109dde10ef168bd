"""What Asterisk tells, in the contract's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog

from plugins.asterisk.ari import AriError
from plugins.asterisk.book import Exchange, Leg

log = structlog.get_logger("okno.asterisk")
RINGING = ("RINGING", "PROGRESS", "PROCEEDING")
SIP_USER = re.compile(r"(?:sips?:)?([^@;>\s]+)")


class Happenings:
    """Handles events in their order. Those of helpers' channels concern whoever made them."""

    def __init__(
        self,
        exchange: Exchange,
        headers: Sequence[str],
        browser_arrived: Callable[[Leg], None],
        ended: Callable[[Leg], None],
        played: Callable[[str, str], None],
        stored: Callable[[str, str], None],
    ) -> None:
        self._exchange, self._headers = exchange, headers
        self._browser_arrived, self._ended, self._played, self._stored = browser_arrived, ended, played, stored
        self._by_type = {
            "StasisStart": self._entered,
            "ChannelStateChange": self._changed,
            "Dial": self._dialled,
            "ChannelDtmfReceived": self._digit,
            "ChannelHangupRequest": self._hanging_up,
            "StasisEnd": self._gone,
            "ChannelDestroyed": self._gone,
            "ChannelTransfer": self._transfer,
            "PlaybackFinished": self._playback,
            "RecordingFinished": self._recording,
            "RecordingFailed": self._recording,
        }

    async def handle(self, event: dict[str, Any]) -> None:
        """Take one event; those that say nothing new are left."""
        if (take := self._by_type.get(event["type"])) is not None:
            await take(event)

    # --- channels ---

    async def _entered(self, event: dict[str, Any]) -> None:
        channel, (kind, leg_id) = event["channel"], _arguments(event)
        if kind == "helper":
            self._exchange.arrived(channel["id"])
        elif kind == "web":
            await self._browser(channel["id"], leg_id)
        elif kind == "out":
            leg = self._exchange.of_channel(channel["id"])
            if leg is not None:
                self._answered(leg)
        else:
            await self._incoming(channel)

    async def _browser(self, channel: str, leg_id: str) -> None:
        leg = self._exchange.legs.get(leg_id)
        if leg is None or leg.channel:
            # Nobody waits for it any more.
            await self._exchange.forget_channel(channel)
            return
        leg.channel = channel
        # Watched from now on: one that is not answered, or says nothing, is given up.
        self._browser_arrived(leg)
        await self._exchange.ari.post("channels", channel, "answer")

    async def _incoming(self, channel: dict[str, Any]) -> None:
        caller, channel_id = channel["caller"], str(channel["id"])
        leg = Leg(f"in-{channel_id.replace('.', '-')}", "sip", "in", caller["number"], channel_id, "ringing")
        self._exchange.legs[leg.id] = leg
        if channel["state"] != "Up":
            with suppress(AriError):
                await self._exchange.ari.post("channels", channel_id, "ring")
        data = {
            "address": caller["number"],
            "to": channel["dialplan"]["exten"],
            "name": caller["name"],
            "display": caller["name"] or caller["number"],
            "headers": await self._read_headers(channel_id),
        }
        self._exchange.emit("leg.incoming", leg=leg.id, data=data)
        if channel["state"] == "Up":
            self._answered(leg)

    async def _read_headers(self, channel: str) -> dict[str, str]:
        found = {}
        for name in self._headers:
            with suppress(AriError):
                got = await self._exchange.ari.get(
                    "channels", channel, "variable", variable=f"PJSIP_HEADER(read,{name})"
                )
                if got and got.get("value"):
                    found[name] = str(got["value"])
        return found

    async def _changed(self, event: dict[str, Any]) -> None:
        leg = self._exchange.of_channel(event["channel"]["id"])
        if leg is None or leg.kind != "sip":
            return
        state = event["channel"]["state"]
        if state in ("Ring", "Ringing"):
            self._rings(leg)
        elif state == "Up" and leg.way == "in":
            # A channel that we call is ours only when it enters the application.
            self._answered(leg)

    async def _dialled(self, event: dict[str, Any]) -> None:
        leg = self._exchange.of_channel(event["peer"]["id"])
        if leg is None:
            return
        leg.dial_status = event.get("dialstatus") or leg.dial_status
        if leg.dial_status in RINGING:
            self._rings(leg)

    def _rings(self, leg: Leg) -> None:
        if leg.way == "out" and leg.state == "new":
            leg.state = "ringing"
            self._exchange.emit("leg.ringing", leg=leg.id)

    def _answered(self, leg: Leg) -> None:
        if leg.state != "up":
            leg.state = "up"
            self._exchange.emit("leg.answered", leg=leg.id)
            self._browser_arrived(leg)

    async def _digit(self, event: dict[str, Any]) -> None:
        if (leg := self._exchange.of_channel(event["channel"]["id"])) is not None:
            self._exchange.emit("leg.dtmf", leg=leg.id, data={"digit": event["digit"]})

    async def _hanging_up(self, event: dict[str, Any]) -> None:
        if (leg := self._exchange.of_channel(event["channel"]["id"])) is not None:
            leg.code = int(event.get("cause") or 0)

    async def _gone(self, event: dict[str, Any]) -> None:
        """Asterisk tells StasisEnd and then ChannelDestroyed, but the second not always to us; the first that comes counts."""
        if (leg := self._exchange.of_channel(event["channel"]["id"])) is not None:
            leg.code = int(event.get("cause") or leg.code)
            self._ended(leg)

    async def _transfer(self, event: dict[str, Any]) -> None:
        """A telephone asks to be transferred (``PJSIP_TRANSFER_HANDLING=ari-only``): we move the legs, it is told that it worked.

        Without a word whereto we can do nothing, and it is told that too, lest it hangs up.
        """
        source = event["referred_by"]["source_channel"]["id"]
        if (leg := self._exchange.of_channel(source)) is None:
            return
        refer = event["refer_to"]
        wanted = str((refer.get("requested_destination") or {}).get("destination") or "")
        other = self._exchange.of_channel((refer.get("destination_channel") or {}).get("id", ""))
        user = SIP_USER.match(wanted)
        data = {"to": user.group(1)} if user else {}
        if other is not None:
            data = {"to": "", **data, "leg": other.id}
        if data:
            self._exchange.emit("leg.transfer_requested", leg=leg.id, data=data)
        states = "channel_answered" if data else "channel_declined"
        await self._exchange.ari.post("channels", source, "transfer_progress", states=states)

    # --- media ---

    async def _playback(self, event: dict[str, Any]) -> None:
        self._played(event["playback"]["id"], event["playback"]["state"])

    async def _recording(self, event: dict[str, Any]) -> None:
        recording = event["recording"]
        failure = str(recording.get("cause") or "failed") if event["type"] == "RecordingFailed" else ""
        self._stored(recording["name"], failure)


def _arguments(event: dict[str, Any]) -> tuple[str, str]:
    given = [str(one) for one in event.get("args", [])]
    return (given[0] if given else "in"), (given[1] if len(given) > 1 else "")
