"""What pages and programs show of rooms. Reads only; a constant number of statements, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from core.contracts import Rejected
from core.db import db
from core.directory_book import Person
from core.model import Presence, User
from plugins.colleagues.models import BROADCAST, PERSONAL, SAID, Member, Post, PostFile, Room, Star
from plugins.colleagues.rooms import UNKNOWN

ROOMS_MOST = 200
PAGE = 60
UNREAD_MOST = 1000


@dataclass(slots=True)
class Line:
    """A room as the list shows it: for a personal one the ``other`` person, the newest post, how much is unread."""

    room: Room
    member: Member
    last: Post | None = None
    other: User | None = None
    unread: int = 0
    people: int = 0

    @property
    def name(self) -> str:
        """The group's name, else the other person's, else the author's of a broadcast."""
        return self.room.name or (self.other.name if self.other else "")

    @property
    def writable(self) -> bool:
        """Whether the viewer may write here."""
        mine = self.room.kind != BROADCAST or self.room.organiser_id == self.member.user_id
        return mine and not self.member.gone and self.room.closed_at is None


@dataclass(slots=True)
class Entry:
    """A post with what the viewer has marked; ``people`` are those it concerns, ``day`` the first of a day."""

    post: Post
    starred: bool = False
    people: list[User] = field(default_factory=list)


@dataclass(slots=True)
class Talk:
    """A stretch of a room in order; ``earlier`` and ``later``: there is more on that side."""

    entries: list[Entry]
    earlier: bool = False
    later: bool = False


def lines(user_id: int, only: int | None = None) -> list[Line]:
    """The user's rooms, the latest first, at most two hundred; ``only`` one of them."""
    last = aliased(Post)
    query = (
        select(Room, Member, last)
        .join(Member, and_(Member.room_id == Room.id, Member.user_id == user_id))
        .outerjoin(last, last.id == Room.last_id)
        .options(joinedload(last.user))
        .order_by(Room.last_at.desc(), Room.id.desc())
        .limit(ROOMS_MOST)
        .execution_options(populate_existing=True)
    )
    if only is not None:
        query = query.where(Room.id == only)
    found = [Line(room, member, _shown(post, member)) for room, member, post in db.session.execute(query)]
    counts, others, sizes = unread(user_id), _others(user_id, found), _sizes(found)
    for line in found:
        line.unread, line.other = counts.get(line.room.id, 0), others.get(line.room.id)
        line.people = sizes.get(line.room.id, 0)
    return found


def line(user_id: int, room_id: int) -> Line:
    """One room. Raises ``Rejected`` (``room-unknown``) for who was never in it."""
    found = lines(user_id, room_id)
    if not found:
        raise Rejected(UNKNOWN, "room-unknown")
    return found[0]


def _shown(post: Post | None, member: Member) -> Post | None:
    return None if post is None or (member.gone and post.id > member.sees_up_to) else post


def unread(user_id: int) -> dict[int, int]:
    """How many posts of others the user has not seen, by room; at most a thousand in all."""
    fresh = (
        select(Post.room_id)
        .join(Member, and_(Member.room_id == Post.room_id, Member.user_id == user_id, Member.gone == ""))
        .where(Post.id > Member.read_up_to, Post.kind == SAID, or_(Post.user_id.is_(None), Post.user_id != user_id))
        .limit(UNREAD_MOST)
        .subquery()
    )
    counted = select(fresh.c.room_id, func.count()).group_by(fresh.c.room_id)
    return {row[0]: row[1] for row in db.session.execute(counted)}


def _others(user_id: int, found: Sequence[Line]) -> dict[int, User]:
    personal = [line.room.id for line in found if line.room.kind == PERSONAL]
    query = select(Member.room_id, User).join(User, User.id == Member.user_id)
    query = query.where(Member.room_id.in_(personal), Member.user_id != user_id)
    others = {row.room_id: row.User for row in db.session.execute(query)}
    authors = {line.room.organiser_id for line in found if line.room.kind == BROADCAST}
    people = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(authors)))}
    told = {line.room.id: people.get(line.room.organiser_id or 0) for line in found if line.room.kind == BROADCAST}
    return others | {room_id: person for room_id, person in told.items() if person is not None}


