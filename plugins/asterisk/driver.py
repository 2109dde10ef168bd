"""The driver: the contract's commands as requests to ARI. What parties hear is Asterisk's work, no sound passes through here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from core.telephony import DriverAbilities, DriverError, DriverEvent, Mode, Snapshot
from plugins.asterisk import causes
from plugins.asterisk.ari import AriAddress, AriClient, AriError
from plugins.asterisk.book import Exchange, Leg, asking, gone_is_fine
from plugins.asterisk.happenings import Happenings
from plugins.asterisk.listener import Listener
from plugins.asterisk.media_watch import MediaWatch, Pace
from plugins.asterisk.player import Player
from plugins.asterisk.reconcile import clear, compare, left_behind
from plugins.asterisk.recorder import Recorder
from plugins.asterisk.sounds import SoundShelf
from plugins.asterisk.supervision import Supervisors
from plugins.asterisk.web_phone import WebPhone

log = structlog.get_logger("okno.asterisk")
# dtmf_events: without it digits go from leg to leg past us.
BRIDGE_TYPE = "mixing,dtmf_events"
PAUSE_MS = 2000
STOP_SECONDS = 3.0
# ``sip:101@asterisk`` is the endpoint 101 of Asterisk itself.
OWN_HOST = "asterisk"
NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
SIP_URI = re.compile(r"sips?:[\w.+*#-]{1,64}(@[\w.:\[\]-]{1,255})?", re.ASCII)
DIGITS = re.compile(r"[0-9*#A-D,]{1,64}")
# Names that resolve on one machine's network only; the browser's address is seen from its packets instead.
MDNS_CANDIDATE = re.compile(r"^a=candidate:\S+ \d+ \S+ \d+ \S+\.local .*\r?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say; see docs/asterisk.md."""

    address: AriAddress
    dial: str
    dial_sip: str
    web_user: str
    web_password: str
    sounds_folder: Path
    sounds_seen_as: str = ""
    headers: tuple[str, ...] = ()
    most_legs: int = 0
    pace: Pace = field(default_factory=Pace)


