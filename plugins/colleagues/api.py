"""Chats with colleagues in the REST API: one's own rooms, their messages, groups."""

from __future__ import annotations

from typing import Any

from flask import abort
from marshmallow import Schema
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from core.api import fields as f
from core.api.auth import me
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.contracts import Rejected, Text
from plugins.colleagues import posts, reading, rooms
from plugins.colleagues.models import Member, Post

resource = Resource("chats", Text("Chats with colleagues", "Чаты с коллегами"))
NEWEST = Order("chat-messages", ((Post.id, True),))


class ChatShape(Schema):
    """A chat as its member sees it. ``kind``: personal, group or broadcast."""

    id = f.out_number()
    kind = f.out_text()
    name = f.out_text()
    unread = f.out_number()
    people = f.out_number()
    writable = f.out_flag()
    last_at = f.out_moment()


class ChatMessageShape(Schema):
    """A message, or what happened in the chat (``kind`` other than said)."""

    id = f.out_number()
    chat_id = f.out_number()
    kind = f.out_text()
    author_id = f.out_number(null=True)
    text = f.out_text()
    at = f.out_moment()


class NewChatInput(f.Input):
    """Without ``name`` a personal chat with the one colleague, with it a group."""

    people = f.items(f.key(), rooms.PEOPLE_MOST, required=True)
    name = f.text(rooms.NAME_MOST, load_default="")


class ChatWords(f.Input):
    text = f.text(posts.LONGEST, required=True, least=1)


class ChatPeople(f.Input):
    people = f.items(f.key(), rooms.PEOPLE_MOST, required=True)


def _line(room_id: int) -> dict[str, Any]:
    try:
        line = reading.line(me().id, room_id)
    except Rejected:
        abort(404)
    return _shape(line)


def _shape(line: reading.Line) -> dict[str, Any]:
    return {
        "id": line.room.id,
        "kind": line.room.kind,
        "name": line.name,
        "unread": line.unread,
        "people": line.people,
        "writable": line.writable,
        "last_at": line.room.last_at,
    }


def _message(post: Post) -> dict[str, Any]:
    said = {"id": post.id, "chat_id": post.room_id, "kind": post.kind, "author_id": post.user_id}
    return {**said, "text": post.text, "at": post.at}


@resource.get("/chats", Text("Own chats", "Свои чаты"), answer=ChatShape, many=True)
def list_chats() -> list[dict[str, Any]]:
    """The latest first, at most two hundred."""
    return [_shape(line) for line in reading.lines(me().id)]


@resource.post("/chats", Text("Begin a chat", "Начать чат"), body=NewChatInput, answer=ChatShape, status=201)
def begin_chat(body: dict[str, Any]) -> dict[str, Any]:
    """A personal chat that exists already is answered again; a group is a new one each time."""
    people = body["people"]
    if body["name"] or len(people) != 1:
        return _line(rooms.create_group(me().id, body["name"], people))
    return _line(rooms.open_personal(me().id, people[0]))


@resource.get(
    "/chats/<id:chat_id>/messages",
    Text("Messages of a chat", "Сообщения чата"),
    query=PageQuery,
    answer=ChatMessageShape,
    paged=True,
)
def list_chat_messages(chat_id: int, query: dict[str, Any]) -> Page:
    """The newest first; who has left sees what was written until then."""
    try:
        member = reading.line(me().id, chat_id).member
    except Rejected:
        abort(404)
    found = page(_visible(member), NEWEST, query, lambda post: [post.id])
    return Page([_message(post) for post in found.rows], found.cursor)


def _visible(member: Member) -> Select[Any]:
    query = select(Post).where(Post.room_id == member.room_id).options(joinedload(Post.user))
    return query.where(Post.id <= member.sees_up_to) if member.gone else query


@resource.post(
    "/chats/<id:chat_id>/messages",
    Text("Write into a chat", "Написать в чат"),
    body=ChatWords,
    answer=ChatMessageShape,
    status=201,
)
def write_chat_message(chat_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Members are told at once."""
    _line(chat_id)
    return _message(posts.say(chat_id, me().id, body["text"]))


@resource.post(
    "/chats/<id:chat_id>/people",
    Text("Add people to a group", "Добавить людей в группу"),
    body=ChatPeople,
    answer=ChatShape,
)
def add_chat_people(chat_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Any member may; those who are in already stay."""
    _line(chat_id)
    rooms.add(chat_id, me().id, body["people"])
    return _line(chat_id)


@resource.delete("/chats/<id:chat_id>/people/<id:user_id>", Text("Remove from a group", "Удалить из группы"))
def remove_chat_person(chat_id: int, user_id: int) -> None:
    """The organiser anybody, everybody oneself; with the organiser the group is closed."""
    _line(chat_id)
    if user_id == me().id:
        rooms.leave(chat_id, user_id)
    else:
        rooms.remove(chat_id, me().id, user_id)
