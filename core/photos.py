"""Photos of people: PNG, JPEG or WebP, told apart by their content and measured by their headers, never decoded here."""

from __future__ import annotations

from core import audit, storage
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import User

LARGEST_BYTES = 2 << 20
SMALLEST, LARGEST = 32, 4096
KINDS = Text(
    "This is not a picture we can show: choose a PNG, JPEG or WebP file.",
    "Такой файл не показать как фото: выберите PNG, JPEG или WebP.",
)
TOO_LARGE = Text("The photo is larger than 2 MB: choose a smaller one.", "Фото больше 2 МБ: выберите файл поменьше.")
WRONG_SIZE = Text(
    f"The photo must be {SMALLEST} to {LARGEST} pixels wide and high.",
    f"Стороны фото должны быть от {SMALLEST} до {LARGEST} точек.",
)


def set_photo(user_id: int, content: bytes) -> str:
    """Keep a user's photo; returns its hash. Raises ``Rejected``: ``photo-too-large``, ``photo-kind``, ``photo-size``."""
    if len(content) > LARGEST_BYTES:
        raise Rejected(TOO_LARGE, "photo-too-large")
    found = examine(content)
    if found is None:
        raise Rejected(KINDS, "photo-kind")
    _kind, width, height = found
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise Rejected(WRONG_SIZE, "photo-size")
    with transaction():
        sha256 = storage.put(content)
        _replace(user_id, sha256)
    return sha256


def remove_photo(user_id: int) -> None:
    """Back to initials; safe to repeat."""
    with transaction():
        _replace(user_id, "")


def _replace(user_id: int, sha256: str) -> None:
    user = db.session.get_one(User, user_id, populate_existing=True)
    before, user.photo_sha = user.photo_sha, sha256
    audit.record("user.photo", "user", user.login, {"photo": before}, {"photo": sha256})
    events.publish("desk", "people.changed", {"user_id": user_id})


def examine(content: bytes) -> tuple[str, int, int] | None:
    """Content type, width and height of a picture, read from its header; None for anything else."""
    for look in (_png, _jpeg, _webp):
        if (found := look(content)) is not None:
            return found
    return None


def _png(content: bytes) -> tuple[str, int, int] | None:
    # PNG 1.2, 5.2 and 11.2.2: the signature, then IHDR with width and height.
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return "image/png", int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg(content: bytes) -> tuple[str, int, int] | None:
    # ITU T.81, B.2.2: segments one after the other until the frame header (SOF) with height and width.
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return "image/jpeg", int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        at += 2 + max(2, length)
    return None


def _webp(content: bytes) -> tuple[str, int, int] | None:
    # RFC 9649: RIFF container; the three kinds of the first chunk keep their size differently.
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    chunk = content[12:16]
    if chunk == b"VP8X":
        return "image/webp", 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return "image/webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return "image/webp", width, height
    return None
