"""Telephones of a test: SIP over UDP and G.711 over RTP in plain Python, so that what is tested is not checked against itself.

Each says a tone without end, keeps what it hears, and can press keys (RFC 4733) and ask for a transfer (RFC 3515).
"""

from __future__ import annotations

import asyncio
import re
import secrets
import struct
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plugins.asterisk import sip_messages
from plugins.asterisk.sip_messages import SipMessage

RATE, FRAME = 8000, 160
LOUDNESS = 0.25
WINDOW_FRAMES = 13
EVENTS = "0123456789*#ABCD"
Address = tuple[str, int]


def _decode_table() -> NDArray[np.int16]:
    """G.711 µ-law, ITU-T G.711 table 2."""
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitudes = (((codes & 0x0F) << 3) + 0x84) << ((codes & 0x70) >> 4)
    return np.where(codes & 0x80, 0x84 - magnitudes, magnitudes - 0x84).astype(np.int16)


DECODE = _decode_table()


def encode(samples: NDArray[np.int16]) -> bytes:
    """G.711 µ-law by the nearest value."""
    order = np.argsort(DECODE, kind="stable")
    ranked = DECODE[order].astype(np.int32)
    at = np.clip(np.searchsorted(ranked, samples), 1, 255)
    nearer = np.where(samples - ranked[at - 1] < ranked[at] - samples, at - 1, at)
    return order[nearer].astype(np.uint8).tobytes()


@dataclass(eq=False)
class Telephone(asyncio.DatagramProtocol):
    """One call's end: its dialog and its sound."""

    exchange: TelephoneExchange
    tone: int
    call_id: str
    own_tag: str = field(default_factory=lambda: secrets.token_hex(5))
    invite: SipMessage | None = None
    remote: str = ""
    target: str = ""
    peer: Address = ("", 0)
    sequence: int = 1
    local: str = ""
    state: str = "new"
    digits: str = ""
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heard: deque[NDArray[np.int16]] = deque(maxlen=WINDOW_FRAMES)
        self._media: asyncio.DatagramTransport | None = None
        self._far: Address | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._number, self._stamp, self._pressed_at = 0, 0, -1
        moments = np.arange(RATE) / RATE
        said = encode((LOUDNESS * 32_767 * np.sin(2 * np.pi * self.tone * moments)).astype(np.int16))
        self._frames = [said[at : at + FRAME] for at in range(0, RATE, FRAME)]

    async def listen(self) -> Telephone:
        """Take a port for sound."""
        loop = asyncio.get_running_loop()
        self._media, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    def sdp(self) -> str:
        """What we offer and answer."""
        assert self._media is not None
        port = self._media.get_extra_info("sockname")[1]
        lines = (
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=telephone",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"m=audio {port} RTP/AVP 0 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=sendrecv",
            "",
        )
        return "\r\n".join(lines)

    def begin(self, sdp: str) -> None:
        """The other side's sound address is known: speak."""
        host, port = re.search(r"c=IN IP4 (\S+)", sdp), re.search(r"m=audio (\d+)", sdp)
        assert host is not None and port is not None
        self._far = (host.group(1), int(port.group(1)))
        self.state = "up"
        self._speaking = self._speaking or asyncio.create_task(self._speak())

    def end(self) -> None:
        """Silence."""
        self.state = "ended"
        if self._speaking is not None:
            self._speaking.cancel()
        if self._media is not None:
            self._media.close()

    async def _speak(self) -> None:
        begun, sent = time.monotonic(), 0
        while self.state == "up":
            await asyncio.sleep(max(0.0, begun + sent * 0.02 - time.monotonic()))
            self._packet(0, self._frames[sent % len(self._frames)])
            sent += 1
            self._stamp += FRAME

    def _packet(self, kind: int, payload: bytes, stamp: int | None = None, marker: bool = False) -> None:
        if self._media is None or self._far is None or self._media.is_closing():
            return
        self._number += 1
        second = kind | (0x80 if marker else 0)
        at = self._stamp if stamp is None else stamp
        head = struct.pack("!BBHII", 0x80, second, self._number & 0xFFFF, at & 0xFFFFFFFF, 0x5EED)
        self._media.sendto(head + payload, self._far)

    async def press(self, digit: str) -> None:
        """A key as telephone-event, 160 ms long, its end told three times."""
        event, stamp = EVENTS.index(digit), self._stamp
        for turn in range(11):
            over = turn >= 8
            duration = min(turn + 1, 8) * FRAME
            self._packet(101, struct.pack("!BBH", event, 0x8A if over else 0x0A, duration), stamp, marker=turn == 0)
            await asyncio.sleep(0.02)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """A packet of sound, or of a key."""
        kind, stamp = data[1] & 0x7F, struct.unpack("!I", data[4:8])[0]
        if kind == 0:
            self.heard.append(DECODE[np.frombuffer(data[12:], np.uint8)])
        elif kind == 101 and stamp != self._pressed_at:
            self._pressed_at = stamp
            self.digits += EVENTS[data[12]]


