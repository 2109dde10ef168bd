"""Delivery reports: which address failed, with which status (RFC 3464, and the common forms without it)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plugins.email.headers import normalise_address

MAX_RECIPIENTS = 100
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_CODE = re.compile(r"\b([45]\d\d)[ -]")
_ADDRESS = re.compile(r"[^\s<>\"',;:()]{1,320}@[^\s<>\"',;:()]{1,255}")
_SENDERS = ("mailer-daemon@", "postmaster@", "mail-daemon@", "mailerdaemon@")
_SUBJECTS = re.compile(
    r"undeliver|delivery (?:status|failure|has failed)|mail delivery (?:failed|system)|returned mail|failure notice"
    r"|недоставлен|не доставлен|не удалось доставить|unzustellbar",
    re.IGNORECASE,
)
_ORIGINAL_ID = re.compile(rb"^Message-ID:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery report says of one recipient. ``status`` is an enhanced code such as ``5.1.1`` or empty."""

    final_recipient: str
    action: str
    status: str
    diagnostic: str

    @property
    def permanent(self) -> bool:
        """Whether the report says that the mail will not arrive (RFC 3463: class 5, or action ``failed``)."""
        return self.action == "failed" or (not self.action and not self.status.startswith(("2", "4")))


def read_report(content: bytes) -> tuple[Bounce, ...]:
    """The recipients of a ``message/delivery-status`` body, one group of fields each."""
    bounces: list[Bounce] = []
    for block in re.split(r"\n\s*\n", content[:262144].decode("utf-8", "replace").replace("\r\n", "\n")):
        fields = _fields(block)
        recipient = fields.get("final-recipient") or fields.get("original-recipient")
        if not recipient:
            continue
        status = _STATUS.search(fields.get("status", ""))
        bounces.append(
            Bounce(
                _address(recipient),
                fields.get("action", "").split(" ")[0].lower()[:20],
                status[1] if status else "",
                fields.get("diagnostic-code", "").partition(";")[2].strip()[:500],
            )
        )
    return tuple(bounces[:MAX_RECIPIENTS])


def guess_report(from_address: str, subject: str, text: str, failed_header: str) -> tuple[Bounce, ...]:
    """Reports in prose: a mailer daemon's words, Exim's and Gmail's ``X-Failed-Recipients``."""
    failed = [normalise_address(found) for found in _ADDRESS.findall(failed_header)]
    if not failed:
        if not (from_address.startswith(_SENDERS) and _SUBJECTS.search(subject)):
            return ()
        failed = [
            normalise_address(found) for found in _ADDRESS.findall(text[:20000]) if not found.startswith(_SENDERS)
        ][:1]
    status = _STATUS.search(text[:20000])
    code = _CODE.search(text[:20000])
    shown = status[1] if status else f"{code[1][0]}.0.0" if code else ""
    action = "delayed" if shown.startswith("4") else "failed"
    return tuple(Bounce(address, action, shown, "") for address in dict.fromkeys(failed or [""]))[:MAX_RECIPIENTS]


def original_message_id(content: bytes) -> str:
    """The Message-ID of the returned message or of its headers, or ''."""
    found = _ORIGINAL_ID.search(content[:262144])
    return found[1].decode("utf-8", "replace") if found else ""


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _address(recipient: str) -> str:
    found = _ADDRESS.search(recipient.rpartition(";")[2])
    return normalise_address(found[0]) if found else recipient.rpartition(";")[2].strip()[:320]
