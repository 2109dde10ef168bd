"""How other sites reach the chat: who asks, from which page, and what their browsers may read. No cookie is involved.

A blueprint for visitors calls :func:`open_to_sites` once; its views ask :func:`asking`.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, request
from flask_babel import gettext
from sqlalchemy import select

from core.db import db
from core.shelf import Shelf
from core.web.errors import answer
from plugins.chat.models import Widget
from plugins.chat.visitor import widgets
from plugins.chat.visitor.visitors import Visitor, read_token

BEARER = "Bearer "
PREFLIGHT_SECONDS = 7200
# Pages of the house's own, which other sites have no business reading.
OWN_PAGES = ("chat.demo",)


@dataclass(frozen=True, slots=True)
class Door:
    """Which pages may use a widget; asked with every request."""

    active: bool
    origins: tuple[str, ...]


def _read() -> dict[str, Door]:
    rows = db.session.execute(select(Widget.key, Widget.active, Widget.origins))
    return {row.key: Door(row.active, tuple(row.origins)) for row in rows}


doors: Shelf[dict[str, Door]] = Shelf("chat_doors", _read, (Widget,))


def asking() -> Visitor:
    """Who asks, by the Authorization header; 401 for nobody, which makes the page forget its token and begin anew.

    Raises ``Rejected`` (``origin-refused``, ``widget-off``) when the visitor's widget may not be used on the asking page.
    """
    header = request.headers.get("Authorization", "")
    visitor = read_token(header.removeprefix(BEARER)) if header.startswith(BEARER) else None
    if visitor is None:
        abort(answer(401, "visitor-unknown", gettext("This conversation is not known any more. A new one begins.")))
    check_page(visitor.entry)
    return visitor


def check_page(entry: str) -> None:
    """Raises ``Rejected`` when the page that asks may not use this widget."""
    door = doors().get(entry)
    if door is not None:
        widget = Widget(key=entry, active=door.active, origins=list(door.origins))
        widgets.check_origin(widget, request.headers.get("Origin", ""), request.host_url.rstrip("/"))


def open_to_sites(blueprint: Blueprint) -> None:
    """Let pages of other origins read what this blueprint's views answer. Tokens, never cookies, say who asks."""
    blueprint.after_request(_allow)


def _allow(response: Response) -> Response:
    if request.endpoint in OWN_PAGES:
        return response
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "authorization, content-type, accept-language"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response
