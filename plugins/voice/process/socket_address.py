"""Addresses of Unix sockets, which hold 107 bytes: a deeper file is reached through its folder's descriptor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Where the voice process listens, in the home folder.
SOCKET = "run/voice.sock"
LONGEST = 107


def host_and_port(listen: str) -> tuple[str, int]:
    """«host:port» as a pair. Raises ``ValueError``."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


@contextmanager
def address_of_file(path: Path) -> Iterator[str]:
    """What to bind or connect to for ``path``, while the context lasts. Raises :class:`OSError` when its folder is not there."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
