"""The model's SIP over WebSocket: the endpoint for browsers of docs/asterisk.md, with digest authentication and dialogs."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plugins.asterisk import sip_messages
from plugins.asterisk.sip_messages import SipMessage
from tests.support.asterisk_model import AsteriskModel, Channel

REALM = "asterisk"
Send = Callable[[str], Awaitable[None]]


@dataclass(eq=False)
class Call:
    """A dialog with the user agent, as its server."""

    channel: Channel
    invite: SipMessage
    tag: str
    send: Send
    sequence: int = 100
    acknowledged: bool = False


class BrowserEndpoint:
    """Answers one user agent. ``connects`` is whether browsers' media ever comes; ``refuse`` a status for the next INVITE."""

    def __init__(self, model: AsteriskModel, user: str, password: str) -> None:
        self.model, self.user, self.password = model, user, password
        self.calls: dict[str, Call] = {}
        self.offers: list[str] = []
        self.refuse = 0
        self.connects = True
        self.byes_answered: list[str] = []
        self._nonces: set[str] = set()
        self._sending: set[asyncio.Task[None]] = set()

    async def take(self, text: str, send: Send) -> None:
        """One message of the user agent."""
        message = sip_messages.parse(text)
        if message.status:
            if message.method == "BYE":
                self.byes_answered.append(message.header("Call-ID"))
            return
        if message.method == "INVITE":
            await self._invited(message, send)
        elif message.method == "ACK":
            if (call := self.calls.get(message.header("Call-ID"))) is not None:
                call.acknowledged = True
        elif message.method in ("BYE", "CANCEL"):
            await send(sip_messages.answer(message, 200, "OK", secrets.token_hex(4)).text())
            if (call := self.calls.pop(message.header("Call-ID"), None)) is not None:
                self.model.end(call.channel)
        else:
            await send(sip_messages.answer(message, 200, "OK", secrets.token_hex(4)).text())

    async def ask(self, call_id: str, method: str, body: str = "") -> None:
        """Asterisk asks within a call."""
        call = self.calls[call_id]
        call.sequence += 1
        agent = sip_messages.address(call.invite.header("Contact"))
        headers = [
            ("Via", f"SIP/2.0/WS 127.0.0.1:8088;branch=z9hG4bK{secrets.token_hex(6)};rport"),
            ("From", f"{call.invite.header('To')};tag={call.tag}"),
            ("To", call.invite.header("From")),
            ("Call-ID", call_id),
            ("CSeq", f"{call.sequence} {method}"),
            ("Max-Forwards", "70"),
        ]
        await call.send(SipMessage(f"{method} {agent} SIP/2.0", headers, body).text())

    # --- calls ---

    async def _invited(self, message: SipMessage, send: Send) -> None:
        known = self.calls.get(message.header("Call-ID"))
        refusal = None if known else self._unauthorized(message)
        if refusal is not None:
            await send(refusal.text())
            return
        if self.refuse or not _usable(message.body):
            status, self.refuse = self.refuse or 488, 0
            await send(sip_messages.answer(message, status, "Refused", secrets.token_hex(4)).text())
            return
        self.offers.append(message.body)
        if known is not None:
            known.invite = message
            await send(self._accepted(known).text())
            return
        await send(sip_messages.answer(message, 100, "Trying").text())
        self._begin(message, send)

    def _begin(self, message: SipMessage, send: Send) -> None:
        tone = re.search(r"^s=tone-(\d+)", message.body, re.MULTILINE)
        call_id = message.header("Call-ID")
        channel = self.model.new_channel(f"PJSIP/{self.user}", tone=int(tone.group(1)) if tone else 0, state="Ring")
        call = self.calls[call_id] = Call(channel, message, secrets.token_hex(6), send)
        channel.on_answer = lambda: self._later(self._answer(call))
        channel.on_end = lambda: self._later(self._bye(call_id))
        # Whether by extension or by header, the dialplan hands the leg to Stasis(okno,web,<leg>).
        self.model.enter(channel, "web", message.header("X-Okno-Leg"))

    async def _answer(self, call: Call) -> None:
        await call.send(self._accepted(call).text())
        if self.connects:
            begun = asyncio.get_running_loop().time()
            call.channel.received = lambda: 1 + round(50 * (asyncio.get_running_loop().time() - begun))

    def _accepted(self, call: Call) -> SipMessage:
        said = sip_messages.answer(call.invite, 200, "OK", call.tag)
        said.headers += [("Contact", "<sip:127.0.0.1:8088;transport=ws>"), ("Content-Type", "application/sdp")]
        said.body = ANSWER_SDP
        return said

    async def _bye(self, call_id: str) -> None:
        if call_id in self.calls:
            await self.ask(call_id, "BYE")
            self.calls.pop(call_id, None)

    def _unauthorized(self, message: SipMessage) -> SipMessage | None:
        given = sip_messages.challenge(message.header("Authorization"))
        uri = message.start.split(" ")[1]
        if given.get("nonce") in self._nonces and given.get("username") == self.user:
            asked = {"realm": REALM, "nonce": given["nonce"], "qop": "auth", "algorithm": "MD5"}
            right = sip_messages.digest(asked, self.user, self.password, "INVITE", uri, given.get("cnonce", ""))
            if given.get("response") == right:
                return None
        nonce = secrets.token_hex(8)
        self._nonces.add(nonce)
        said = sip_messages.answer(message, 401, "Unauthorized", secrets.token_hex(4))
        asked_for = f'Digest realm="{REALM}",nonce="{nonce}",opaque="5f",algorithm=MD5,qop="auth"'
        said.headers.append(("WWW-Authenticate", asked_for))
        return said

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def _usable(sdp: str) -> bool:
    """What ``webrtc=yes`` asks of an offer: DTLS, ICE, feedback profile, and a codec that is allowed."""
    wanted = ("m=audio", "SAVPF", "a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:")
    return all(part in sdp for part in wanted) and bool(re.search(r"opus/48000|PCM[UA]/8000", sdp))


ANSWER_SDP = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 192.0.2.10",
        "s=Asterisk",
        "c=IN IP4 192.0.2.10",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 10000 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=setup:active",
        "a=fingerprint:SHA-256 " + ":".join(["AB"] * 32),
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789abcdef01234567",
        "a=candidate:H1 1 UDP 2130706431 192.0.2.10 10000 typ host",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=sendrecv",
        "",
    ]
)


def browser_offer(tone: int) -> str:
    """What a browser offers, with the tone that it will say; one candidate has a name of mDNS."""
    return "\r\n".join(
        [
            "v=0",
            "o=- 4 2 IN IP4 127.0.0.1",
            f"s=tone-{tone}",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
            "c=IN IP4 0.0.0.0",
            "a=candidate:1 1 udp 2113937151 7f8f1e7c-0000-4000-8000-4f5b1c.local 50000 typ host generation 0",
            "a=candidate:2 1 udp 2113937150 192.0.2.77 50001 typ host generation 0",
            "a=ice-ufrag:EsAw",
            "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
            "a=fingerprint:sha-256 " + ":".join(["CD"] * 32),
            "a=setup:actpass",
            "a=mid:0",
            "a=sendrecv",
            "a=rtcp-mux",
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:0 PCMU/8000",
            "",
        ]
    )
