"""Opus (RFC 6716) by libopus through ctypes.

PyAV's own codec contexts cost several times as much a frame and cannot conceal. Each encoder and decoder belongs to one stream.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plugins.switch.frames import FRAME, RATE, Frame
from plugins.switch.libopus import library

APPLICATION_VOIP = 2048
RESET_STATE = 4028
SET_BITRATE, SET_COMPLEXITY, SET_INBAND_FEC, SET_PACKET_LOSS = 4002, 4010, 4012, 4014
LONGEST_SAMPLES = 5760  # 120 ms, the longest packet there is
LONGEST_PACKET = 1275
COMPLEXITY = 5
EXPECTED_LOSS = 5


class OpusError(ValueError):
    """libopus refused: what came is no Opus."""


def _created(what: str, state: int | None, error: ctypes.c_int) -> ctypes.c_void_p:
    if not state or error.value:
        raise MemoryError(f"no Opus {what}: {error.value}")
    return ctypes.c_void_p(state)


class Encoder:
    """Frames to packets of 20 ms, with forward error correction for the receiver to mend single losses by."""

    def __init__(self, bitrate: int = 32_000) -> None:
        self._opus: Any = library()
        error = ctypes.c_int()
        state = self._opus.opus_encoder_create(RATE, 1, APPLICATION_VOIP, ctypes.byref(error))
        self._state = _created("encoder", state, error)
        for request, value in (
            (SET_BITRATE, bitrate),
            (SET_COMPLEXITY, COMPLEXITY),
            (SET_INBAND_FEC, 1),
            (SET_PACKET_LOSS, EXPECTED_LOSS),
        ):
            self._opus.opus_encoder_ctl(self._state, request, ctypes.c_int32(value))
        self._in = np.zeros(FRAME, np.int16)
        self._out = ctypes.create_string_buffer(LONGEST_PACKET)
        self._in_at = self._in.ctypes.data

    def encode(self, frame: Frame) -> bytes:
        """One packet."""
        self._in[:] = frame
        size = self._opus.opus_encode(self._state, self._in_at, FRAME, self._out, LONGEST_PACKET)
        if size < 0:
            raise OpusError(f"encoding failed: {size}")
        return ctypes.string_at(self._out, size)

    def begin_anew(self) -> None:
        """The listener heard another stream meanwhile: the next packet hangs on none before it."""
        self._opus.opus_encoder_ctl(self._state, RESET_STATE)

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._opus.opus_encoder_destroy(state)


class Decoder:
    """Packets to samples at 48 kHz mono; it can also guess what a lost packet held."""

    def __init__(self) -> None:
        self._opus: Any = library()
        error = ctypes.c_int()
        self._state = _created("decoder", self._opus.opus_decoder_create(RATE, 1, ctypes.byref(error)), error)
        self._out = np.zeros(LONGEST_SAMPLES, np.int16)
        self._out_at = self._out.ctypes.data

    def decode(self, packet: bytes) -> NDArray[np.int16]:
        """All samples of a packet (120 to 5760). Raises :class:`OpusError`."""
        return self._run(packet, LONGEST_SAMPLES, 0)

    def conceal(self, following: bytes | None = None) -> NDArray[np.int16]:
        """A frame in place of a lost one, by what the packet ``following`` says of it, else by continuing what was heard."""
        if following:
            return self._run(following, FRAME, 1)
        return self._run(None, FRAME, 0)

    def _run(self, packet: bytes | None, samples: int, mend: int) -> NDArray[np.int16]:
        size = len(packet) if packet else 0
        made = self._opus.opus_decode(self._state, packet, size, self._out_at, samples, mend)
        if made < 0:
            raise OpusError(f"not an Opus packet: {made}")
        return self._out[:made].copy()

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._opus.opus_decoder_destroy(state)
