"""The socket between switch and SIP process: packets, each a JSON object or 20 ms of a leg's sound."""

from __future__ import annotations

import json
import socket
from typing import Any

# Sound is 1920 bytes; a JSON with all headers of an INVITE stays below this.
LONGEST = 32_768
# About 40 frames of 20 ms: enough for 20 legs when one side was busy for two of them.
BUFFER = 262_144
SOUND, WORDS = b"A", b"J"


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that keep packets apart and in order, and never block."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        prepare(end)
    return ends


def prepare(end: socket.socket) -> None:
    """Sending and receiving never wait, and what waits is bounded."""
    end.setblocking(False)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)


def words(**said: Any) -> bytes:
    """A packet of words; what a network said that is no Unicode (PJSUA2 gives it as lone surrogates) becomes question marks."""
    return WORDS + json.dumps(said, ensure_ascii=False).encode(errors="replace")


def sound(leg: str, samples: bytes) -> bytes:
    """A packet of sound; a leg's name has at most 255 bytes."""
    name = leg.encode()
    return SOUND + bytes([len(name)]) + name + samples


def read(packet: bytes) -> dict[str, Any] | tuple[str, bytes]:
    """Words, or a leg and its sound. Raises ValueError."""
    if packet[:1] == SOUND and len(packet) > 1:
        at = 2 + packet[1]
        return packet[2:at].decode(), packet[at:]
    if packet[:1] == WORDS:
        found: dict[str, Any] = json.loads(packet[1:])
        return found
    raise ValueError("a packet of neither words nor sound")
