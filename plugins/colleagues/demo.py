"""Chats of the demo centre: a group of the first line, one of the English speakers, two people."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core import clock
from core.db import db, transaction
from core.model import User
from plugins.colleagues import posts, rooms
from plugins.colleagues.models import Member, Post, Room

GROUPS = (
    (
        "Первая линия",
        "e.orlova",
        (
            ("e.orlova", "Коллеги, сегодня с 14:00 обновляют сервер отчётности, возможны задержки квитанций."),
            ("d.melnikov", "Принято. Клиентам так и отвечаем?"),
            ("e.orlova", "Да, статья № 1102 уже обновлена, ссылайтесь на неё."),
            ("t.gareev", "@a.sokolova у тебя был похожий случай с сертификатами, поможешь с запросом?"),
            ("a.sokolova", "Конечно, открой чат, посмотрим вместе."),
        ),
    ),
    (
        "English support",
        "s.brennan",
        (
            ("s.brennan", "Morning all. Two people are away today, so shout early if the queue grows."),
            ("j.harris", "Will do. Does anybody know when the invoice fix is out?"),
            ("m.clarke", "Thursday, says the release note."),
        ),
    ),
)
PERSONAL = (
    ("d.melnikov", "Анна, возьмёшь после обеда звонки по подписи?"),
    ("a.sokolova", "Возьму с 15:00."),
    ("d.melnikov", "Спасибо!"),
)


def load() -> None:
    """Put all of it in; safe to repeat."""
    if db.session.scalar(select(Room.id).limit(1)) is not None:
        return
    ids = {user.login: user.id for user in db.session.scalars(select(User))}
    with transaction():
        for name, organiser, said in GROUPS:
            people = [ids[login] for login, _ in said]
            _tell(rooms.create_group(ids[organiser], name, people), said, ids)
        _tell(rooms.open_personal(ids["a.sokolova"], ids["d.melnikov"]), PERSONAL, ids)


def _tell(room_id: int, said: tuple[tuple[str, str], ...], ids: dict[str, int]) -> None:
    for login, text in said:
        posts.say(room_id, ids[login], text)
    rows = list(db.session.scalars(select(Post).where(Post.room_id == room_id).order_by(Post.id)))
    for number, post in enumerate(reversed(rows)):
        post.at = clock.now() - timedelta(minutes=35 + 7 * number)
    room = db.session.get_one(Room, room_id)
    room.last_at = rows[-1].at
    # What the person who looks at the demo first has not seen: the newest message of each chat.
    db.session.execute(update(Member).where(Member.room_id == room_id).values(read_up_to=rows[-2].id))
