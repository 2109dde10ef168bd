"""What people do in rooms: write, read, mark with a star; and what a supervisor tells a whole team."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import case_mentions, file_limits, photos, storage, supervision
from core.contracts import FileIn, Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import TeamMember, User
from core.notifications import notify
from core.permissions import allowed
from plugins.colleagues import finding, rooms
from plugins.colleagues.models import BROADCAST, SAID, Member, Post, PostFile, Room, Star

LONGEST = 10_000
FILES_MOST = 10
EVERYBODY = "all"
BROADCASTS = "colleagues.broadcast"


def say(room_id: int, user_id: int, text: str, *, files: Sequence[FileIn] = (), command_key: str = "") -> Post:
    """Write into a room. The same ``command_key`` again gives the post of the first time.

    Codes: ``empty-post``, ``post-too-long``, ``post-files-many``, ``post-file-empty``, those of the core's limits of files,
    ``room-unknown``, ``room-closed``, ``room-read-only``.
    """
    words = _checked(text, files)
    # Synced to the disk before anybody has to wait for this transaction.
    kept = [(file, storage.write(file.content)) for file in files]
    with transaction():
        room = rooms.locked(room_id, user_id)
        if room.kind == BROADCAST and room.organiser_id != user_id:
            answer = Text(
                "Only its author writes here: answer in a personal chat",
                "Здесь пишет только автор: ответьте в личном чате",
            )
            raise Rejected(answer, "room-read-only")
        key = command_key[:80] or None
        if key and (same := _same(room_id, user_id, key)) is not None:
            return same
        post = Post(room_id=room_id, user_id=user_id, kind=SAID, text=words, command_key=key)
        db.session.add(post)
        db.session.flush()
        for file, _sha256 in kept:
            db.session.add(_file(post, file))
        room.last_id, room.last_at = post.id, post.at
        _seen(room_id, user_id, post.id)
        finding.keep(post, [file.name for file, _ in kept])
        _tell(room, post)
        return post


def _checked(text: str, files: Sequence[FileIn]) -> str:
    words = text.replace("\x00", "").strip()
    if not words and not files:
        raise Rejected(Text("Write something or add a file", "Напишите что-нибудь или приложите файл"), "empty-post")
    if len(words) > LONGEST:
        said = Text(
            f"A message holds {LONGEST} characters at most, this one has {len(words)}: attach it as a file",
            f"В сообщении не больше {LONGEST} знаков, здесь {len(words)}: приложите текст файлом",
        )
        raise Rejected(said, "post-too-long")
    if len(files) > FILES_MOST:
        said = Text(f"At most {FILES_MOST} files in a message", f"В одном сообщении не больше {FILES_MOST} файлов")
        raise Rejected(said, "post-files-many")
    for file in files:
        if not file.content:
            raise Rejected(Text(f"«{file.name}» is empty", f"Файл «{file.name}» пуст"), "post-file-empty")
    file_limits.check(files)
    return words


def _file(post: Post, file: FileIn) -> PostFile:
    found = photos.examine(file.content)
    kind = found[0] if found else file.content_type[:120] or "application/octet-stream"
    # What says it is a picture but is none is never shown as one.
    kind = kind if found or not kind.startswith("image/") else "application/octet-stream"
    return PostFile(post_id=post.id, sha256=storage.put(file.content), name=clean_name(file.name), content_type=kind)


def clean_name(name: str) -> str:
    """A file's name without folders and what addresses or headers could stumble over."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r'[\x00-\x1f<>:"|?*#%]', "_", last).strip(" .")[:200] or "file"


def _same(room_id: int, user_id: int, key: str) -> Post | None:
    query = select(Post).where(Post.room_id == room_id, Post.user_id == user_id, Post.command_key == key)
    found: Post | None = db.session.scalar(query)
    return found


def _tell(room: Room, post: Post) -> None:
    inside = rooms.members(room.id)
    for person in inside:
        payload = {"room_id": room.id, "post_id": post.id, "user_id": post.user_id}
        events.publish(f"user:{person}", "colleagues.post", payload)
    url = f"/chats?at={post.id}"
    told = {"room": room.name, "text": post.text[:140]}
    named = {mention.user.id for mention in case_mentions.find(post.text)} & set(inside)
    notify(named, "colleagues.mention", url, told, post.user_id)
    if room.kind == BROADCAST:
        notify(set(inside) - named, "colleagues.broadcast", url, told, post.user_id)


def mark_read(room_id: int, user_id: int, up_to: int) -> None:
    """The person has seen the posts up to this one; never goes back."""
    with transaction():
        if _seen(room_id, user_id, up_to):
            events.publish(f"user:{user_id}", "colleagues.read", {"room_id": room_id})


def _seen(room_id: int, user_id: int, up_to: int) -> bool:
    mine = update(Member).where(Member.room_id == room_id, Member.user_id == user_id, Member.read_up_to < up_to)
    done = db.session.execute(mine.values(read_up_to=up_to).execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def star(post_id: int, user_id: int, on: bool) -> None:
    """Mark a post that one may see, or take the mark away; twice changes nothing. Code: ``post-unknown``."""
    with transaction():
        seen(post_id, user_id)
        if on:
            fresh = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
            row = fresh(Star).values(user_id=user_id, post_id=post_id)
            db.session.execute(row.on_conflict_do_nothing())
        else:
            db.session.execute(delete(Star).where(Star.user_id == user_id, Star.post_id == post_id))
        events.publish(f"user:{user_id}", "colleagues.star", {"post_id": post_id, "on": on})


def seen(post_id: int, user_id: int) -> Post:
    """The post, for one who may see it. Raises ``Rejected`` (``post-unknown``)."""
    post = db.session.get(Post, post_id)
    member = db.session.get(Member, (post.room_id, user_id)) if post is not None else None
    if post is None or member is None or (member.gone and post.id > member.sees_up_to):
        raise Rejected(Text("There is no such message", "Такого сообщения нет"), "post-unknown")
    return post


def broadcast(user: User, to: str, text: str, *, files: Sequence[FileIn] = (), command_key: str = "") -> Post:
    """Words of a supervisor to a team (``to``: its id) or to everybody ("all"), who are asked anew each time.

    Codes: ``room-not-your-team``, ``room-nobody`` and those of :func:`say`.
    """
    _checked(text, files)
    people = audience(user, to)
    if not people:
        raise Rejected(Text("There is nobody to tell", "Сообщать некому"), "room-nobody")
    with transaction():
        key = f"broadcast:{user.id}:{to}"
        room_id = rooms.one_of_its_kind(BROADCAST, key, [user.id, *people], organiser_id=user.id)
        kept = update(Member).where(Member.room_id == room_id, Member.user_id.notin_([user.id, *people]))
        room = rooms.locked(room_id, user.id)
        gone = kept.where(Member.gone == "").values(gone="left", sees_up_to=room.last_id)
        db.session.execute(gone.execution_options(synchronize_session=False))
        again = update(Member).where(Member.room_id == room_id, Member.user_id.in_(people), Member.gone != "")
        db.session.execute(again.values(gone="").execution_options(synchronize_session=False))
        return say(room_id, user.id, text, files=files, command_key=command_key)


def audience(user: User, to: str) -> list[int]:
    """Whom a broadcast reaches, without its author. Raises ``Rejected`` (``room-not-your-team``) for a team of somebody else."""
    active = select(User.id).where(User.disabled_at.is_(None), User.id != user.id)
    if to == EVERYBODY and allowed(user, BROADCASTS) and allowed(user, "admin.users"):
        return list(db.session.scalars(active.order_by(User.id)))
    if not allowed(user, BROADCASTS) or to not in {str(team.id) for team in supervision.teams_of(user)}:
        raise Rejected(Text("This is none of your teams", "Это не ваша группа"), "room-not-your-team")
    team = select(TeamMember.user_id).where(TeamMember.team_id == int(to))
    return list(db.session.scalars(active.where(User.id.in_(team)).order_by(User.id)))
