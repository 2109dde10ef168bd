"""Letters of the house to its own people, such as a voicemail. Who writes them needs no mail; who sends mail handles :data:`KIND`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core import outbox
from core.clock import now
from core.house import okno

KIND = "mail.notice"


@dataclass(frozen=True, slots=True)
class NoticeFile:
    """A stored file that goes along."""

    sha256: str
    name: str
    content_type: str


def can_send() -> bool:
    """Whether some plugin sends letters."""
    return KIND in okno().outbox_handlers


def post(key: str, to: str, subject: str, text: str, files: Sequence[NoticeFile] = ()) -> bool:
    """Put a letter into the outbox of the open transaction, once for each ``key``; False when nobody sends letters."""
    if not can_send() or not to:
        return False
    payload: Mapping[str, Any] = {
        "to": to,
        "subject": subject,
        "text": text,
        "files": [asdict(file) for file in files],
        "at": now().isoformat(),
    }
    outbox.enqueue(KIND, key, payload)
    return True
