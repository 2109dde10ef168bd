"""The token's own user: who, what allowed, in which state."""

from __future__ import annotations

from typing import Any

from core import presence
from core.api import agents
from core.api.auth import caller, me
from core.api.resource import Resource
from core.api.shapes import MeShape, PresenceShape
from core.contracts import Text
from core.db import db, transaction
from core.model import Presence
from core.permissions import granted

resource = Resource("me", Text("The token's user", "Пользователь токена"))


@resource.get("/me", Text("Who am I", "Кто я"), answer=MeShape)
def get_me() -> dict[str, Any]:
    """The user with privileges, and the token's scopes."""
    user = me()
    return {**agents.shown([user])[0], "privileges": sorted(granted(user)), "scopes": sorted(caller().scopes)}


@resource.get("/me/state", Text("Own state", "Своё состояние"), answer=PresenceShape)
def get_own_state() -> Presence:
    """And what comes after the work in hand."""
    with transaction():
        return presence.of(me().id)


@resource.put(
    "/me/state", Text("Change one's own state", "Сменить своё состояние"), body=agents.StateInput, answer=PresenceShape
)
def set_own_state(body: dict[str, Any]) -> Presence:
    """``ready`` and ``not_ready`` sign on first; while busy the change comes after the work in hand."""
    agents.choose(body)
    db.session.expire_all()
    return get_own_state()


@resource.post("/me/heartbeat", Text("Still here", "Я на месте"))
def heartbeat() -> None:
    """A desk says so by its stream. A program that serves must call this within the grace (``routing.grace_seconds``)."""
    presence.touch([me().id])