class TelephoneExchange(asyncio.DatagramProtocol):
    """The far side of a trunk: telephones by number, and what each does when it is called: answer, busy, ring, absent."""

    def __init__(self, does: dict[str, tuple[str, int]]) -> None:
        self.does = does
        self.calls: dict[str, Telephone] = {}
        self.requests: list[SipMessage] = []
        self.password = ""
        """What REGISTER must know; nothing: everybody may register."""
        self.registered = False
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Take a port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]

    def stop(self) -> None:
        """End all."""
        for call in self.calls.values():
            call.end()
        if self._transport is not None:
            self._transport.close()

    async def call(self, number: str, to: str, switch: Address, tone: int) -> Telephone:
        """Call the switch; gives the telephone at once."""
        call = await Telephone(self, tone, f"{secrets.token_hex(8)}@127.0.0.1").listen()
        call.local, call.remote = f"<sip:{number}@127.0.0.1:{self.port}>", f"<sip:{to}@{switch[0]}:{switch[1]}>"
        call.peer, call.target = switch, f"sip:{to}@{switch[0]}:{switch[1]}"
        self.calls[call.call_id] = call
        call.invite = self._ask(call, "INVITE", call.sdp())
        return call

    def hang_up(self, call: Telephone) -> None:
        """BYE, or CANCEL while nobody has answered."""
        if call.state == "up":
            self._ask(call, "BYE")
        else:
            assert call.invite is not None
            headers = [
                (name, value) for name, value in call.invite.headers if name not in ("CSeq", "Contact", "Content-Type")
            ]
            self._send(
                SipMessage(f"CANCEL {call.target} SIP/2.0", [*headers, ("CSeq", f"{call.sequence} CANCEL")]), call.peer
            )
        call.end()

    def hold(self, call: Telephone, on: bool) -> None:
        """Offer anew: sound goes one way only, or both ways again."""
        self._ask(call, "INVITE", call.sdp().replace("sendrecv", "sendonly") if on else call.sdp())

    def refer(self, call: Telephone, to: str) -> None:
        """Ask the other side to call somebody else."""
        self._ask(call, "REFER", "", ("Refer-To", f"<sip:{to}@127.0.0.1>"), ("Referred-By", call.local))

    # --- SIP ---

    def _ask(self, call: Telephone, method: str, body: str = "", *more: tuple[str, str]) -> SipMessage:
        call.sequence += method != "ACK"
        headers = [
            ("Via", f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport"),
            ("Max-Forwards", "70"),
            ("From", f"{call.local};tag={call.own_tag}"),
            ("To", call.remote),
            ("Call-ID", call.call_id),
            ("CSeq", f"{call.sequence} {method}"),
            ("Contact", f"<sip:telephone@127.0.0.1:{self.port}>"),
            *more,
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        made = SipMessage(f"{method} {call.target} SIP/2.0", headers, body)
        self._send(made, call.peer)
        return made

    def _send(self, message: SipMessage, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.text().encode(), to)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """A message of the switch."""
        if not data.strip():
            return
        message = sip_messages.parse(data.decode())
        call = self.calls.get(message.header("Call-ID"))
        if message.status:
            self._answered(call, message)
            return
        self.requests.append(message)
        if message.method == "INVITE" and call is None:
            task = asyncio.create_task(self._invited(message, addr))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif message.method == "INVITE" and call is not None:
            self._reply(call, message, addr, 200, "OK", call.sdp() if call.state == "up" else "")
        elif message.method == "REGISTER":
            self._registered(message, addr)
        elif message.method != "ACK":
            self._send(sip_messages.answer(message, 200, "OK", call.own_tag if call else "x"), addr)
            if message.method == "BYE" and call is not None:
                call.end()
            elif message.method == "CANCEL" and call is not None and call.invite is not None:
                self._reply(call, call.invite, addr, 487, "Request Terminated")
                call.end()

    def _registered(self, message: SipMessage, addr: Address) -> None:
        given = sip_messages.challenge(message.header("Authorization"))
        asked = {"realm": "provider", "nonce": "n0"}
        uri = message.start.split(" ")[1]
        right = sip_messages.digest(asked, given.get("username", ""), self.password, "REGISTER", uri, "")
        if self.password and given.get("response") != right:
            said = sip_messages.answer(message, 401, "Unauthorized", "r")
            said.headers.append(("WWW-Authenticate", 'Digest realm="provider",nonce="n0",algorithm=MD5'))
        else:
            self.registered = True
            said = sip_messages.answer(message, 200, "OK", "r")
            said.headers += [("Contact", message.header("Contact")), ("Expires", "300")]
        self._send(said, addr)

    def _answered(self, call: Telephone | None, message: SipMessage) -> None:
        if call is None:
            return
        call.statuses.append(message.status)
        if message.method != "INVITE" or message.status < 200:
            return
        call.remote = message.header("To")
        if message.status == 200:
            call.target = sip_messages.address(message.header("Contact"))
            self._ask(call, "ACK")
            if call.state == "new":
                call.begin(message.body)
        else:
            self._ask(call, "ACK")
            call.end()

    async def _invited(self, message: SipMessage, addr: Address) -> None:
        number = sip_messages.address(message.header("To")).removeprefix("sip:").partition("@")[0]
        does, tone = self.does.get(number, ("absent", 0))
        call = await Telephone(self, tone, message.header("Call-ID")).listen()
        call.invite, call.peer = message, addr
        call.local, call.remote = message.header("To"), message.header("From")
        call.target = sip_messages.address(message.header("Contact"))
        self.calls[call.call_id] = call
        if does == "absent":
            self._reply(call, message, addr, 404, "Not Found")
            return
        self._reply(call, message, addr, 180, "Ringing")
        if does == "busy":
            self._reply(call, message, addr, 486, "Busy Here")
        elif does == "answer":
            self.pick_up(call)

    def pick_up(self, call: Telephone) -> None:
        """Answer a telephone that rings."""
        assert call.invite is not None
        self._reply(call, call.invite, call.peer, 200, "OK", call.sdp())
        call.begin(call.invite.body)

    def _reply(
        self, call: Telephone, asked: SipMessage, addr: Address, status: int, reason: str, body: str = ""
    ) -> None:
        said = sip_messages.answer(asked, status, reason, call.own_tag)
        said.headers.append(("Contact", f"<sip:telephone@127.0.0.1:{self.port}>"))
        if body:
            said.headers.append(("Content-Type", "application/sdp"))
            said.body = body
        self._send(said, addr)
