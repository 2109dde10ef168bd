"""What changes in a room: who is in it, what it is called, whether it is open. Each step leaves a line in the room.

Every change of a room begins with its row locked, so that posts get their ids in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import User
from plugins.colleagues.models import GROUP, LEFT, PERSONAL, REMOVED, Member, Post, Room

NAME_MOST = 120
PEOPLE_MOST = 500
UNKNOWN = Text("There is no such chat, or you are not in it", "Такого чата нет, или вас в нём нет")
CLOSED = Text(
    "This chat is closed: its history stays, nobody writes any more", "Чат закрыт: историю можно читать, писать нельзя"
)
NOT_ORGANISER = Text("Only the organiser of the chat may do this", "Это может только организатор чата")
NO_GROUP = Text("This is possible in group chats only", "Так можно только в групповом чате")


def open_personal(user_id: int, other_id: int) -> int:
    """The room of two people, made when they have none. Codes: ``own-room``, ``colleague-unknown``."""
    if user_id == other_id:
        raise Rejected(Text("Choose a colleague, not yourself", "Выберите коллегу, а не себя"), "own-room")
    with transaction():
        people = sorted((user_id, other_id))
        check_people([other_id])
        return one_of_its_kind(PERSONAL, f"personal:{people[0]}:{people[1]}", people)


def one_of_its_kind(kind: str, key: str, people: Sequence[int], name: str = "", organiser_id: int | None = None) -> int:
    """The room with this ``key``, made with ``people`` when there is none; two who begin at once get the same one."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    values: dict[str, Any] = {"kind": kind, "key": key, "name": name, "organiser_id": organiser_id, "last_id": 0}
    values |= {"last_at": now(), "created_at": now()}
    db.session.execute(insert(Room).values(values).on_conflict_do_nothing(index_elements=["key"]))
    room_id = db.session.scalars(select(Room.id).where(Room.key == key)).one()
    put_members(room_id, people)
    return room_id


def put_members(room_id: int, people: Iterable[int]) -> None:
    """Make these people members in the open transaction; those who are in stay as they are."""
    rows = [
        {"room_id": room_id, "user_id": user_id, "joined_at": now(), "read_up_to": 0, "gone": "", "sees_up_to": 0}
        for user_id in sorted(set(people))
    ]
    if rows:
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        db.session.execute(insert(Member).values(rows).on_conflict_do_nothing())


def create_group(user_id: int, name: str, people: Iterable[int]) -> int:
    """A group with its maker as organiser. Codes: ``room-name``, ``room-nobody``, ``colleague-unknown``, ``room-many``."""
    title, others = checked_name(name), sorted(set(people) - {user_id})
    if not others:
        raise Rejected(Text("Choose at least one colleague", "Выберите хотя бы одного коллегу"), "room-nobody")
    with transaction():
        check_people(others)
        room = Room(kind=GROUP, name=title, organiser_id=user_id)
        db.session.add(room)
        db.session.flush()
        put_members(room.id, [user_id, *others])
        note(room, user_id, "opened", people=others)
        return room.id


def checked_name(name: str) -> str:
    """The name without surrounding space. Raises ``Rejected`` (``room-name``)."""
    title = " ".join(name.replace("\x00", "").split())
    if not title or len(title) > NAME_MOST:
        raise Rejected(
            Text(f"Give the chat a name of 1 to {NAME_MOST} characters", f"Дайте чату название, до {NAME_MOST} знаков"),
            "room-name",
        )
    return title


def check_people(ids: Sequence[int]) -> None:
    """Raises ``Rejected`` (``colleague-unknown``, ``room-many``) unless all of them work here."""
    if len(ids) > PEOPLE_MOST:
        raise Rejected(
            Text(f"A chat holds {PEOPLE_MOST} people at most", f"В чате может быть не больше {PEOPLE_MOST} человек"),
            "room-many",
        )
    query = select(User.id).where(User.id.in_(ids), User.disabled_at.is_(None))
    if set(db.session.scalars(query)) != set(ids):
        words = Text("This colleague does not work here any more", "Этот сотрудник больше здесь не работает")
        raise Rejected(words, "colleague-unknown")


def add(room_id: int, user_id: int, people: Iterable[int]) -> list[int]:
    """A member adds colleagues, also such as were removed; they see all of the history. Returns who is new."""
    with transaction():
        room = locked(room_id, user_id)
        _group(room)
        wanted = sorted(set(people))
        check_people(wanted)
        inside = set(db.session.scalars(select(Member.user_id).where(Member.room_id == room_id, Member.gone == "")))
        fresh = [person for person in wanted if person not in inside]
        if not fresh:
            return []
        if len(inside) + len(fresh) > PEOPLE_MOST:
            check_people(sorted(inside | set(fresh)))
        put_members(room_id, fresh)
        _back(room_id, fresh)
        note(room, user_id, "added", people=fresh)
        return fresh


