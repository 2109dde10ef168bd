"""The SIP process: PJSIP's user agent, told what to do and heard by packets over one socket. Only this module and its configuration import PJSIP.

``python -m plugins.switch.sip.agent <fd>``. Commands and SIP run in the main thread; PJMEDIA's clock calls for frames in its own.
It ends when the socket does.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pjsua2 as pj

from plugins.switch.sip import causes, vectors, wire
from plugins.switch.sip.agent_config import account_config, endpoint_config, registration_config, transport_config

RATE, FRAME_BYTES, FRAME_USEC = 48_000, 1920, 20_000
TURN_MS = 3
MOST_WAITING = 6
DIGIT_PAUSE = 2.0
DIGITS_WAIT = 5.0
QUALITY_SECONDS = 5.0
GOODBYE_SECONDS = 1.0
SILENCE = bytes(FRAME_BYTES)
ADDRESS = re.compile(r'\s*(?:"?([^"<]*?)"?\s*<)?sips?:(?:([^@;>]+)@)?[^;>]+')
KEPT_HEADERS = re.compile(
    r"^(X-[\w-]+|Diversion|P-Asserted-Identity|Call-ID):\s*(.*?)\r?$", re.MULTILINE | re.IGNORECASE
)

Send = Callable[[bytes], object]


class Port(pj.AudioMediaPort):
    """Where a call's sound leaves for the switch and comes from it, 20 ms at a time; called by PJMEDIA's clock."""

    def __init__(self, leg: str, send: Send) -> None:
        super().__init__()
        self._leg, self._send = leg, send
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._out = pj.ByteVector(SILENCE)
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, RATE, 1, FRAME_USEC, 16)
        self.createPort(leg, form)

    def arrived(self, samples: bytes) -> None:
        """What the telephone shall hear next."""
        if len(samples) == FRAME_BYTES:
            self._waiting.append(samples)

    def onFrameRequested(self, frame: Any) -> None:
        """PJMEDIA wants what the telephone shall hear."""
        try:
            samples = self._waiting.popleft()
        except IndexError:
            samples = SILENCE
        vectors.write(self._out, samples)
        frame.type, frame.buf, frame.size = pj.PJMEDIA_FRAME_TYPE_AUDIO, self._out, FRAME_BYTES

    def onFrameReceived(self, frame: Any) -> None:
        """PJMEDIA has what the telephone says."""
        if frame.size == FRAME_BYTES:
            self._send(wire.sound(self._leg, vectors.read(frame.buf, FRAME_BYTES)))


class Telephone(pj.Call):
    """One call. It tells what happens to it, and that it is over once."""

    def __init__(self, agent: Agent, leg: str, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(agent.account, call_id)
        self.agent, self.leg = agent, leg
        self.answered = self.over = self.held = False
        self.cause = ""
        self.deadline = 0.0
        self.digits: deque[tuple[float, str]] = deque()
        self.counted = (0, 0)
        self.port: Port | None = None

    def onCallState(self, prm: Any) -> None:
        """Ringing, up, over."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self.agent.tell("ringing", leg=self.leg)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED and not self.answered:
            self.answered, self.deadline = True, 0.0
            self.agent.tell("answered", leg=self.leg)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and not self.over:
            self.over = True
            cause = self.cause or causes.word(info.lastStatusCode, self.answered)
            self.agent.tell("ended", leg=self.leg, cause=cause, code=info.lastStatusCode)

    def onCallMediaState(self, prm: Any) -> None:
        """Sound begins, or the far end holds it."""
        info = self.getInfo()
        sound = [one for one in info.media if one.type == pj.PJMEDIA_TYPE_AUDIO]
        if not sound:
            return
        held = sound[0].status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
        if held != self.held:
            self.held = held
            self.agent.tell("held", leg=self.leg, on=held)
        if sound[0].status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
            medium = self.getAudioMedia(sound[0].index)
            self.port = self.port or Port(self.leg, self.agent.send)
            self.port.startTransmit(medium)
            medium.startTransmit(self.port)

    def onDtmfDigit(self, prm: Any) -> None:
        """A key."""
        self.agent.tell("digit", leg=self.leg, digit=prm.digit)

    def onCallTransferRequest(self, prm: Any) -> None:
        """PJSIP would call the target itself: it is refused here, and the switch is told who asked for whom."""
        prm.statusCode = pj.PJSIP_SC_DECLINE
        self.agent.tell("transfer", leg=self.leg, to=user_of(prm.dstUri))

    def quality(self) -> dict[str, float] | None:
        """What RTCP and our own counters say since the last question."""
        if not self.answered or self.over:
            return None
        stat = self.getStreamStat(0).rtcp
        received, lost = stat.rxStat.pkt, stat.rxStat.loss
        new, gone = received - self.counted[0], max(0, lost - self.counted[1])
        self.counted = (received, lost)
        share = 100 * gone / (new + gone) if new + gone > 0 else 0.0
        jitter, rtt = stat.rxStat.jitterUsec.mean / 1000, stat.rttUsec.mean / 1000
        return {"loss_percent": round(share, 2), "jitter_ms": round(jitter, 1), "rtt_ms": round(rtt, 1)}