class AsteriskDriver:
    """See :class:`core.telephony.Driver`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._exchange = Exchange(AriClient(options.address))
        self._shelf = SoundShelf(options.sounds_folder, options.sounds_seen_as)
        self._player = Player(self._exchange, self._shelf)
        self._recorder = Recorder(self._exchange)
        self._supervisors = Supervisors(self._exchange)
        self._watch = MediaWatch(self._exchange, self._lost, options.pace)
        host = options.address.url.partition("://")[2].partition("/")[0].partition(":")[0]
        self._phone = WebPhone(
            options.address.websocket("/ws"), host, options.web_user, options.web_password, lambda leg: None
        )
        happenings = Happenings(
            self._exchange, options.headers, self._watch.begin, self._ended, self._played, self._recorder.stored
        )
        self._listener = Listener(self._exchange.ari, happenings.handle, self._opening, self._opened, self._closed)
        self._background: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()
        self._up = self._met = False
        self._left: dict[str, Any] = {}
        self.abilities = DriverAbilities(
            webrtc=bool(options.web_user), sip=True, recording=True, supervision=True, most_legs=options.most_legs
        )

    async def start(self, emit: Callable[[DriverEvent], None]) -> None:
        """Begin to connect; ``driver.up`` is told when Asterisk takes commands, also each time that it is back."""
        self._exchange.tell = emit
        await asyncio.to_thread(self._shelf.prepare)
        self._listener.start()

    async def stop(self) -> None:
        """Complete recordings, hang up all, end."""
        await self._recorder.stop_all()
        for leg in list(self._exchange.legs.values()):
            with suppress(DriverError):
                await self.hangup(leg.id, "lost")
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self._exchange.legs:
                    await asyncio.sleep(0.02)
        for leg in list(self._exchange.legs.values()):
            self._ended(leg)
        for bridge in list(self._exchange.bridges):
            with suppress(DriverError):
                await self.destroy(bridge)
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._recorder.stop_all()
        self._watch.close()
        await self._listener.stop()
        await self._phone.close()
        self._exchange.ari.close()

    # --- legs ---

    async def offer(self, leg: str, sdp: str) -> str:
        """See the contract; the call to Asterisk is ``web_phone``'s."""
        if not self.abilities.webrtc:
            raise DriverError("unsupported", "asterisk.web_user names no endpoint for browsers")
        if "m=audio" not in sdp or "a=fingerprint:" not in sdp:
            raise DriverError("bad-sdp", "the offer has no encrypted sound")
        if leg not in self._exchange.legs:
            self._room()
            self._exchange.legs[leg] = Leg(leg, "webrtc", "in")
        made = self._exchange.legs[leg]
        try:
            return await self._phone.offer(leg, MDNS_CANDIDATE.sub("", sdp))
        except DriverError:
            if not made.channel:
                self._exchange.legs.pop(leg, None)
            raise

    async def originate(self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]) -> None:
        """See the contract; the channel's id is the leg's."""
        if leg in self._exchange.legs:
            return
        endpoint = self._endpoint(address)
        self._room()
        self._exchange.legs[leg] = Leg(leg, "sip", "out", address, leg)
        variables = {f"PJSIP_HEADER(add,{name})": value for name, value in headers.items()}
        variables["PJSIP_TRANSFER_HANDLING()"] = "ari-only"
        query = {"endpoint": endpoint, "app": self._exchange.app, "appArgs": f"out,{leg}", "callerId": caller or None}
        try:
            await self._exchange.ari.post(
                "channels", leg, timeout=max(1, round(seconds)), body={"variables": variables}, **query
            )
        except AriError as error:
            self._exchange.legs.pop(leg, None)
            code = "bad-address" if error.status == 400 else "failed"
            raise DriverError(code, f"Asterisk can't call {address}: {error}") from error

    async def answer(self, leg: str) -> None:
        """See the contract; a browser's leg needs none, and who is called answers for himself."""
        found = self._exchange.leg(leg)
        if found.state == "up" or found.kind == "webrtc":
            return
        if found.way == "out":
            raise DriverError("wrong-state", f"leg {leg} is called by us")
        with asking():
            await self._exchange.ari.post("channels", found.channel, "answer")

    async def reject(self, leg: str, cause: str) -> None:
        """See the contract. Raises ``wrong-state`` for a leg that did not call us, or is up."""
        found = self._exchange.leg(leg)
        if found.way != "in" or found.state != "ringing":
            raise DriverError("wrong-state", f"leg {leg} is {found.state}")
        await self.hangup(leg, cause)

    async def hangup(self, leg: str, cause: str = "normal") -> None:
        """See the contract; ``leg.hangup`` follows when Asterisk has ended the channel."""
        if (found := self._exchange.legs.get(leg)) is None:
            return
        found.asked_cause = found.asked_cause or cause
        if not found.channel:
            self._ended(found)
            return
        try:
            await self._exchange.ari.delete("channels", found.channel, reason=causes.REASONS.get(cause, "normal"))
        except AriError as error:
            if error.status != 404:
                raise DriverError("failed", str(error)) from error
            self._ended(found)

    async def mute(self, leg: str, on: bool) -> None:
        """See the contract."""
        ask = self._exchange.ari.post if on else self._exchange.ari.delete
        async with self._order:
            found = self._exchange.ready(leg)
            if found.muted == on:
                return
            with asking():
                await ask("channels", found.channel, "mute", direction="in")
            found.muted = on
            await self._recorder.refresh_leg(found)

    async def hold(self, leg: str, on: bool, sound: str = "music:default") -> None:
        """See the contract. In Asterisk the leg leaves its bridge; here it stays in it."""
        async with self._order:
            found = self._exchange.ready(leg)
            if found.held == on:
                return
            if on:
                await self._take_out(found)
                found.hold_sound = sound
                try:
                    await self._player.hold(found)
                except DriverError:
                    await self._put_in(found)
                    raise
            else:
                await self._player.retrieve(found)
                await self._put_in(found)
            self._exchange.still(found)
            found.held = on
            self._exchange.emit("leg.held", leg=leg, data={"on": on})
            await self._recorder.refresh_leg(found)

    async def dtmf(self, leg: str, digits: str) -> None:
        """See the contract; Asterisk itself waits before the digits that follow a comma."""
        found = self._exchange.ready(leg)
        if not DIGITS.fullmatch(digits.upper()):
            raise DriverError("failed", f"not digits of a telephone: {digits}")
        for pause, keys in re.findall(r"(,*)([^,]+)", digits.upper()):
            with asking():
                await self._exchange.ari.post(
                    "channels", found.channel, "dtmf", dtmf=keys, before=PAUSE_MS * len(pause)
                )

    # --- bridges ---

    async def bridge(self, bridge: str) -> None:
        """See the contract."""
        if bridge in self._exchange.bridges:
            return
        with asking("failed"):
            await self._exchange.ari.post("bridges", bridge, type=BRIDGE_TYPE, name=bridge)
        self._exchange.bridges[bridge] = []

    async def add(self, bridge: str, leg: str) -> None:
        """See the contract."""
        async with self._order:
            self._exchange.known_bridge(bridge)
            found = self._exchange.ready(leg)
            if found.bridge == bridge:
                return
            if found.supervises:
                await self._supervisors.end(found)
            if not found.held:
                with asking("unknown-bridge"):
                    await self._exchange.ari.post("bridges", bridge, "addChannel", channel=found.channel)
            self._exchange.still(found)
            left = found.bridge
            self._exchange.part(found)
            self._exchange.known_bridge(bridge).append(leg)
            found.bridge = bridge
            self._exchange.emit("bridge.joined", leg=leg, bridge=bridge)
            await self._recorder.refresh(left)
            await self._recorder.refresh(bridge)

    async def drop(self, bridge: str, leg: str) -> None:
        """See the contract."""
        async with self._order:
            self._exchange.known_bridge(bridge)
            found = self._exchange.ready(leg)
            if found.bridge != bridge:
                return
            await self._take_out(found)
            self._exchange.part(found)
            await self._recorder.refresh(bridge)

    async def destroy(self, bridge: str) -> None:
        """See the contract."""
        if bridge not in self._exchange.bridges:
            return
        async with self._order:
            await self._recorder.target_ended(bridge)
            with gone_is_fine():
                await self._exchange.ari.delete("bridges", bridge)
            self._player.bridge_ended(bridge)
            self._exchange.close_bridge(bridge)

    # --- sound ---

    async def play(self, target: str, playback: str, sound: str, loop: bool = False, level: float = 1.0) -> None:
        """See the contract. Music keeps the level that Asterisk's musiconhold.conf gives it."""
        await self._player.play(target, playback, sound, loop, level)

    async def stop_playback(self, playback: str) -> None:
        """See the contract."""
        await self._player.stop(playback)

    async def record(self, target: str, recording: str, path: str) -> None:
        """See the contract."""
        async with self._order:
            await self._recorder.record(target, recording, path)

    async def pause_recording(self, recording: str, on: bool) -> None:
        """See the contract."""
        async with self._order:
            await self._recorder.pause(recording, on)

    async def stop_recording(self, recording: str) -> None:
        """See the contract."""
        async with self._order:
            await self._recorder.stop(recording)

    async def supervise(self, leg: str, target: str, mode: Mode | None) -> None:
        """See the contract."""
        async with self._order:
            await self._supervisors.supervise(leg, target, mode)

    async def snapshot(self) -> Snapshot:
        """See the contract."""
        legs = tuple(leg.view() for leg in self._exchange.legs.values())
        return Snapshot(legs, self._exchange.bridge_views(), self._recorder.views, self._player.ids)

    # --- inside ---

    def _room(self) -> None:
        if self._options.most_legs and len(self._exchange.legs) >= self._options.most_legs:
            raise DriverError("full", f"{self._options.most_legs} legs are up")

    def _endpoint(self, address: str) -> str:
        """An endpoint in Asterisk's words; what could name two of them, or none, is refused."""
        kind, _, number = address.partition(":")
        if kind == "tel" and NUMBER.fullmatch(number):
            return self._options.dial.format(number=number)
        if SIP_URI.fullmatch(address):
            user, _, host = number.partition("@")
            if host in ("", OWN_HOST):
                return f"PJSIP/{user}"
            return self._options.dial_sip.format(uri=address)
        raise DriverError("bad-address", f"neither tel:<number> nor sip:<user>[@<host>]: {address}")

    async def _take_out(self, leg: Leg) -> None:
        """Out of the bridge in Asterisk, when it is in it."""
        if leg.bridge and not leg.held:
            with asking("unknown-bridge"):
                await self._exchange.ari.post("bridges", leg.bridge, "removeChannel", channel=leg.channel)

    async def _put_in(self, leg: Leg) -> None:
        if leg.bridge:
            with asking("unknown-bridge"):
                await self._exchange.ari.post("bridges", leg.bridge, "addChannel", channel=leg.channel)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that an event asks for and that needs events itself to be done."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _ended(self, leg: Leg) -> None:
        bridge = leg.bridge
        self._watch.end(leg)
        self._phone.forget(leg.id)
        self._player.leg_ended(leg.id)
        self._exchange.end(leg)
        self._later(self._tidy(leg, bridge))

    async def _tidy(self, leg: Leg, bridge: str) -> None:
        try:
            async with self._order:
                await self._supervisors.leg_ended(leg)
                await self._recorder.target_ended(leg.id)
                await self._recorder.refresh(bridge)
        except DriverError as error:
            log.info("asterisk.untidy", leg=leg.id, why=str(error))

    def _lost(self, leg: Leg) -> None:
        self._later(self._hang_up_lost(leg))

    async def _hang_up_lost(self, leg: Leg) -> None:
        try:
            await self.hangup(leg.id, "lost")
        except DriverError as error:
            log.info("asterisk.lost-leg-stays", leg=leg.id, why=str(error))

    def _played(self, ari_id: str, state: str) -> None:
        self._later(self._player.finished(ari_id, state))

    # --- the connection ---

    async def _opening(self) -> None:
        """Whoever calls once the stream is open is not of those that are ended."""
        if not self._met:
            self._left = await left_behind(self._exchange)

    async def _opened(self) -> None:
        """The stream is open: what came before us is ended, or what we know is compared."""
        if self._met:
            await compare(self._exchange, self._player, self._ended, self._watch.begin)
        else:
            await clear(self._exchange, self._left)
        self._met = self._up = True
        self._exchange.emit("driver.up")

    def _closed(self) -> None:
        if self._up:
            self._up = False
            self._exchange.emit("driver.down")
