"""The words of the notifications about comments, candidates and review dates."""

from __future__ import annotations

from collections.abc import Mapping

from core.contracts import JsonValue, NoticeKind, Text

Data = Mapping[str, JsonValue]


def _commented(data: Data, who: str) -> Text:
    number = data.get("number", "")
    return Text(
        f"{who or 'A visitor'} commented on №{number}", f"{who or 'Посетитель'}: комментарий к статье №{number}"
    )


def _answered(data: Data, who: str) -> Text:
    number = data.get("number", "")
    return Text(f"{who} answered your comment on №{number}", f"{who}: ответ на ваш комментарий к статье №{number}")


def _resolved(data: Data, who: str) -> Text:
    number = data.get("number", "")
    return Text(f"{who} dealt with your comment on №{number}", f"{who}: ваш комментарий к статье №{number} разобран")


def _proposed(data: Data, who: str) -> Text:
    case = data.get("case", "")
    return Text(f"Case {case} is worth an article", f"Запрос {case}: кандидат в базу знаний")


def _published(data: Data, who: str) -> Text:
    number, case = data.get("number", ""), data.get("case", "")
    return Text(f"Article №{number} came of your case {case}", f"По вашему запросу {case} вышла статья №{number}")


def _declined(data: Data, who: str) -> Text:
    case = data.get("case", "")
    return Text(
        f"Case {case} does not become an article: {data.get('reason', '')}",
        f"Запрос {case} не станет статьёй: {data.get('reason', '')}",
    )


def _due(data: Data, who: str) -> Text:
    number = data.get("number", "")
    return Text(f"Time to review article №{number}", f"Пора проверить статью №{number}")


KINDS = [
    NoticeKind("kb.comment", "message", _commented),
    NoticeKind("kb.answered", "message-check", _answered, "good"),
    NoticeKind("kb.resolved", "check", _resolved, "good"),
    NoticeKind("kb.candidate", "bulb", _proposed, "info"),
    NoticeKind("kb.candidate.published", "bulb", _published, "good"),
    NoticeKind("kb.candidate.declined", "bulb", _declined),
    NoticeKind("kb.review.due", "calendar-event", _due, "warn"),
]
