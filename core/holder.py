"""Names of processes in the data base: who holds a lease, who is sending a row."""

from __future__ import annotations

import os
import socket


def holder() -> str:
    """A name for this process that no other living process has."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_dead(name: str) -> bool:
    """Whether the process of that name is known to have ended: on this machine, and its number free or given to us since."""
    host, _, number = name.rpartition(":")
    if host != socket.gethostname() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
