"""libopus: the library inside PyAV's wheel, else the system's."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
from functools import cache
from pathlib import Path


class OpusMissing(ImportError):
    """There is no libopus on this machine."""


def _candidates() -> list[str]:
    spec = importlib.util.find_spec("av")
    package = Path(spec.origin).parent if spec and spec.origin else Path()
    found = [*(package.parent / "av.libs").glob("libopus-*.so*"), *(package / ".dylibs").glob("libopus*.dylib")]
    system = ctypes.util.find_library("opus")
    return [*sorted(map(str, found)), *([system] if system else [])]


@cache
def library() -> ctypes.CDLL:
    """The loaded library with its signatures. Raises :class:`OpusMissing`."""
    for name in _candidates():
        try:
            return _signed(ctypes.CDLL(name))
        except OSError:
            continue
    raise OpusMissing("libopus was found neither beside PyAV nor on this system")


def _signed(opus: ctypes.CDLL) -> ctypes.CDLL:
    number, pointer, wide = ctypes.c_int, ctypes.c_void_p, ctypes.c_int32
    opus.opus_encoder_create.restype = opus.opus_decoder_create.restype = pointer
    opus.opus_encoder_create.argtypes = [wide, number, number, ctypes.POINTER(number)]
    opus.opus_decoder_create.argtypes = [wide, number, ctypes.POINTER(number)]
    opus.opus_encode.argtypes = [pointer, pointer, number, pointer, wide]
    opus.opus_decode.argtypes = [pointer, ctypes.c_char_p, wide, pointer, number, number]
    opus.opus_encode.restype = opus.opus_decode.restype = wide
    # The rest of its arguments are variadic; naming only the fixed ones lets ctypes pass them rightly everywhere.
    opus.opus_encoder_ctl.argtypes = [pointer, number]
    opus.opus_encoder_destroy.argtypes = opus.opus_decoder_destroy.argtypes = [pointer]
    return opus
