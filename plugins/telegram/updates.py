"""What an Update of the Bot API says, as plain data. Nothing here touches the house."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.contracts import Text

ALLOWED = ("message", "edited_message", "my_chat_member")
FILES = {
    "document": ("document", ""),
    "voice": ("voice.ogg", "audio/ogg"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "video": ("video.mp4", "video/mp4"),
    "video_note": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
}
UNSEEN = Text("(a message of a kind that is not shown here)", "(сообщение такого вида здесь не показывается)")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that can be fetched. ``unique_id`` is the same whoever sends it, ``size`` 0 when it is not told."""

    file_id: str
    unique_id: str
    name: str
    content_type: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Wrote:
    """A person wrote to the bot, or corrected it (``edited``). ``album`` ties messages that were sent as one."""

    chat_id: int
    message_id: int
    name: str
    language: str
    text: str
    at: datetime
    file: NamedFile | None = None
    album: str = ""
    edited: bool = False

    @property
    def command(self) -> str:
        """``/start`` and the like, "" for words."""
        first = self.text.split(maxsplit=1)[0] if self.text else ""
        return first.partition("@")[0].lower() if first.startswith("/") and not self.file else ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A person has stopped the bot: nothing reaches them any more."""

    chat_id: int


def read(update: Mapping[str, Any]) -> Wrote | Blocked | None:
    """What happened; None for what does not concern us: groups, other bots, a bot that is unblocked."""
    if member := update.get("my_chat_member"):
        status = (member.get("new_chat_member") or {}).get("status")
        chat = member.get("chat") or {}
        return Blocked(int(chat["id"])) if status == "kicked" and chat.get("type") == "private" else None
    edited = "edited_message" in update
    message = update.get("edited_message") or update.get("message")
    if not message or (message.get("chat") or {}).get("type") != "private" or (message.get("from") or {}).get("is_bot"):
        return None
    person = message.get("from") or message["chat"]
    language = "ru" if str(person.get("language_code", "ru")).startswith("ru") else "en"
    file = _file(message)
    return Wrote(
        chat_id=int(message["chat"]["id"]),
        message_id=int(message["message_id"]),
        name=" ".join(part for part in (person.get("first_name"), person.get("last_name")) if part)[:80],
        language=language,
        text=_words(message, language, file is not None),
        at=datetime.fromtimestamp(int(message.get("edit_date") or message["date"]), UTC),
        file=file,
        album=str(message.get("media_group_id") or ""),
        edited=edited,
    )


def _words(message: Mapping[str, Any], language: str, has_file: bool) -> str:
    words = str(message.get("text") or message.get("caption") or "").strip()
    if words or has_file:
        return words
    if venue := message.get("venue"):
        return f"{venue.get('title', '')}, {venue.get('address', '')}\n{_map(venue.get('location') or {})}"
    if location := message.get("location"):
        return _map(location)
    if contact := message.get("contact"):
        name = " ".join(part for part in (contact.get("first_name"), contact.get("last_name")) if part)
        return f"{name}: {contact.get('phone_number', '')}"
    if sticker := message.get("sticker"):
        return str(sticker.get("emoji") or UNSEEN.to(language))
    if dice := message.get("dice"):
        return f"{dice.get('emoji', '')} {dice.get('value', '')}"
    return UNSEEN.to(language)


def _map(location: Mapping[str, Any]) -> str:
    latitude, longitude = location.get("latitude", 0), location.get("longitude", 0)
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"


def _file(message: Mapping[str, Any]) -> NamedFile | None:
    if sizes := message.get("photo"):
        best = max(sizes, key=lambda size: (size.get("width", 0) * size.get("height", 0), size.get("file_size", 0)))
        return _named(best, f"photo-{message['message_id']}.jpg", "image/jpeg")
    for kind, (name, content_type) in FILES.items():
        if found := message.get(kind):
            return _named(found, name, content_type)
    return None


def _named(found: Mapping[str, Any], name: str, content_type: str) -> NamedFile:
    return NamedFile(
        file_id=str(found["file_id"]),
        unique_id=str(found.get("file_unique_id") or found["file_id"]),
        name=str(found.get("file_name") or name)[:200],
        content_type=str(found.get("mime_type") or content_type or "application/octet-stream")[:100],
        size=int(found.get("file_size") or 0),
    )
