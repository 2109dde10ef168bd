"""A person's own tokens."""

from __future__ import annotations

from typing import Any

from core import tokens
from core.api import fields as f
from core.api.auth import caller, me
from core.api.errors import Problem
from core.api.resource import Resource
from core.api.shapes import NewTokenShape, TokenShape
from core.contracts import Text
from core.model import ApiToken

resource = Resource("tokens", Text("Own tokens", "Свои токены"))


class TokenInput(f.Input):
    name = f.text(tokens.NAME_MOST, required=True, least=1)
    scopes = f.items(f.text(60), 100, required=True)
    expires_at = f.moment(allow_none=True, load_default=None)


@resource.get("/tokens", Text("Own tokens", "Свои токены"), answer=TokenShape, many=True)
def list_tokens() -> list[ApiToken]:
    """Those that were not revoked, newest first."""
    return tokens.listed(me().id)


@resource.post(
    "/tokens",
    Text("Make a token", "Создать токен"),
    body=TokenInput,
    answer=NewTokenShape,
    status=201,
    secret=("secret",),
)
def create_token(body: dict[str, Any]) -> dict[str, Any]:
    """With no more scopes than this one has; the secret is shown once."""
    if beyond := sorted(set(body["scopes"]) & tokens.scopes().keys() - caller().scopes):
        listed = ", ".join(beyond)
        text = Text(f"This token lacks {listed} itself.", f"У самого этого токена нет {listed}.")
        raise Problem(403, "scope-missing", text)
    token, secret = tokens.create(me().id, body["name"], body["scopes"], expires_at=body["expires_at"])
    names = ("id", "name", "prefix", "service", "user", "scopes", "created_at", "expires_at", "used_at")
    return {**{name: getattr(token, name) for name in names}, "secret": secret}


@resource.delete("/tokens/<id:token_id>", Text("Revoke a token", "Отозвать токен"))
def revoke_token(token_id: int) -> None:
    """At once."""
    tokens.revoke(token_id, me().id)
