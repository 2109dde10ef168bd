"""A browser's end of a leg: a WebRTC connection of aiortc that carries Opus packets both ways."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.stats import RTCRemoteInboundRtpStreamStats, RTCTransportStats

from core.telephony import DriverError
from plugins.switch import ice
from plugins.switch.ends import Listener, Quality
from plugins.switch.frames import Frame
from plugins.switch.intake import Intake
from plugins.switch.opus import Encoder
from plugins.switch.outlet import Outlet

LONGEST_SDP = 100_000
# A browser offers one medium, with video two; each may take a socket for itself, and each candidate is asked.
MOST_MEDIA, MOST_CANDIDATES = 4, 100
OPUS = "audio/opus"
OPUS_LINE = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r\n", re.MULTILINE)
UFRAG = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)
# What aiortc raises on descriptions that are none; its parser checks little by itself.
FAULTS = (
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    AssertionError,
    OverflowError,
    InvalidStateError,
    OperationError,
)

Change = Callable[[Literal["up", "lost"]], None]


class BrowserEnd:
    """One browser. ``changed`` is told when media can flow and when the connection is gone for good."""

    packets = True

    def __init__(self, settings: Mapping[str, Any], clock: Callable[[], int], changed: Change) -> None:
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._encoder = Encoder(int(settings.get("switch.bitrate") or 32_000))
        self._encoded, self._hears_others = b"", False
        self._intake = Intake()
        self._outlet = Outlet()
        self._decoded, self._listeners = False, tuple[Listener, ...]()
        self._connection: RTCPeerConnection | None = None
        self._ufrag = ""
        self._closing: set[asyncio.Task[None]] = set()
        self._heard_packets = 0
        self._heard_at = time.monotonic()
        self._closed = False
        self.up = False

    async def answer(self, sdp: str) -> str:
        """Take an offer with all its candidates. One of the same connection renegotiates it, one of a new connection (a page
        that was loaded anew) takes the old one's place. Raises ``bad-sdp``."""
        if len(sdp) > LONGEST_SDP or not (found := UFRAG.search(sdp)) or "m=audio" not in sdp:
            raise DriverError("bad-sdp", "not an offer of audio")
        if sdp.count("\nm=") > MOST_MEDIA or sdp.count("\na=candidate:") > MOST_CANDIDATES:
            raise DriverError("bad-sdp", "more media or candidates than a browser offers")
        connection = self._connection
        fresh = connection is None or found[1] != self._ufrag or connection.connectionState in ("closed", "failed")
        if fresh or connection is None:
            connection, intake, outlet = self._made()
        try:
            await connection.setRemoteDescription(RTCSessionDescription(ice.without_hidden_candidates(sdp), "offer"))
            for transceiver in connection.getTransceivers()[
                1:
            ]:  # but for ours: aiortc would decode into an endless queue
                transceiver.direction = "inactive"
            await connection.setLocalDescription(await connection.createAnswer())
        except BaseException as fault:
            if fresh:
                self._close_later(connection)
            if isinstance(fault, FAULTS):
                raise DriverError("bad-sdp", f"{type(fault).__name__}: {fault}") from fault
            raise
        if self._closed:
            self._close_later(connection)
            raise DriverError("unknown-leg", "the leg ended while its connection was made")
        if fresh:
            self._take(connection, found[1], intake, outlet)
        return _with_mending(connection.localDescription.sdp)

    def listen(self, decoded: bool, listeners: Sequence[Listener]) -> None:
        """See :class:`plugins.switch.ends.End`."""
        self._decoded, self._listeners = decoded, tuple(listeners)
        self._intake.listen(decoded, listeners)

    def pull(self) -> Frame:
        """See :class:`plugins.switch.ends.End`."""
        return self._intake.pull()

    def send(self, frame: Frame, clock: int) -> None:
        """Never called: ``packets`` is true."""
        raise TypeError("a browser's end takes packets")

    def encode(self, frame: Frame) -> bytes:
        """See :class:`plugins.switch.ends.End`."""
        if self._hears_others:
            self._hears_others = False
            self._encoder.begin_anew()
        self._encoded = self._encoder.encode(frame)
        return self._encoded

    def send_packet(self, payload: bytes, clock: int) -> None:
        """See :class:`plugins.switch.ends.End`."""
        self._hears_others = payload is not self._encoded
        if self.up:
            self._outlet.send(payload, clock)

    def forward(self, payload: bytes, timestamp: int, source: int) -> None:
        """See :class:`plugins.switch.ends.Listener`."""
        self._hears_others = True
        if self.up:
            self._outlet.forward(payload, timestamp, source, self._clock())

    @property
    def silent_seconds(self) -> float:
        """For how long nothing has come from the browser; of its reports those that ``quality`` saw."""
        return time.monotonic() - max(self._heard_at, self._intake.latest)

    async def quality(self) -> Quality:
        """See :class:`plugins.switch.ends.End`; also notes whether the browser is still heard of."""
        lost_there = rtt = 0.0
        connection = self._connection
        for sender in connection.getSenders() if connection else ():
            for report in (await sender.getStats()).values():
                if isinstance(report, RTCTransportStats):
                    self._note_heard(report.packetsReceived)
                elif isinstance(report, RTCRemoteInboundRtpStreamStats):
                    lost_there = report.fractionLost / 256 * 100
                    rtt = (report.roundTripTime or 0.0) * 1000
        counted = self._intake.counted
        loss = max(counted.take_loss_percent(), lost_there)
        return Quality(round(loss, 1), round(counted.jitter_ms, 1), round(rtt, 1), self._intake.loudest())

    async def close(self) -> None:
        """Close the connection; ``changed`` is not told."""
        self.up, self._closed = False, True
        connection, self._connection = self._connection, None
        if connection is not None:
            self._close_later(connection)
        if self._closing:
            await asyncio.gather(*self._closing)

    def _made(self) -> tuple[RTCPeerConnection, Intake, Outlet]:
        """A new connection that speaks nothing but Opus."""
        connection = RTCPeerConnection(ice.configuration(self._settings))
        intake, outlet = Intake(), Outlet()
        transceiver = connection.addTransceiver(outlet, direction="sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType.lower() == OPUS])
        intake.put_into(transceiver.receiver)
        return connection, intake, outlet

    def _take(self, connection: RTCPeerConnection, ufrag: str, intake: Intake, outlet: Outlet) -> None:
        """From now on this is the connection."""
        old, self._connection, self._ufrag = self._connection, connection, ufrag
        self._intake.listen(False, ())
        intake.listen(self._decoded, self._listeners)
        self._intake, self._outlet, self.up = intake, outlet, False
        self._heard_at = time.monotonic()

        def changed() -> None:
            if connection is self._connection:
                self._follow(connection.connectionState)

        connection.on("connectionstatechange", changed)
        changed()
        if old is not None:
            self._close_later(old)

    def _follow(self, state: str) -> None:
        if state == "connected" and not self.up:
            self.up, self._heard_at = True, time.monotonic()
            self._changed("up")
        elif state in ("failed", "closed"):
            self.up = False
            self._changed("lost")

    def _note_heard(self, packets: int) -> None:
        if packets != self._heard_packets:
            self._heard_packets, self._heard_at = packets, time.monotonic()

    def _close_later(self, connection: RTCPeerConnection) -> None:
        connection.remove_all_listeners()
        task = asyncio.ensure_future(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _with_mending(answer: str) -> str:
    """The answer with the wish for forward error correction (RFC 7587, 6.1), which aiortc has no words for."""
    return OPUS_LINE.sub(lambda found: f"{found[0]}a=fmtp:{found[1]} minptime=10;useinbandfec=1\r\n", answer)
