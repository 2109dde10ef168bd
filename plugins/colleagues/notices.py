"""The words of notifications about chats."""

from __future__ import annotations

from collections.abc import Mapping

from core.contracts import JsonValue, NoticeKind, Text

Data = Mapping[str, JsonValue]


def _mentioned(data: Data, who: str) -> Text:
    room = data.get("room", "")
    if not room:
        return Text(f"{who} mentions you in a chat", f"{who} упоминает вас в чате")
    return Text(f"{who} mentions you in the chat «{room}»", f"{who} упоминает вас в чате «{room}»")


def _told(data: Data, who: str) -> Text:
    return Text(f"{who} to all: read it", f"{who}: сообщение для всех")


KINDS = [
    NoticeKind("colleagues.mention", "at", _mentioned, "info"),
    NoticeKind("colleagues.broadcast", "speakerphone", _told, "warn"),
]
