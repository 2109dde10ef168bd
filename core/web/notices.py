"""The notification centre (центр уведомлений): the panel behind the bell, its counter, marking as read."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, jsonify, render_template, request
from flask_babel import get_timezone

from core import notifications
from core.permissions import require
from core.web.desk_commands import done
from core.web.desk_frame import signed_in
from core.web.notice_words import Notice, notice_of


@require("desk.use")
def panel() -> str:
    """A page of notifications by day; ``unread=1`` narrows, ``before`` continues."""
    user, unread_only = signed_in(), request.args.get("unread") == "1"
    before = request.args.get("before", type=int)
    rows = notifications.latest(user.id, unread_only=unread_only, before=before)
    more = rows[-1].id if len(rows) == notifications.PAGE else None
    return render_template(
        "desk/notice_days.html" if before else "desk/notices.html",
        days=_by_day([notice_of(row) for row in rows]),
        unread_only=unread_only,
        unread=notifications.unread(user.id),
        more=more,
    )


def _by_day(notices: list[Notice]) -> list[tuple[Any, list[Notice]]]:
    zone = get_timezone() or ZoneInfo("UTC")
    return [
        (items[0].row.at, items)
        for _day, found in groupby(notices, key=lambda notice: notice.row.at.astimezone(zone).date())
        for items in (list(found),)
    ]


@require("desk.use")
def news() -> Response:
    """How many are unread, and the newest of them in words, for the bell and the desktop."""
    user = signed_in()
    newest = [notice_of(row) for row in notifications.latest(user.id, unread_only=True, limit=1)]
    shown = [
        {"id": n.row.id, "title": n.title, "text": n.text, "url": n.row.url, "tone": n.tone, "toast": n.toast}
        for n in newest
    ]
    return jsonify(unread=notifications.unread(user.id), newest=shown[0] if shown else None)


@require("desk.use")
def mark_read() -> Response:
    """One (``id``) or all."""
    chosen = request.form.get("id", type=int)
    notifications.mark_read(signed_in().id, [chosen] if chosen is not None else None)
    return done(**{"okno:notices": {}})


def unread_notices() -> int:
    """The number on the bell."""
    return notifications.unread(signed_in().id)
