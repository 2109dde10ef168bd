"""The words of the notifications about articles."""

from __future__ import annotations

from collections.abc import Mapping

from core.contracts import JsonValue, NoticeKind, Text

Data = Mapping[str, JsonValue]


def _titled(data: Data) -> str:
    return f"№{data.get('number')} «{data.get('title')}»"


def _noted(data: Data, english: str, russian: str) -> Text:
    note = f": {data['note']}" if data.get("note") else ""
    return Text(f"{english} {_titled(data)}{note}", f"{russian} {_titled(data)}{note}")


def _asked(data: Data, who: str) -> Text:
    return _noted(data, f"{who} asks to review", f"{who} просит проверить статью")


def _returned(data: Data, who: str) -> Text:
    return _noted(data, f"{who} returned", f"{who} вернул(а) статью")


def _approved(data: Data, who: str) -> Text:
    return _noted(data, f"{who} published", f"{who} опубликовал(а) статью")


KINDS = [
    NoticeKind("kb.review.asked", "eye-check", _asked, "info"),
    NoticeKind("kb.review.returned", "arrow-back-up", _returned, "warn"),
    NoticeKind("kb.review.approved", "circle-check", _approved, "good"),
]
