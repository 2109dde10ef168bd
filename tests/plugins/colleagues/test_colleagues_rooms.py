"""Who is in a room, who may change that, and what each of them sees."""

from __future__ import annotations

import pytest

from core import directory
from core.contracts import Rejected
from core.db import db
from plugins.colleagues import posts, reading, rooms
from plugins.colleagues.models import Post

pytestmark = pytest.mark.feature("I-02")


def refused(code: str, call, *arguments, **named) -> None:
    with pytest.raises(Rejected) as refusal:
        call(*arguments, **named)
    assert refusal.value.code == code


def said(user_id: int, room_id: int) -> list[str]:
    member = reading.line(user_id, room_id).member
    return [entry.post.text for entry in reading.talk(member).entries if entry.post.kind == "said"]


def happened(user_id: int, room_id: int) -> list[str]:
    member = reading.line(user_id, room_id).member
    return [entry.post.kind for entry in reading.talk(member).entries if entry.post.kind != "said"]


@pytest.mark.feature("I-01")
def test_two_people_have_one_personal_room_whoever_begins(staff):
    room = rooms.open_personal(staff.anna, staff.boris)
    assert rooms.open_personal(staff.boris, staff.anna) == room
    posts.say(room, staff.anna, "Привет")
    assert reading.line(staff.boris, room).name == "Анна Тестова"
    assert reading.line(staff.anna, room).name == "Борис Тестова"


def test_a_group_needs_a_name_and_people_who_work_here(staff):
    refused("room-name", rooms.create_group, staff.anna, "  ", [staff.boris])
    refused("room-nobody", rooms.create_group, staff.anna, "Смена", [staff.anna])
    refused("own-room", rooms.open_personal, staff.anna, staff.anna)
    directory.disable_user(staff.vera)
    refused("colleague-unknown", rooms.create_group, staff.anna, "Смена", [staff.vera])
    refused("colleague-unknown", rooms.open_personal, staff.anna, 999)


def test_any_member_adds_and_only_the_organiser_removes_and_renames(staff):
    room = rooms.create_group(staff.anna, "Смена", [staff.boris])
    assert rooms.add(room, staff.boris, [staff.vera, staff.anna]) == [staff.vera]
    refused("room-not-organiser", rooms.remove, room, staff.boris, staff.vera)
    refused("room-not-organiser", rooms.rename, room, staff.boris, "Другая")
    rooms.rename(room, staff.anna, " Ночная   смена ")
    rooms.remove(room, staff.anna, staff.vera)
    assert reading.line(staff.boris, room).name == "Ночная смена"
    assert rooms.members(room) == [staff.anna, staff.boris]
    assert happened(staff.boris, room) == ["opened", "added", "named", "removed"]


def test_who_was_removed_keeps_what_was_written_until_then_and_cannot_come_back_alone(staff):
    room = rooms.create_group(staff.anna, "Смена", [staff.boris, staff.vera])
    posts.say(room, staff.anna, "до")
    rooms.remove(room, staff.anna, staff.vera)
    posts.say(room, staff.anna, "после")
    assert said(staff.vera, room) == ["до"]
    refused("room-removed", rooms.come_back, room, staff.vera)
    refused("room-unknown", posts.say, room, staff.vera, "я здесь")
    rooms.add(room, staff.boris, [staff.vera])
    assert said(staff.vera, room) == ["до", "после"]


def test_who_leaves_comes_back_with_all_of_the_history(staff):
    room = rooms.create_group(staff.anna, "Смена", [staff.boris, staff.vera])
    posts.say(room, staff.anna, "при Борисе")
    rooms.leave(room, staff.boris)
    posts.say(room, staff.anna, "без Бориса")
    assert said(staff.boris, room) == ["при Борисе"]
    assert not reading.line(staff.boris, room).writable
    assert reading.line(staff.boris, room).unread == 0
    rooms.come_back(room, staff.boris)
    assert said(staff.boris, room) == ["при Борисе", "без Бориса"]
    assert happened(staff.anna, room) == ["opened", "left", "returned"]


def test_when_the_organiser_leaves_the_group_is_closed_and_its_history_stays(staff):
    room = rooms.create_group(staff.anna, "Смена", [staff.boris])
    posts.say(room, staff.boris, "слово")
    rooms.leave(room, staff.anna)
    refused("room-closed", posts.say, room, staff.boris, "ещё")
    refused("room-closed", rooms.add, room, staff.boris, [staff.vera])
    refused("room-closed", rooms.come_back, room, staff.anna)
    assert said(staff.boris, room) == said(staff.anna, room) == ["слово"]
    assert happened(staff.boris, room)[-1] == happened(staff.anna, room)[-1] == "closed"


def test_a_personal_chat_is_no_group(staff):
    room = rooms.open_personal(staff.anna, staff.boris)
    for act in (lambda: rooms.leave(room, staff.anna), lambda: rooms.add(room, staff.anna, [staff.vera])):
        refused("room-no-group", act)


def test_a_stranger_sees_nothing_and_changes_nothing(staff):
    room = rooms.create_group(staff.anna, "Смена", [staff.boris])
    post = posts.say(room, staff.anna, "тайна")
    refused("room-unknown", reading.line, staff.vera, room)
    refused("post-unknown", posts.seen, post.id, staff.vera)
    refused("post-unknown", posts.star, post.id, staff.vera, True)
    for act in (posts.say, rooms.rename):
        refused("room-unknown", act, room, staff.vera, "слово")
    refused("room-unknown", rooms.add, room, staff.vera, [staff.vera])
    refused("room-unknown", rooms.come_back, room, staff.vera)
    assert db.session.scalar(db.select(db.func.count(Post.id))) == 2
