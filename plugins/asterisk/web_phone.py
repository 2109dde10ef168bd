"""Browsers' legs on Asterisk without a SIP library in the page.

The browser gives its WebRTC offer to Okno as with any backend. This side carries it to Asterisk in an INVITE over SIP on a
WebSocket (RFC 7118), as the endpoint for browsers, and brings the answer back. Sound goes straight between browser and
Asterisk: no packet passes through Python, and passwords of SIP never reach a page. The alternatives were a SIP library
beside the softphone, with a second way to sign in and a second state of each call, or ``chan_websocket`` and external media,
which would take the sound through this process.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from core.telephony import DriverError
from plugins.asterisk import sip_messages
from plugins.asterisk.sip_messages import SipMessage

log = structlog.get_logger(__name__)

# The extension that browsers' calls go to; the dialplan hands them to the Stasis application with their leg.
EXTENSION = "okno"
LEG_HEADER = "X-Okno-Leg"
ANSWER_SECONDS = 15.0
LONGEST_MESSAGE = 1 << 16


@dataclass(slots=True)
class Dialog:
    """One browser's call to Asterisk. ``answered`` gets the last answer to the INVITE under way."""

    leg: str
    call_id: str
    own_tag: str
    sequence: int = 0
    remote_tag: str = ""
    target: str = ""
    offer: str = ""
    branch: str = ""
    tries: int = 0
    ack: SipMessage | None = None
    answered: asyncio.Future[SipMessage] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class WebPhone:
    """A SIP user agent with one connection and many calls. ``ended`` is told the leg of a call that Asterisk ended."""

    def __init__(self, url: str, host: str, user: str, password: str, ended: Callable[[str], None]) -> None:
        self._url, self._host, self._user, self._password = url, host, user, password
        self._ended = ended
        self._name = f"{secrets.token_hex(6)}.invalid"
        self._protocol = "WSS" if url.startswith("wss:") else "WS"
        self._dialogs: dict[str, Dialog] = {}
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def offer(self, leg: str, sdp: str) -> str:
        """Call Asterisk with a browser's offer, or offer anew within the call; gives the answer's SDP.

        Raises DriverError: ``bad-sdp`` when Asterisk can't use the offer, ``full``, ``forbidden`` or ``failed`` else.
        """
        dialog = self._dialogs.get(leg)
        if dialog is None:
            dialog = self._dialogs[leg] = Dialog(leg, secrets.token_hex(12), secrets.token_hex(6))
        dialog.offer, dialog.tries = sdp, 0
        dialog.answered = asyncio.get_running_loop().create_future()
        try:
            await self._invite(dialog)
            async with asyncio.timeout(ANSWER_SECONDS):
                got = await dialog.answered
        except (TimeoutError, OSError, WebSocketException) as error:
            await self._give_up(dialog)
            raise DriverError("failed", f"no answer to the offer of leg {leg}: {error!r}") from error
        if got.status != 200:
            if not dialog.remote_tag:
                self._dialogs.pop(leg, None)
            raise _refusal(got)
        return got.body

    def forget(self, leg: str) -> None:
        """The leg has ended; what comes for it is answered and dropped."""
        self._dialogs.pop(leg, None)

    async def close(self) -> None:
        """End the connection."""
        if self._reader is not None:
            self._reader.cancel()
        if self._connection is not None:
            await self._connection.close()

    # --- requests ---

    async def _invite(self, dialog: Dialog, authorization: str = "") -> None:
        dialog.sequence += 1
        dialog.branch = f"z9hG4bK{secrets.token_hex(8)}"
        uri = dialog.target or f"sip:{EXTENSION}@{self._host}"
        headers = [
            *self._headers(dialog, "INVITE"),
            ("Contact", f"<sip:{self._user}@{self._name};transport=ws>"),
            ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE"),
            (LEG_HEADER, dialog.leg),
            ("Content-Type", "application/sdp"),
        ]
        if authorization:
            headers.append(("Authorization", authorization))
        await self._send(SipMessage(f"INVITE {uri} SIP/2.0", headers, dialog.offer))

    def _headers(self, dialog: Dialog, method: str) -> list[tuple[str, str]]:
        to = f"<sip:{EXTENSION}@{self._host}>"
        return [
            ("Via", f"SIP/2.0/{self._protocol} {self._name};branch={dialog.branch};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{self._user}@{self._host}>;tag={dialog.own_tag}"),
            ("To", f"{to};tag={dialog.remote_tag}" if dialog.remote_tag else to),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{dialog.sequence} {method}"),
        ]

    async def _give_up(self, dialog: Dialog) -> None:
        """Nobody waits for the answer any more; a call that was never answered is cancelled (RFC 3261, 9.1)."""
        if dialog.remote_tag:
            return
        self._dialogs.pop(dialog.leg, None)
        uri = f"sip:{EXTENSION}@{self._host}"
        with suppress(OSError, WebSocketException):
            await self._send(SipMessage(f"CANCEL {uri} SIP/2.0", self._headers(dialog, "CANCEL")))

    # --- the connection ---

    async def _send(self, message: SipMessage) -> None:
        connection = await self._connected()
        await connection.send(message.text())

    async def _connected(self) -> ClientConnection:
        async with self._connecting:
            if self._reader is None or self._reader.done():
                self._connection = await connect(
                    self._url, subprotocols=[Subprotocol("sip")], max_size=LONGEST_MESSAGE, close_timeout=1
                )
                self._reader = asyncio.create_task(self._read(self._connection), name="asterisk-sip")
            assert self._connection is not None
            return self._connection

    async def _read(self, connection: ClientConnection) -> None:
        """Media of calls that stand goes on when the connection ends; the next request opens a new one."""
        with suppress(WebSocketException):
            async for text in connection:
                try:
                    message = sip_messages.parse(text if isinstance(text, str) else text.decode())
                    await (self._answered(message) if message.status else self._asked(connection, message))
                except ValueError as error:
                    log.warning("asterisk.sip-unreadable", why=str(error))

    # --- what Asterisk says ---

    async def _answered(self, message: SipMessage) -> None:
        dialog = next((one for one in self._dialogs.values() if one.call_id == message.header("Call-ID")), None)
        if dialog is None or message.method != "INVITE" or message.status < 200:
            return
        if message.status == 200:
            await self._confirm(dialog, message)
            return
        await self._acknowledge_refusal(dialog, message)
        if message.status == 401 and dialog.tries == 0:
            dialog.tries += 1
            await self._authorize(dialog, message)
        elif not dialog.answered.done():
            dialog.answered.set_result(message)

    async def _confirm(self, dialog: Dialog, message: SipMessage) -> None:
        if int(message.header("CSeq").split(" ")[0]) != dialog.sequence:
            return
        first = not dialog.answered.done()
        if first:
            dialog.remote_tag = sip_messages.tag(message.header("To"))
            dialog.target = sip_messages.address(message.header("Contact"))
            dialog.branch = f"z9hG4bK{secrets.token_hex(8)}"
            dialog.ack = SipMessage(f"ACK {dialog.target} SIP/2.0", self._headers(dialog, "ACK"))
        if dialog.ack is not None:
            # An answer that comes again means that the ACK was lost.
            await self._send(dialog.ack)
        if first:
            dialog.answered.set_result(message)

    async def _acknowledge_refusal(self, dialog: Dialog, message: SipMessage) -> None:
        """RFC 3261, 17.1.1.3: the same branch, and the tag of the answer."""
        headers = [(name, value) for name, value in self._headers(dialog, "ACK") if name != "To"]
        uri = dialog.target or f"sip:{EXTENSION}@{self._host}"
        await self._send(SipMessage(f"ACK {uri} SIP/2.0", [*headers, ("To", message.header("To"))]))

    async def _authorize(self, dialog: Dialog, message: SipMessage) -> None:
        asked = sip_messages.challenge(message.header("WWW-Authenticate"))
        uri = dialog.target or f"sip:{EXTENSION}@{self._host}"
        nonce = secrets.token_hex(8)
        await self._invite(dialog, sip_messages.credentials(asked, self._user, self._password, "INVITE", uri, nonce))

    async def _asked(self, connection: ClientConnection, message: SipMessage) -> None:
        """Asterisk ends calls by BYE and asks whether we live by OPTIONS. Its own offers are refused (RFC 3261, 14.2: the
        session stays as it was), because only the browser could answer them."""
        if message.method == "ACK":
            return
        dialog = next((one for one in self._dialogs.values() if one.call_id == message.header("Call-ID")), None)
        offers = message.method == "INVITE" or (message.method == "UPDATE" and message.body)
        if dialog is None and message.method != "OPTIONS":
            said = sip_messages.answer(message, 481, "Call/Transaction Does Not Exist", secrets.token_hex(4))
        elif offers:
            said = sip_messages.answer(message, 488, "Not Acceptable Here")
        elif message.method in ("BYE", "OPTIONS", "UPDATE", "NOTIFY", "CANCEL"):
            said = sip_messages.answer(message, 200, "OK", secrets.token_hex(4))
        else:
            said = sip_messages.answer(message, 501, "Not Implemented")
        await connection.send(said.text())
        if message.method == "BYE" and dialog is not None:
            self._dialogs.pop(dialog.leg, None)
            self._ended(dialog.leg)


def _refusal(got: SipMessage) -> DriverError:
    code = {488: "bad-sdp", 415: "bad-sdp", 606: "bad-sdp", 503: "full", 486: "full"}.get(got.status, "failed")
    return DriverError(code, f"Asterisk refuses the browser's call: {got.start}")
