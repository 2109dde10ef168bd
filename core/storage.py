"""Files by the SHA-256 of their content, in ``<home>/files/ab/cdef…``; written once, synced before they count."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from flask import current_app

from core.db import db, on_commit, transaction
from core.model import StoredFile


def folder() -> Path:
    """Where files are kept."""
    return Path(current_app.config["OKNO_HOME"]) / "files"


def path(sha256: str) -> Path:
    """Where the content with this hash lies, or would."""
    return folder() / sha256[:2] / sha256[2:]


def write(content: bytes) -> str:
    """Keep ``content`` on disk durably and return its hash; needs no transaction, repeats are free."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = path(sha256)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{secrets.token_hex(8)}")
        try:
            with partial.open("xb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            partial.rename(target)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        _sync(target.parent)
    return sha256


def adopt(finished: Path) -> str:
    """Take a finished file on the same disk in as content, whatever its size, and record it; it is moved, not copied.

    In the open transaction or one of its own; the old name goes after the commit, so that a crash before it loses nothing.
    """
    with finished.open("rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        os.fsync(handle.fileno())
    target = path(sha256)
    size = finished.stat().st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(finished, target)
    _sync(target.parent)
    with transaction():
        if db.session.get(StoredFile, sha256) is None:
            db.session.add(StoredFile(sha256=sha256, size=size))
            db.session.flush()
        on_commit(lambda: finished.unlink(missing_ok=True))
    return sha256


def _sync(directory: Path) -> None:
    """Make the name in its folder as durable as the content."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(content: bytes) -> str:
    """:func:`write` and record it, in the open transaction or one of its own."""
    sha256 = write(content)
    with transaction():
        if db.session.get(StoredFile, sha256) is None:
            db.session.add(StoredFile(sha256=sha256, size=len(content)))
            db.session.flush()
    return sha256


def get(sha256: str) -> bytes:
    """The content; ``FileNotFoundError`` when it is not there."""
    return path(sha256).read_bytes()
