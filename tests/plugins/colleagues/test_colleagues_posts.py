"""What is written is kept once, counted for those who have not seen it, found in any form, and marked with a star."""

from __future__ import annotations

import pytest

from core import notifications
from core.contracts import FileIn, Rejected, SearchQuery
from core.house import okno
from plugins.colleagues import finding, posts, reading, rooms

pytestmark = pytest.mark.feature("I-01")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def code_of(call, *arguments, **named) -> str:
    with pytest.raises(Rejected) as refusal:
        call(*arguments, **named)
    return refusal.value.code


@pytest.fixture
def room(staff) -> int:
    return rooms.create_group(staff.anna, "Смена", [staff.boris, staff.vera])


def test_the_same_command_again_is_the_same_message(staff, room):
    first = posts.say(room, staff.anna, "раз", command_key="k1")
    assert posts.say(room, staff.anna, "раз", command_key="k1").id == first.id
    assert posts.say(room, staff.boris, "раз", command_key="k1").id != first.id
    assert staff.heard(staff.vera).count("colleagues.post") == 2


def test_messages_of_others_are_unread_until_seen_and_never_unread_again(staff, room):
    one = posts.say(room, staff.anna, "раз")
    two = posts.say(room, staff.anna, "два")
    assert reading.unread(staff.boris) == {room: 2}
    assert reading.unread(staff.anna) == {}
    posts.mark_read(room, staff.boris, two.id)
    posts.mark_read(room, staff.boris, one.id)
    assert reading.unread(staff.boris) == {}
    assert staff.heard(staff.boris).count("colleagues.read") == 1
    posts.say(room, staff.vera, "три")
    assert reading.unread(staff.boris) == {room: 1}


def test_the_menu_counts_what_is_unread(staff, room):
    posts.say(room, staff.anna, "раз")
    page = staff.client(staff.boris).get("/desk/around", headers={"HX-Request": "true"}).get_data(as_text=True)
    entry = page[page.index('href="/chats"') :]
    assert '<span class="counter">1</span>' in entry[: entry.index("</a>")]


def test_search_finds_any_form_of_a_word_in_own_rooms_only(staff, room):
    posts.say(room, staff.anna, "Сертификаты клиентов истекают завтра")
    other = rooms.open_personal(staff.anna, staff.boris)
    posts.say(other, staff.anna, "Сертификат лежит в <папке>", files=[FileIn("список.txt", "text/plain", b"1")])
    found = finding.find(staff.boris, SearchQuery("сертификатом"))
    assert [hit.title_html for hit in found.hits] == [
        "<mark>Сертификат</mark> лежит в &lt;папке&gt; список.txt",
        "<mark>Сертификаты</mark> клиентов истекают завтра",
    ]
    assert len(finding.find(staff.vera, SearchQuery("сертификат")).hits) == 1
    assert len(finding.find(staff.boris, SearchQuery("сертификат списки")).hits) == 1
    assert "<mark>клиентов</mark>" in finding.find(staff.vera, SearchQuery("клие", prefix=True)).hits[0].title_html
    assert finding.find(staff.vera, SearchQuery("и в на")).hits == ()
    assert finding.find(staff.vera, SearchQuery("%")).hits == ()


def test_search_ends_where_a_person_left(staff, room):
    posts.say(room, staff.anna, "до ухода сервер работал")
    rooms.leave(room, staff.boris)
    posts.say(room, staff.anna, "после ухода сервер упал")
    assert len(finding.find(staff.boris, SearchQuery("сервер")).hits) == 1
    assert len(finding.find(staff.vera, SearchQuery("сервер")).hits) == 2