class Line(pj.Account):
    """Our address; who calls it is let in when the peer is known."""

    agent: Agent

    def onIncomingCall(self, prm: Any) -> None:
        """Somebody calls."""
        self.agent.incoming(prm)

    def onRegState(self, prm: Any) -> None:
        """The provider has taken or refused our registration."""
        if prm.code >= 300:
            self.agent.tell("failed", why=f"the provider refuses our registration: {prm.code} {prm.reason}")


class Agent:
    """The user agent and its calls."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._endpoint = pj.Endpoint()
        self._calls: dict[str, Telephone] = {}
        self._graves: list[Telephone] = []
        self._unsaid: deque[bytes] = deque()
        self._running = True
        self._asked_quality = 0.0
        self.account = Line()
        self.account.agent = self

    def run(self) -> None:
        """Work until the socket ends or ``stop`` is said."""
        while self._running:
            # An object that outlives its call hangs up the next call that gets its number.
            self._graves.clear()
            self._say()
            self._take_packets()
            self._endpoint.libHandleEvents(TURN_MS)
            self._tend(time.monotonic())
        with suppress(pj.Error):
            self._endpoint.hangupAllCalls()
        until = time.monotonic() + GOODBYE_SECONDS
        while time.monotonic() < until and any(not call.over for call in self._calls.values()):
            self._endpoint.libHandleEvents(TURN_MS)

    # --- the socket ---

    def tell(self, event: str, **of: Any) -> None:
        """Say something to the switch; while it is busy the words wait: a call whose end was lost would stay for ever."""
        self._unsaid.append(wire.words(event=event, **of))
        self._say()

    def send(self, packet: bytes) -> bool:
        """Give a packet to the switch, False when it is busy; late sound is of no use, and without a switch nothing is."""
        try:
            self._end.send(packet)
        except BlockingIOError:
            return False
        except OSError:
            self._running = False
        return True

    def _say(self) -> None:
        while self._unsaid and self.send(self._unsaid[0]):
            self._unsaid.popleft()

    def _take_packets(self) -> None:
        while self._running:
            try:
                packet = self._end.recv(wire.LONGEST)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self._running = False
                return
            found = wire.read(packet)
            if isinstance(found, tuple):
                call = self._calls.get(found[0])
                if call is not None and call.port is not None:
                    call.port.arrived(found[1])
            else:
                self._obey(found)

    def _obey(self, command: dict[str, Any]) -> None:
        call = self._calls.get(command.get("leg", ""))
        try:
            match command["op"]:
                case "begin":
                    self._begin(command["settings"])
                case "originate":
                    self._originate(command)
                case "answer" if call is not None:
                    call.answer(_status(200))
                case "hangup" if call is not None:
                    self._hang_up(call, command["cause"])
                case "dtmf" if call is not None:
                    _queue_digits(call, command["digits"])
                case "stop":
                    self._running = False
        except pj.Error as error:
            if call is not None or command["op"] == "originate":
                self.tell("ended", leg=command["leg"], cause="failed", code=error.status)
                self._calls.pop(command["leg"], None)
            else:
                self.tell("failed", why=error.info())
                self._running = command["op"] != "begin"

    # --- calls ---

    def _begin(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._endpoint.libCreate()
        self._endpoint.libInit(endpoint_config())
        transport = transport_config(settings)
        self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        if not vectors.check(pj.ByteVector):
            raise RuntimeError(
                "PJSUA2's vectors do not lie in memory as expected; another version of pjsua2-python is needed"
            )
        self.account.create(account_config(settings, transport), True)
        if settings["sip_trunk"] and settings["sip_register"]:
            self._registration = Line()
            self._registration.agent = self
            self._registration.create(registration_config(settings, transport))
        self.tell("ready")

    def _originate(self, command: dict[str, Any]) -> None:
        call = self._calls[command["leg"]] = Telephone(self, command["leg"])
        call.deadline = time.monotonic() + float(command["seconds"])
        how = pj.CallOpParam(True)
        headers = dict(command["headers"])
        if command["caller"]:
            host = self._settings["sip_trunk"] or "invalid"
            headers["P-Preferred-Identity"] = f"<sip:{command['caller']}@{host}>"
        for name, value in headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            how.txOption.headers.append(header)
        call.makeCall(command["uri"], how)

    def incoming(self, prm: Any) -> None:
        """Let a known peer in: it rings until it is answered."""
        peer = prm.rdata.srcAddress.rpartition(":")[0].strip("[]")
        call = Telephone(self, f"sip-{secrets.token_hex(8)}", prm.callId)
        self._calls[call.leg] = call
        if not _known(peer, self._settings):
            call.over = True
            call.hangup(_status(403))
            return
        call.answer(_status(180))
        info = call.getInfo()
        found = ADDRESS.match(info.remoteUri)
        name, user = (found.group(1) or "") if found else "", user_of(info.remoteUri)
        self.tell(
            "incoming",
            leg=call.leg,
            address=user,
            to=user_of(info.localUri),
            name=name,
            display=name or user,
            headers=dict(KEPT_HEADERS.findall(prm.rdata.wholeMsg)),
        )

    def _hang_up(self, call: Telephone, cause: str) -> None:
        call.cause = cause
        incoming = call.getInfo().role == pj.PJSIP_ROLE_UAS
        call.hangup(_status(causes.refusal(cause) if incoming and not call.answered else 0))

    def _tend(self, now: float) -> None:
        """Those that rang too long, digits that are due, quality, and calls that are over."""
        for call in list(self._calls.values()):
            if call.over:
                # PJSIP was still in its callback when the call said so: it is let go in the next turn.
                self._graves.append(self._calls.pop(call.leg))
            elif call.deadline and now > call.deadline:
                call.deadline = 0.0
                self._hang_up(call, "no_answer")
            elif call.answered and call.digits and now >= call.digits[0][0]:
                self._press(call, now)
        if now - self._asked_quality > QUALITY_SECONDS:
            self._asked_quality = now
            self._measure()

    def _press(self, call: Telephone, now: float) -> None:
        """The next digits; a call that was just answered may have no sound to carry them yet."""
        due, digits = call.digits.popleft()
        try:
            call.dialDtmf(digits)
        except pj.Error as error:
            if now - due < DIGITS_WAIT:
                call.digits.appendleft((due, digits))
            else:
                self.tell("warning", leg=call.leg, why=error.info())

    def _measure(self) -> None:
        for call in self._calls.values():
            with suppress(pj.Error):
                if (found := call.quality()) is not None:
                    self.tell("quality", leg=call.leg, **found)


def user_of(uri: str) -> str:
    """The user of a SIP address, or nothing."""
    found = ADDRESS.match(uri)
    return (found.group(2) or "") if found else ""


def _queue_digits(call: Telephone, digits: str) -> None:
    due = max(time.monotonic(), call.digits[-1][0] if call.digits else 0.0)
    for part in re.findall(r",+|[^,]+", digits):
        if part[0] == ",":
            due += DIGIT_PAUSE * len(part)
        else:
            call.digits.append((due, part))


def _known(peer: str, settings: dict[str, Any]) -> bool:
    """Whether calls from this address are let in: those that the settings name, and the trunk's hosts, for which the name
    service is asked last: all calls wait for its answer."""
    if peer in settings["sip_peers"] or "*" in settings["sip_peers"]:
        return True
    trunk = settings["sip_trunk"].partition(":")[0]
    if trunk:
        with suppress(OSError):
            return peer in {str(found[4][0]) for found in socket.getaddrinfo(trunk, None)}
    return False


def _status(code: int) -> Any:
    how = pj.CallOpParam()
    how.statusCode = code
    return how


def main(descriptor: int) -> None:
    """Run over the socket with this descriptor."""
    end = socket.socket(fileno=descriptor)
    wire.prepare(end)
    Agent(end).run()
    # PJSUA2's objects must not be taken apart in the order in which Python ends.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
