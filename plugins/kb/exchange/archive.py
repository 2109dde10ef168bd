"""Zip archives in and out: nothing is unpacked outside its folder, and nothing grows beyond what is allowed."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path, PurePosixPath

from plugins.kb.exchange.portable import BadSource

ENTRIES_MOST = 100_000
RATIO_MOST = 200
SMALL = 1 << 20
CHUNK = 1 << 20


def unpack(archive: Path, target: Path, most_bytes: int) -> int:
    """Unpack into ``target``; returns the number of files. Raises :class:`BadSource` for what is broken, leads out, or grows.

    The sizes told by the archive are not believed: what is written is counted.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > ENTRIES_MOST:
                raise BadSource(f"the archive has more than {ENTRIES_MOST} files")
            left = most_bytes
            for entry in entries:
                left -= _unpack(opened, entry, target, left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, UnicodeError, ValueError) as error:
        if isinstance(error, BadSource):
            raise
        raise BadSource(f"the archive cannot be read: {error}") from error
    return len(entries)


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    place = _place(entry, target)
    place.parent.mkdir(parents=True, exist_ok=True)
    most = min(left, max(entry.compress_size * RATIO_MOST, SMALL))
    written = 0
    with opened.open(entry) as source, place.open("xb") as out:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > most:
                raise BadSource(f"{entry.filename!r} grows too large when unpacked")
            out.write(chunk)
    return written


def _place(entry: zipfile.ZipInfo, target: Path) -> Path:
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    link = stat.S_ISLNK(entry.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or ":" in name or not path.parts:
        raise BadSource(f"the archive names a place outside of it: {entry.filename!r}")
    return target / path


def pack(folder: Path, archive: Path) -> None:
    """All files below ``folder`` as a zip archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for base, _folders, names in os.walk(folder):
            for name in sorted(names):
                path = Path(base) / name
                out.write(path, path.relative_to(folder).as_posix())
