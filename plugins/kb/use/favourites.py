"""Favourites (избранное): folders of pinned articles and folders, an agent's own and those a team shares.

Everybody orders their own; a team's are kept by its supervisors and by those of its members who write articles.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import TeamMember, User
from core.permissions import allowed
from plugins.kb.models import Article, FavouriteSet, Folder, Pin
from plugins.kb.writing.operations import folded, one_line

TITLE_MOST = 80
UNKNOWN = Text("This folder of favourites is not there (any more)", "Такой папки избранного (уже) нет")


def add(user_id: int, *, folder_id: int | None = None, article_id: int | None = None, set_id: int | None = None) -> int:
    """Pin a folder or an article at the end of a set (None: the agent's own); pinning again changes nothing.

    Returns the set's id. Raises ``Rejected``: ``favourite-unknown``, ``favourites-full``, ``favourites-not-yours``.
    """
    with transaction():
        model, wanted = (Folder, folder_id) if folder_id else (Article, article_id)
        if wanted is None or db.session.get(model, wanted) is None:
            raise Rejected(Text("There is nothing to pin", "Закреплять нечего"), "favourite-unknown")
        into = _held(user_id, [set_id or own_set(user_id)])[0]
        if _pin_of(into.id, folder_id, article_id) is not None:
            return into.id
        counted = select(func.count(Pin.id), func.max(Pin.position)).where(Pin.set_id == into.id)
        count, last = db.session.execute(counted).one()
        _check_room(count, 1)
        position = last + 1 if count else 0
        db.session.add(Pin(set_id=into.id, folder_id=folder_id, article_id=article_id, position=position))
        return into.id


def _check_room(count: int, more: int) -> None:
    most = int(okno().config.get("kb.favourites_max"))
    if count + more > most:
        raise Rejected(
            Text(
                f"A folder of favourites holds {most} entries, the most allowed. Remove one first.",
                f"В папке избранного уже {most}, больше нельзя. Сначала уберите что-нибудь.",
            ),
            "favourites-full",
        )


def own_set(user_id: int) -> int:
    """The agent's set without a title, made when it is not there; in the open transaction."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(FavouriteSet).values(user_id=user_id, title="", title_key="", position=0)
    db.session.execute(fresh.on_conflict_do_nothing(index_elements=["user_id", "title_key"]))
    query = select(FavouriteSet.id).where(FavouriteSet.user_id == user_id, FavouriteSet.title_key == "")
    return db.session.scalars(query).one()


def remove(
    user_id: int, *, folder_id: int | None = None, article_id: int | None = None, set_id: int | None = None
) -> None:
    """Unpin from one set, or (``set_id`` None) from all of the agent's own; something that isn't pinned is fine."""
    with transaction():
        if set_id is not None:
            ids = [_held(user_id, [set_id])[0].id]
        else:
            ids = list(db.session.scalars(select(FavouriteSet.id).where(FavouriteSet.user_id == user_id)))
        target = Pin.folder_id == folder_id if folder_id else Pin.article_id == article_id
        gone = delete(Pin).where(Pin.set_id.in_(ids), target)
        db.session.execute(gone.execution_options(synchronize_session=False))


def reorder(user_id: int, set_id: int, pin_ids: Sequence[int]) -> None:
    """Put a set's pins in the order of ``pin_ids``; those not named keep their order behind them.

    Pins of other sets that the agent keeps move into it; what it holds already comes once. Raises ``Rejected``.
    """
    with transaction():
        # Duplicates in what a browser sends count at their first place.
        place = {pin_id: position for position, pin_id in reversed(list(enumerate(pin_ids)))}
        coming = list(db.session.scalars(select(Pin.set_id).where(Pin.id.in_(place)).distinct())) if place else []
        _held(user_id, {set_id, *coming})
        query = select(Pin).where((Pin.set_id == set_id) | Pin.id.in_(place)).order_by(Pin.position, Pin.id)
        rows = list(db.session.scalars(query.execution_options(populate_existing=True)))
        own = [row for row in rows if row.set_id == set_id]
        held = {(row.folder_id, row.article_id): row.id for row in own}
        doubles = [row for row in rows if row.set_id != set_id and (row.folder_id, row.article_id) in held]
        for row in doubles:
            place.setdefault(held[row.folder_id, row.article_id], place[row.id])
            db.session.delete(row)
        moved = [row for row in rows if row.set_id != set_id and row not in doubles]
        if moved:
            _check_room(len(own), len(moved))
        for position, row in enumerate(sorted([*own, *moved], key=lambda row: place.get(row.id, len(pin_ids)))):
            row.set_id, row.position = set_id, position


def _held(user_id: int, ids: Sequence[int] | set[int]) -> list[FavouriteSet]:
    """The sets, which the user must be allowed to change, held in the order of their ids until the transaction ends."""
    query = select(FavouriteSet).where(FavouriteSet.id.in_(ids)).order_by(FavouriteSet.id)
    found = list(db.session.scalars(query.with_for_update().execution_options(populate_existing=True)))
    if len(found) != len(set(ids)):
        raise Rejected(UNKNOWN, "favourites-unknown")
    mine = kept_teams(user_id)
    for row in found:
        _check_owner(row.user_id == user_id, row.team_id, mine)
    return found


def _check_owner(own: bool, team_id: int | None, kept: set[int]) -> None:
    if not own and team_id not in kept:
        words = Text(
            "These favourites are kept by the team's supervisor and editors",
            "Это избранное ведут супервизор и редакторы группы",
        )
        raise Rejected(words, "favourites-not-yours")


def kept_teams(user_id: int) -> set[int]:
    """The teams whose shared favourites the user may change."""
    user = db.session.get(User, user_id)
    edits = user is not None and allowed(user, "kb.edit")
    rows = db.session.execute(select(TeamMember.team_id, TeamMember.supervisor).where(TeamMember.user_id == user_id))
    return {row.team_id for row in rows if edits or row.supervisor}


def _pin_of(set_id: int, folder_id: int | None, article_id: int | None) -> Pin | None:
    target = Pin.folder_id == folder_id if folder_id else Pin.article_id == article_id
    found: Pin | None = db.session.scalar(select(Pin).where(Pin.set_id == set_id, target))
    return found


# --- the folders themselves --------------------------------------------------------------------------


def save_set(user_id: int, title: str, *, team_id: int | None = None, set_id: int | None = None) -> int:
    """Make a folder of favourites, for oneself or a team, or give ``set_id`` another title; returns its id.

    Raises ``Rejected``: ``favourites-title``, ``favourites-taken``, ``favourites-many``, ``favourites-not-yours``.
    """
    title = one_line(title)[:TITLE_MOST].strip()
    if not title:
        raise Rejected(Text("Give the folder a name", "Назовите папку"), "favourites-title")
    with transaction():
        if set_id is not None:
            row = _held(user_id, [set_id])[0]
        else:
            _check_owner(team_id is None, team_id, kept_teams(user_id))
            owner = FavouriteSet.team_id == team_id if team_id else FavouriteSet.user_id == user_id
            row = FavouriteSet(user_id=None if team_id else user_id, team_id=team_id, position=_next_place(owner))
        _check_title(row, folded(title))
        row.title, row.title_key = title, folded(title)
        db.session.add(row)
        db.session.flush()
        return row.id


def _next_place(owner: object) -> int:
    query = select(func.count(FavouriteSet.id), func.max(FavouriteSet.position)).where(owner)  # type: ignore[arg-type]
    count, last = db.session.execute(query).one()
    most = int(okno().config.get("kb.favourite_sets_max"))
    if count >= most:
        raise Rejected(
            Text(
                f"There are {most} folders of favourites, the most allowed. Remove one first.",
                f"Папок избранного уже {most}, больше нельзя. Сначала удалите какую-нибудь.",
            ),
            "favourites-many",
        )
    return int(last) + 1 if count else 0


def _check_title(row: FavouriteSet, key: str) -> None:
    with db.session.no_autoflush:
        same = select(FavouriteSet.id).where(
            FavouriteSet.user_id == row.user_id, FavouriteSet.team_id == row.team_id, FavouriteSet.title_key == key
        )
        taken: int | None = db.session.scalar(same)
    if taken is not None and taken != row.id:
        raise Rejected(Text("There is such a folder already", "Такая папка уже есть"), "favourites-taken")


def remove_set(user_id: int, set_id: int) -> None:
    """Remove a folder of favourites with its pins; the articles stay where they are."""
    with transaction():
        row = _held(user_id, [set_id])[0]
        db.session.execute(delete(Pin).where(Pin.set_id == row.id).execution_options(synchronize_session=False))
        db.session.delete(row)


def reorder_sets(user_id: int, set_ids: Sequence[int]) -> None:
    """Put the folders in this order, each among those of its owner; those that the user may not change stay."""
    with transaction():
        kept = kept_teams(user_id)
        query = select(FavouriteSet).where((FavouriteSet.user_id == user_id) | FavouriteSet.team_id.in_(kept))
        rows = list(db.session.scalars(query.order_by(FavouriteSet.position, FavouriteSet.id).with_for_update()))
        place = {set_id: position for position, set_id in reversed(list(enumerate(set_ids)))}
        for position, row in enumerate(sorted(rows, key=lambda row: place.get(row.id, len(set_ids)))):
            row.position = position


# --- reading -----------------------------------------------------------------------------------------


class ShownSet:
    """A folder of favourites as the panel shows it: its pins, and whether the viewer may change it."""

    def __init__(self, row: FavouriteSet, pins: list[Pin], may_edit: bool) -> None:
        self.id, self.title, self.team, self.pins, self.may_edit = row.id, row.title, row.team, pins, may_edit

    def holds(self, article_id: int) -> bool:
        """Whether the article is pinned here."""
        return any(pin.article_id == article_id for pin in self.pins)


def sets_of(user_id: int) -> list[ShownSet]:
    """The agent's own folders, the one without a title first, then those of the teams; articles kept from agents are left out."""
    member = select(TeamMember.team_id).where(TeamMember.user_id == user_id)
    query = select(FavouriteSet).where((FavouriteSet.user_id == user_id) | FavouriteSet.team_id.in_(member))
    query = query.options(joinedload(FavouriteSet.team))
    rows = sorted(db.session.scalars(query), key=_order)
    pins: dict[int, list[Pin]] = {row.id: [] for row in rows}
    if rows:
        asked = select(Pin).outerjoin(Article, Article.id == Pin.article_id).where(Pin.set_id.in_(pins))
        asked = asked.where(Pin.article_id.is_(None) | (Article.status == "published"))
        asked = asked.options(joinedload(Pin.folder), joinedload(Pin.article)).order_by(Pin.position, Pin.id)
        for pin in db.session.scalars(asked):
            pins[pin.set_id].append(pin)
    kept = kept_teams(user_id) if any(row.team_id for row in rows) else set()
    return [ShownSet(row, pins[row.id], row.user_id == user_id or row.team_id in kept) for row in rows]


def _order(row: FavouriteSet) -> tuple[bool, bool, int, int]:
    return row.team_id is not None, row.title_key != "", row.position, row.id


def is_pinned(user_id: int, article_id: int) -> bool:
    """Whether the article is in one of the agent's own folders."""
    query = select(Pin.id).join(FavouriteSet, FavouriteSet.id == Pin.set_id)
    found = db.session.scalar(query.where(FavouriteSet.user_id == user_id, Pin.article_id == article_id).limit(1))
    return found is not None
