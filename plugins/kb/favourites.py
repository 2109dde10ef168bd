"""What an agent pinned to the side panel: folders and articles, in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from plugins.kb.models import Article, Favourite, Folder


def add(user_id: int, *, folder_id: int | None = None, article_id: int | None = None) -> None:
    """Pin a folder or an article at the end; pinning again changes nothing. Raises ``Rejected`` at the limit."""
    with transaction():
        target = db.session.get(Folder, folder_id) if folder_id else db.session.get(Article, article_id or 0)
        if target is None:
            raise Rejected(Text("There is nothing to pin", "Закреплять нечего"), "favourite-unknown")
        if _find(user_id, folder_id, article_id) is not None:
            return
        most = int(okno().config.get("kb.favourites_max"))
        count, last = db.session.execute(
            select(func.count(Favourite.id), func.max(Favourite.position)).where(Favourite.user_id == user_id)
        ).one()
        if count >= most:
            raise Rejected(
                Text(
                    f"You have {most} favourites, the most allowed. Remove one first.",
                    f"В избранном уже {most}, больше нельзя. Сначала уберите что-нибудь.",
                ),
                "favourites-full",
            )
        position = 0 if last is None else last + 1
        db.session.add(Favourite(user_id=user_id, folder_id=folder_id, article_id=article_id, position=position))


def remove(user_id: int, *, folder_id: int | None = None, article_id: int | None = None) -> None:
    """Unpin; something that isn't pinned is fine."""
    with transaction():
        if (found := _find(user_id, folder_id, article_id)) is not None:
            db.session.delete(found)


def reorder(user_id: int, ids: Sequence[int]) -> None:
    """Put the user's pins in the order of ``ids`` (of favourites); those not named keep their order behind them."""
    with transaction():
        place = {favourite_id: position for position, favourite_id in enumerate(ids)}
        rows = db.session.scalars(
            select(Favourite).where(Favourite.user_id == user_id).order_by(Favourite.position, Favourite.id)
        ).all()
        for position, row in enumerate(sorted(rows, key=lambda row: place.get(row.id, len(place)))):
            row.position = position


def _find(user_id: int, folder_id: int | None, article_id: int | None) -> Favourite | None:
    target = Favourite.folder_id == folder_id if folder_id else Favourite.article_id == article_id
    found: Favourite | None = db.session.scalar(select(Favourite).where(Favourite.user_id == user_id, target))
    return found
