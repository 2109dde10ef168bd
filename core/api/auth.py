"""Who calls: a bearer token, its scopes, the privileges of its user, and how often it may.

A token never does more than its user: the scope and the privilege are both asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from core import audit, tokens
from core.api.errors import Problem
from core.contracts import ApiOperation, Text
from core.house import okno
from core.model import User
from core.permissions import allowed

REALM = 'Bearer realm="okno"'


@dataclass(frozen=True, slots=True)
class Caller:
    """The token and the user of this request."""

    token_id: int
    user: User
    scopes: frozenset[str]


class Meter:
    """How many requests each token has made in this minute; in Redis when there are several machines."""

    def __init__(self, app: Flask) -> None:
        config = app.extensions["okno"].config
        store: Any = storage_from_string(config.get("core.redis_url") or "memory://")
        self.limiter = FixedWindowRateLimiter(store)
        most = config.get("api.requests_per_minute")
        self.item = RateLimitItemPerMinute(most) if most else None

    def count(self, token_id: int) -> None:
        """Count a request; 429 when there were too many."""
        if self.item is None or self.limiter.hit(self.item, "api", str(token_id)):
            return
        detail = Text(
            f"This token may make {self.item.amount} requests a minute.",
            f"С этим токеном можно сделать {self.item.amount} запросов в минуту.",
        )
        raise Problem(429, "rate-limit", detail, headers={"Retry-After": "60"})


def meter() -> Meter:
    """The application's meter, made at first use."""
    found: Meter = current_app.extensions.setdefault("okno_api_meter", None) or Meter(current_app)
    current_app.extensions["okno_api_meter"] = found
    return found


def authenticate(operation: ApiOperation) -> Caller:
    """The caller, or 401, 429, 403. From here on the request acts as the token's user, whatever cookie came with it."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        detail = Text(
            "Send the header  Authorization: Bearer okno_pat_…", "Передайте заголовок  Authorization: Bearer okno_pat_…"
        )
        raise Problem(401, "token-missing", detail, headers={"WWW-Authenticate": REALM})
    token = tokens.find(secret.strip())
    if token is None:
        detail = Text("This token is unknown, ended or expired.", "Этот токен неизвестен, отозван или истёк.")
        raise Problem(401, "token-invalid", detail, headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'})
    caller = Caller(token.id, token.user, frozenset(token.scopes))
    request.environ["okno.user"] = caller.user
    request.environ["okno.api_caller"] = caller
    audit.set_actor(f"{caller.user.login}/{token.prefix}", request.remote_addr or "")
    meter().count(caller.token_id)
    _check(caller, operation)
    tokens.note_use(caller.token_id, token.used_at)
    return caller


def _check(caller: Caller, operation: ApiOperation) -> None:
    if operation.scope not in caller.scopes:
        detail = Text(
            f"The token lacks the scope {operation.scope}.", f"У токена нет области доступа {operation.scope}."
        )
        challenge = f'{REALM}, error="insufficient_scope", scope="{operation.scope}"'
        raise Problem(403, "scope-missing", detail, headers={"WWW-Authenticate": challenge})
    if not allowed(caller.user, operation.permission, **(request.view_args or {})):
        title = okno().permissions[operation.permission].title
        detail = Text(
            f"The user of the token lacks the privilege «{title.en}».", f"У пользователя нет полномочия «{title.ru}»."
        )
        raise Problem(403, "privilege-missing", detail)


def caller() -> Caller:
    """The caller of this request."""
    found: Caller = request.environ["okno.api_caller"]
    return found


def me() -> User:
    """The user of this request."""
    return caller().user
