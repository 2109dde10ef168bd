"""What belongs to a person's desk: notifications and favourites of the directory."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import favourites, notifications
from core.api import fields as f
from core.api.auth import me
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import CountShape, FavouriteShape, NotificationShape
from core.contracts import Text
from core.model import Favourite, Notification

resource = Resource("notifications", Text("Notifications and favourites", "Оповещения и избранное"))
NEWEST = Order("notifications", ((Notification.id, True),))


class NotificationQuery(PageQuery):
    unread = f.asked(f.flag(load_default=False))


class ReadInput(f.Input):
    ids = f.items(f.key(), 500, Text("All of them, when left out", "Если не указано, то все"))


class FavouriteInput(f.Input):
    kind = f.word(tuple(favourites.KINDS), required=True)
    object_id = f.key(required=True)


@resource.get(
    "/notifications",
    Text("Own notifications", "Свои оповещения"),
    query=NotificationQuery,
    answer=NotificationShape,
    paged=True,
)
def list_notifications(query: dict[str, Any]) -> Page:
    """The newest first; thirty days are kept."""
    statement = select(Notification).where(Notification.user_id == me().id).options(joinedload(Notification.actor))
    if query["unread"]:
        statement = statement.where(Notification.read_at.is_(None))
    return page(statement, NEWEST, query, lambda row: (row.id,))


@resource.get("/notifications/unread", Text("How many are unread", "Сколько непрочитанных"), answer=CountShape)
def count_unread() -> dict[str, int]:
    """At most 1000."""
    return {"count": notifications.unread(me().id)}


@resource.post("/notifications/read", Text("Mark as read", "Отметить прочитанными"), body=ReadInput)
def read_notifications(body: dict[str, Any]) -> None:
    """Some, or all."""
    notifications.mark_read(me().id, body.get("ids"))


@resource.get("/favourites", Text("Own favourites", "Своё избранное"), answer=FavouriteShape, many=True)
def list_favourites() -> list[Favourite]:
    """In the user's order."""
    return favourites.of(me().id)


@resource.post("/favourites", Text("Add a favourite", "Добавить в избранное"), body=FavouriteInput)
def add_favourite(body: dict[str, Any]) -> None:
    """At the end; safe to repeat, at most fifty."""
    favourites.add(me().id, body["kind"], body["object_id"])


@resource.post("/favourites/remove", Text("Remove a favourite", "Убрать из избранного"), body=FavouriteInput)
def remove_favourite(body: dict[str, Any]) -> None:
    """Safe to repeat."""
    favourites.remove(me().id, body["kind"], body["object_id"])
