"""The one shape of errors under ``/api``: ``application/problem+json`` after RFC 9457, in the caller's language.

``{"type", "title", "status", "detail", "code", "errors": {field: [texts]}}``; ``code`` is for programs and never changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, g, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from core.contracts import Rejected, Text
from core.schemas import Invalid
from core.web.language import here

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: Text("The request cannot be read", "Запрос не читается"),
    401: Text("A token is needed", "Нужен токен"),
    403: Text("Not allowed", "Нет прав"),
    404: Text("Not found", "Не найдено"),
    405: Text("This method is not possible here", "Этот метод здесь невозможен"),
    409: Text("Not possible now", "Сейчас это невозможно"),
    412: Text("Changed in the meantime", "Изменено другим"),
    413: Text("Too large", "Слишком большой запрос"),
    415: Text("This content type is not taken", "Такой тип содержимого не принимается"),
    422: Text("The values are not valid", "Значения недопустимы"),
    429: Text("Too many requests", "Слишком много запросов"),
    500: Text("Something broke on our side", "Ошибка на нашей стороне"),
    503: Text("The data base does not answer", "База данных не отвечает"),
}
# What an operation refuses because of how things stand, not because of what was sent.
CONFLICTS = frozenset(
    {
        "agent-not-free",
        "agent-offline",
        "agents-busy",
        "already-linked",
        "capacity-limit",
        "help-is-coming",
        "help-not-wanted",
        "last-agent",
        "live-not-later",
        "moved-on",
        "nobody-signed-on",
        "parent-exists",
        "transfer-same",
        "default-needed",
        "edited-meanwhile",
        "exists",
        "in-use",
        "interaction-in-hand",
        "last-admin",
        "not-your-interaction",
        "offer-gone",
        "offline",
        "taken",
        "title-taken",
        "channel-off",
        "case-changed",
        "case-in-work",
        "favourites-full",
        "link-circle",
        "ping-gone",
        "reply-overtaken",
        "state-in-motion",
        "too-late",
        "webhooks-full",
    }
)
MISSING = frozenset({"not-found"})
FORBIDDEN = frozenset({"not-yours", "ping-not-yours"})


class Problem(Exception):
    """Raised anywhere below a view to answer with an error; ``errors`` gives texts by field, dotted where nested."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: Text,
        errors: Mapping[str, list[Text]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = dict(errors or {}), dict(headers or {})
        super().__init__(detail.en)


def invalid(errors: Mapping[str, Text]) -> Problem:
    """422 with a text for each field."""
    detail = Text("Some fields hold what they may not.", "Некоторые поля заполнены неверно.")
    return Problem(422, "invalid", detail, {name: [text] for name, text in errors.items()})


def answer(problem: Problem) -> Response:
    """The response of a problem."""
    language = here()
    title = TITLES.get(problem.status, TITLES[400 if problem.status < 500 else 500])
    body: dict[str, Any] = {
        "type": f"urn:okno:problem:{problem.code}",
        "title": title.to(language),
        "status": problem.status,
        "detail": problem.detail.to(language),
        "code": problem.code,
        "errors": {name: [text.to(language) for text in texts] for name, texts in problem.errors.items()},
    }
    response = Response(json.dumps(body, ensure_ascii=False), problem.status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(problem.headers)
    return response


def of(error: Exception) -> Problem:
    """What ``error`` means to a program; anything unknown is 500, whose text names the request."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return Problem(422, "invalid", invalid({}).detail, flat(error.normalized_messages()))  # type: ignore[no-untyped-call]
    if isinstance(error, Rejected):
        return _rejected(error)
    if isinstance(error, HTTPException):
        return _http(error)
    number = g.get("request_id", "?")
    detail = Text(
        f"Nothing was lost; tell the administrator the number {number}.",
        f"Ничего не потеряно; сообщите администратору номер {number}.",
    )
    return Problem(500, "internal", detail)


def busy() -> Problem:
    """The data base is locked, full or away."""
    detail = Text("Nothing was changed; try again in a moment.", "Ничего не изменено; повторите чуть позже.")
    return Problem(503, "database-busy", detail, headers={"Retry-After": "3"})


def _rejected(refusal: Rejected) -> Problem:
    errors = {name: [text] for name, text in refusal.errors.items()} if isinstance(refusal, Invalid) else {}
    status = 422
    if refusal.code in CONFLICTS:
        status = 409
    elif refusal.code in MISSING:
        status = 404
    elif refusal.code in FORBIDDEN:
        status = 403
    return Problem(status, refusal.code, refusal.text, errors)


def _http(error: HTTPException) -> Problem:
    status = error.code or 500
    details = {
        404: Text(f"There is nothing at {request.path}.", f"По адресу {request.path} ничего нет."),
        405: Text(f"{request.method} is not possible here.", f"Метод {request.method} здесь невозможен."),
        413: Text("The request is larger than the house takes.", "Запрос больше, чем принимает центр."),
    }
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(set(error.valid_methods)))
    title = TITLES.get(status, TITLES[400 if status < 500 else 500])
    return Problem(status, f"http-{status}", details.get(status, title), headers=headers)


def flat(messages: Any, path: str = "") -> dict[str, list[Text]]:
    """marshmallow's nested messages as texts by dotted field name; "" is the whole."""
    if isinstance(messages, Mapping):
        found: dict[str, list[Text]] = {}
        for name, inner in messages.items():
            below = path if name == "_schema" else f"{path}.{name}".lstrip(".")
            for key, texts in flat(inner, below).items():
                found.setdefault(key, []).extend(texts)
        return found
    said: list[Any] = messages if isinstance(messages, list) else [messages]
    return {path: [text if isinstance(text, Text) else Text(str(text), str(text)) for text in said]}