def _sizes(found: Sequence[Line]) -> dict[int, int]:
    query = select(Member.room_id, func.count()).where(Member.room_id.in_([line.room.id for line in found]))
    return {row[0]: row[1] for row in db.session.execute(query.where(Member.gone == "").group_by(Member.room_id))}


def talk(member: Member, *, before: int = 0, after: int = 0, around: int = 0, limit: int = PAGE) -> Talk:
    """The newest posts, or those before or after an id, or those around one."""
    if around:
        head = talk(member, before=around + 1, limit=limit // 2)
        tail = talk(member, after=around, limit=limit // 2)
        return Talk([*head.entries, *tail.entries], head.earlier, tail.later)
    query = _visible(member)
    if after:
        rows = list(db.session.scalars(query.where(Post.id > after).order_by(Post.id).limit(limit + 1)))
        return Talk(_entries(rows[:limit], member.user_id), earlier=True, later=len(rows) > limit)
    if before:
        query = query.where(Post.id < before)
    rows = list(db.session.scalars(query.order_by(Post.id.desc()).limit(limit + 1)))
    return Talk(_entries(rows[:limit][::-1], member.user_id), earlier=len(rows) > limit)


def _visible(member: Member) -> Select[Any]:
    query = select(Post).where(Post.room_id == member.room_id).options(*_loaded())
    return query.where(Post.id <= member.sees_up_to) if member.gone else query


def _loaded() -> tuple[Any, ...]:
    return joinedload(Post.user), selectinload(Post.files).joinedload(PostFile.file)


def _entries(posts: Sequence[Post], user_id: int) -> list[Entry]:
    ids = [post.id for post in posts]
    starred = set(db.session.scalars(select(Star.post_id).where(Star.user_id == user_id, Star.post_id.in_(ids))))
    named = {person for post in posts for person in post.data.get("people", ())}
    people = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(named)))} if named else {}
    return [
        Entry(post, post.id in starred, [people[one] for one in post.data.get("people", ()) if one in people])
        for post in posts
    ]


def starred(user_id: int, limit: int = 100) -> list[Entry]:
    """What the user has marked and may still see, the newest mark first."""
    query = (
        select(Post)
        .join(Star, and_(Star.post_id == Post.id, Star.user_id == user_id))
        .join(Member, and_(Member.room_id == Post.room_id, Member.user_id == user_id))
        .where(_may_see())
        .options(*_loaded())
        .order_by(Star.at.desc(), Post.id.desc())
        .limit(limit)
    )
    return [Entry(post, True) for post in db.session.scalars(query)]


def posts_by_ids(ids: Sequence[int]) -> dict[int, Post]:
    """Posts with their authors, by id; whoever asks has checked that they may be seen."""
    query = select(Post).where(Post.id.in_(ids)).options(joinedload(Post.user))
    return {post.id: post for post in db.session.scalars(query)}


def _may_see() -> ColumnElement[bool]:
    return or_(Member.gone == "", Post.id <= Member.sees_up_to)


def people_of(room_id: int) -> list[Person]:
    """Who is in a room, by name, with their state."""
    query = (
        select(User, Presence)
        .join(Member, and_(Member.user_id == User.id, Member.room_id == room_id, Member.gone == ""))
        .outerjoin(Presence, Presence.user_id == User.id)
        .order_by(User.first_name, User.last_name, User.id)
        .execution_options(populate_existing=True)
    )
    return [Person(user, presence) for user, presence in db.session.execute(query)]


def everybody(without: int) -> list[User]:
    """Whom a chat may be begun with, by name."""
    query = select(User).where(User.disabled_at.is_(None), User.id != without)
    return list(db.session.scalars(query.order_by(User.first_name, User.last_name, User.id).limit(1000)))


def personal_room(user_id: int, other_id: int) -> int | None:
    """The room of two people, None before their first."""
    one, two = sorted((user_id, other_id))
    return db.session.scalar(select(Room.id).where(Room.key == f"personal:{one}:{two}"))


def file_of(file_id: int, user_id: int) -> PostFile | None:
    """A file, for one who may see its post."""
    query = (
        select(PostFile)
        .join(Post, Post.id == PostFile.post_id)
        .join(Member, and_(Member.room_id == Post.room_id, Member.user_id == user_id))
        .where(PostFile.id == file_id, _may_see())
    )
    found: PostFile | None = db.session.scalar(query)
    return found