def test_the_desks_search_box_asks_for_whoever_looks(staff, room):
    posts.say(room, staff.anna, "квитанция не пришла")
    assert finding.KIND in okno().search_sources
    page = "/search/quick?q=квитанции"
    hers = staff.client(staff.vera).get(page, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "/chats?at=" in hers
    theirs = staff.client(staff.chief).get(page, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "/chats?at=" not in theirs


def test_stars_are_each_persons_own_and_lead_back(staff, room):
    post = posts.say(room, staff.anna, "пароль от стенда на доске")
    posts.star(post.id, staff.boris, True)
    posts.star(post.id, staff.boris, True)
    assert [entry.post.id for entry in reading.starred(staff.boris)] == [post.id]
    assert reading.starred(staff.vera) == []
    page = staff.client(staff.boris).get("/chats?starred=1", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert f"/chats?at={post.id}" in page
    posts.star(post.id, staff.boris, False)
    assert reading.starred(staff.boris) == []


def test_a_link_to_an_old_message_shows_it_with_its_neighbours(staff, room):
    ids = [posts.say(room, staff.anna, f"слово {number}").id for number in range(100)]
    talk = reading.talk(reading.line(staff.boris, room).member, around=ids[40])
    shown = [entry.post.id for entry in talk.entries]
    assert ids[40] in shown and shown == sorted(shown) and talk.earlier and talk.later
    newest = reading.talk(reading.line(staff.boris, room).member)
    assert newest.entries[-1].post.id == ids[-1] and newest.earlier and not newest.later


def test_files_are_given_to_members_only_and_never_run(staff, room):
    page = FileIn("злой.html", "text/html", b"<script>alert(1)</script>")
    picture, liar = FileIn("снимок.png", "image/png", PNG), FileIn("обман.png", "image/png", b"<svg onload=alert(1)>")
    post = posts.say(room, staff.anna, "", files=[page, picture, liar])
    kinds = {file.name: file.content_type for file in post.files}
    assert kinds == {"злой.html": "text/html", "снимок.png": "image/png", "обман.png": "application/octet-stream"}
    member, stranger = staff.client(staff.boris), staff.client(staff.chief)
    for file in post.files:
        url = f"/chats/files/{file.id}/{file.name}"
        given = member.get(url)
        assert given.status_code == 200
        assert ("attachment" in given.headers["Content-Disposition"]) == (file.name != "снимок.png")
        assert "sandbox" in given.headers["Content-Security-Policy"]
        assert given.headers["X-Content-Type-Options"] == "nosniff"
        assert stranger.get(url).status_code == 404


def test_what_is_too_much_is_refused_with_a_reason(staff, room):
    assert code_of(posts.say, room, staff.anna, " \n\x00 ") == "empty-post"
    assert code_of(posts.say, room, staff.anna, "ы" * 10_001) == "post-too-long"
    assert code_of(posts.say, room, staff.anna, "", files=[FileIn("пусто", "", b"")]) == "post-file-empty"
    assert code_of(posts.say, room, staff.anna, "", files=[FileIn("a", "", b"1")] * 11) == "post-files-many"
    assert code_of(posts.say, room, staff.anna, "", files=[FileIn("a", "", b"1" * (26 << 20))]) == "file-too-large"


def test_a_mention_is_told_to_members_who_are_named(staff, room):
    posts.say(room, staff.anna, "@boris, посмотри; @chief не здесь")
    assert [row.kind for row in notifications.latest(staff.boris)] == ["colleagues.mention"]
    assert not notifications.latest(staff.chief) and not notifications.latest(staff.vera)


def test_a_supervisor_tells_the_own_team_and_only_the_author_writes_there(staff):
    chief = staff.user(staff.chief)
    post = posts.broadcast(chief, str(staff.team_id), "Собрание в 15:00")
    again = posts.broadcast(chief, str(staff.team_id), "Перенесено на 16:00")
    assert again.room_id == post.room_id
    assert [row.kind for row in notifications.latest(staff.anna)] == ["colleagues.broadcast"] * 2
    assert reading.unread(staff.boris) == {post.room_id: 2}
    assert staff.vera not in rooms.members(post.room_id)
    assert code_of(posts.say, post.room_id, staff.anna, "хорошо") == "room-read-only"
    assert code_of(posts.broadcast, chief, "all", "всем") == "room-not-your-team"
    assert code_of(posts.broadcast, staff.user(staff.anna), str(staff.team_id), "я") == "room-not-your-team"
    assert staff.client(staff.anna).get("/chats/dialogs/broadcast").status_code == 403


def test_who_joins_the_team_later_hears_the_next_broadcast_and_who_left_does_not(staff):
    from core.db import db
    from core.model import TeamMember

    chief = staff.user(staff.chief)
    room = posts.broadcast(chief, str(staff.team_id), "первое").room_id
    db.session.delete(db.session.get_one(TeamMember, (staff.team_id, staff.boris)))
    db.session.add(TeamMember(team_id=staff.team_id, user_id=staff.vera))
    db.session.commit()
    posts.broadcast(chief, str(staff.team_id), "второе")
    assert rooms.members(room) == sorted([staff.anna, staff.vera, staff.chief])
    assert reading.unread(staff.vera) == {room: 2}


def test_the_list_of_rooms_takes_as_many_statements_for_many_as_for_one(staff, room, count_queries):
    posts.say(room, staff.anna, "раз")
    with count_queries() as few:
        reading.lines(staff.anna)
    for number in range(12):
        posts.say(rooms.create_group(staff.anna, f"Группа {number}", [staff.boris]), staff.boris, "слово")
    rooms.open_personal(staff.anna, staff.vera)
    with count_queries() as many:
        assert len(reading.lines(staff.anna)) == 14
    assert many.count == few.count


def test_markup_is_shown_as_it_was_written(staff, room):
    posts.say(room, staff.anna, "<img src=x onerror=alert(1)> @boris https://okno.example/a?b=1")
    page = staff.client(staff.boris).get(f"/chats?room={room}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page and "<img src=x" not in page
    assert '<span class="mention">@boris</span>' in page
    assert 'rel="noopener noreferrer nofollow"' in page