def remove(room_id: int, user_id: int, person_id: int) -> None:
    """The organiser takes somebody out, who keeps what was written until then."""
    with transaction():
        room = locked(room_id, user_id)
        _group(room)
        _organiser(room, user_id)
        if person_id == user_id:
            raise Rejected(Text("To go yourself, leave the chat", "Чтобы уйти самому, выйдите из чата"), "own-room")
        if _go(room, person_id, REMOVED):
            note(room, user_id, "removed", people=[person_id])


def leave(room_id: int, user_id: int) -> None:
    """Go; when the organiser goes, the chat is closed for all."""
    with transaction():
        room = locked(room_id, user_id)
        _group(room)
        if not _go(room, user_id, LEFT):
            return
        if room.organiser_id == user_id:
            room.closed_at = now()
            note(room, user_id, "closed", also=[user_id])
        else:
            note(room, user_id, "left", also=[user_id])


def come_back(room_id: int, user_id: int) -> None:
    """Who has left is in again, with all of the history. Codes: ``room-closed``, ``room-removed``."""
    with transaction():
        room = locked(room_id, user_id, inside=False)
        _group(room)
        member = db.session.get_one(Member, (room_id, user_id), populate_existing=True)
        if member.gone == REMOVED:
            words = Text(
                "You were removed: ask a member to add you", "Вас удалили из чата: попросите участника добавить вас"
            )
            raise Rejected(words, "room-removed")
        if member.gone:
            _back(room_id, [user_id])
            note(room, user_id, "returned")


def rename(room_id: int, user_id: int, name: str) -> None:
    """The organiser gives the group another name."""
    title = checked_name(name)
    with transaction():
        room = locked(room_id, user_id)
        _group(room)
        _organiser(room, user_id)
        if room.name != title:
            room.name = title
            note(room, user_id, "named", name=title)


def locked(room_id: int, user_id: int, *, inside: bool = True) -> Room:
    """The open room, locked, for one who is in it (or was, unless ``inside``). Codes: ``room-unknown``, ``room-closed``."""
    query = select(Room).where(Room.id == room_id).with_for_update().execution_options(populate_existing=True)
    room: Room | None = db.session.scalar(query)
    member = db.session.get(Member, (room_id, user_id), populate_existing=True) if room is not None else None
    if room is None or member is None or (inside and member.gone):
        raise Rejected(UNKNOWN, "room-unknown")
    if room.closed_at is not None:
        raise Rejected(CLOSED, "room-closed")
    return room


def _group(room: Room) -> None:
    if room.kind != GROUP:
        raise Rejected(NO_GROUP, "room-no-group")


def _organiser(room: Room, user_id: int) -> None:
    if room.organiser_id != user_id:
        raise Rejected(NOT_ORGANISER, "room-not-organiser")


def _go(room: Room, user_id: int, how: str) -> bool:
    mine = update(Member).where(Member.room_id == room.id, Member.user_id == user_id, Member.gone == "")
    gone = mine.values(gone=how, sees_up_to=room.last_id).execution_options(synchronize_session=False)
    return bool(db.session.execute(gone).rowcount)  # type: ignore[attr-defined]


def _back(room_id: int, people: Sequence[int]) -> None:
    mine = update(Member).where(Member.room_id == room_id, Member.user_id.in_(people))
    db.session.execute(mine.values(gone="", joined_at=now()).execution_options(synchronize_session=False))


def note(room: Room, user_id: int, kind: str, *, also: Sequence[int] = (), **data: Any) -> Post:
    """A line about what happened, told to all who are in and to ``also``, who may have gone just now."""
    post = Post(room_id=room.id, user_id=user_id, kind=kind, data=data)
    db.session.add(post)
    db.session.flush()
    room.last_id, room.last_at = post.id, post.at
    for person in {*also, *data.get("people", ())}:
        seen = update(Member).where(Member.room_id == room.id, Member.user_id == person, Member.gone != "")
        db.session.execute(seen.values(sees_up_to=post.id).execution_options(synchronize_session=False))
    told = {*members(room.id), *also, *data.get("people", ())}
    for person in sorted(told):
        events.publish(f"user:{person}", "colleagues.room", {"room_id": room.id, "post_id": post.id})
    return post


def members(room_id: int) -> list[int]:
    """Who is in, by id."""
    query = select(Member.user_id).where(Member.room_id == room_id, Member.gone == "")
    return list(db.session.scalars(query.order_by(Member.user_id)))
