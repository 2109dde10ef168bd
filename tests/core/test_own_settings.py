"""What people set for themselves is checked field by field; a photo is judged by its content."""

from __future__ import annotations

import struct
import zlib

import pytest
from sqlalchemy import select

from core import audit, directory, own_settings, photos, problem_reports, sessions
from core.contracts import Rejected
from core.db import db
from core.model import SignIn, User
from core.schemas import Invalid
from tests.core.conftest import Centre

pytestmark = pytest.mark.feature("D-15")
PASSWORD = "correct horse battery"


def png(width: int = 64, height: int = 64, padding: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", b"x" * padding) + chunk(b"IEND", b"")


def jpeg(width: int = 64, height: int = 48) -> bytes:
    app0 = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    sof = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\0" * 9
    return b"\xff\xd8" + app0 + sof + b"\xff\xd9"


def webp(width: int = 64, height: int = 48) -> bytes:
    body = (
        b"VP8X"
        + struct.pack("<I", 10)
        + b"\0" * 4
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


WRONG = (
    ("profile", {"nickname": "а" * 10_000}, "nickname"),
    ("profile", {"phone": "звоните вечером"}, "phone"),
    ("profile", {"phone": "1" * 39}, "phone"),
    ("profile", {"email": "не почта"}, "email"),
    ("place", {"timezone": "Europe/Moskau"}, "timezone"),
    ("place", {"timezone": "../../etc/passwd"}, "timezone"),
    ("place", {"location": "м" * 121}, "location"),
    ("looks", {"language": "de"}, "language"),
    ("looks", {"theme": "pink"}, "theme"),
    ("letters", {"font": "Comic Sans; color: red"}, "font"),
    ("letters", {"font_size": "999"}, "font_size"),
    ("letters", {"signature": "п" * 2001}, "signature"),
    ("desk", {"start_url": "https://evil.example"}, "start_url"),
    ("desk", {"start_url": "//evil.example"}, "start_url"),
    ("desk", {"pinned": "javascript:alert(1)"}, "pinned"),
    ("names", {"first_name": "  "}, "first_name"),
)


def test_a_wrong_value_is_named_by_its_field_and_nothing_is_kept(centre: Centre) -> None:
    anna = centre.agents[0]
    for section, values, wrong in WRONG:
        with pytest.raises(Invalid) as refused:
            own_settings.change(anna, section, values)
        assert wrong in refused.value.errors, section
        assert refused.value.errors[wrong].ru != refused.value.errors[wrong].en
    user = db.session.get_one(User, anna, populate_existing=True)
    assert (user.preferences, user.nickname, user.timezone) == ({}, "", "")


def test_sections_are_kept_in_columns_and_preferences(centre: Centre) -> None:
    anna = centre.agents[0]
    own_settings.change(anna, "profile", {"nickname": "Аня", "phone": "8 (912) 345-67-89", "email": "a@okno.example"})
    own_settings.change(anna, "letters", {"font": "Verdana", "font_size": "12", "reply_all": True, "signature": "Анна"})
    own_settings.change(anna, "desk", {"start_url": "/queue?sort=newest", "pinned": "/cases"})
    own_settings.change(anna, "place", {"timezone": "Asia/Vladivostok", "location": "Офис 12"})
    user = db.session.get_one(User, anna, populate_existing=True)
    assert (user.nickname, user.phone, user.location, user.timezone) == (
        "Аня", "+79123456789", "Офис 12", "Asia/Vladivostok",
    )  # fmt: skip
    kept = own_settings.of(user)
    assert (kept.font, kept.font_size, kept.reply_all, kept.start_url, kept.pinned, kept.sound) == (
        "Verdana", "12", True, "/queue?sort=newest", "/cases", True,
    )  # fmt: skip
    assert own_settings.formatted(user.phone) == "+7 912 345-67-89"
    assert [entry.action for entry in audit.entries(object_type="user")] == ["user.own", "user.own"]


def test_an_extension_is_a_number_too(centre: Centre) -> None:
    own_settings.change(centre.agents[0], "profile", {"phone": "4512"})
    assert db.session.get_one(User, centre.agents[0]).phone == "4512"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>'
REFUSED = (
        (png(padding=3 << 20), "photo-too-large"), (SVG, "photo-kind"), (b"", "photo-kind"), (b"GIF89a" + b"\0" * 40, "photo-kind"),
        (b"<html><script>alert(1)</script>", "photo-kind"), (b"\xff\xd8\xff" + b"\xff" * 50, "photo-kind"), (png()[:20], "photo-kind"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 9, "photo-kind"), (png(8, 8), "photo-size"), (png(65_000, 65_000), "photo-size"), (webp(1, 1), "photo-size"),
)  # fmt: skip


def test_pictures_are_taken_and_everything_else_is_refused_with_its_cause(centre: Centre) -> None:
    anna = centre.agents[0]
    for content, code in REFUSED:
        with pytest.raises(Rejected) as refused:
            photos.set_photo(anna, content)
        assert refused.value.code == code
    assert db.session.get_one(User, anna).photo_sha == ""
    for content in (png(), jpeg(), webp(), png(4096, 4096)):
        sha256 = photos.set_photo(anna, content)
        assert db.session.get_one(User, anna, populate_existing=True).photo_sha == sha256
    photos.remove_photo(anna)
    assert db.session.get_one(User, anna, populate_existing=True).photo_sha == ""


def test_the_old_password_is_asked_for_and_other_sign_ins_end(centre: Centre) -> None:
    anna = centre.agents[0]
    directory.set_password(anna, PASSWORD)
    _token, first = sessions.open_session(anna, ip="192.0.2.1", user_agent="one")
    db.session.add(SignIn(user_id=anna, token_hash="other", user_agent="two"))
    db.session.commit()
    for old, new, field in (
        ("wrong", "another password", "old"),
        (PASSWORD, "short", "new"),
        (PASSWORD, "x" * 300, "new"),
    ):
        with pytest.raises(Invalid) as refused:
            own_settings.change_password(anna, old, new, first)
        assert list(refused.value.errors) == [field]
    own_settings.change_password(anna, PASSWORD, "another password", first)
    assert [row.id for row in sessions.open_ones(anna)] == [first]
    assert directory.verify_password("anna", "another password") is not None


def test_another_sign_in_is_ended_but_not_the_one_that_asks_nor_a_colleagues(centre: Centre) -> None:
    anna, boris, _vera = centre.agents
    for user, token in ((anna, "a"), (anna, "b"), (boris, "c")):
        db.session.add(SignIn(user_id=user, token_hash=token, user_agent="x"))
    db.session.commit()
    ids = {row.token_hash: row.id for row in db.session.scalars(select(SignIn))}
    own_settings.end_sign_in(anna, ids["b"], ids["a"])
    own_settings.end_sign_in(anna, ids["c"], ids["a"])
    with pytest.raises(Rejected):
        own_settings.end_sign_in(anna, ids["a"], ids["a"])
    open_ones = db.session.scalars(select(SignIn.token_hash).where(SignIn.ended_at.is_(None))).all()
    assert sorted(open_ones) == ["a", "c"]


@pytest.mark.feature("D-14")
def test_a_report_keeps_two_hundred_masked_lines_and_tells_the_administrators(centre: Centre) -> None:
    from core import notifications

    directory.ensure_roles()
    boss = directory.add_user("boss", "Boss", roles=["admin"]).id
    secret = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abc1"
    lines = [f"line {number}" for number in range(300)] + [f"GET /x?token={secret} password: hunter2 {'я' * 900}", 42]
    report = problem_reports.report(centre.agents[0], "  Не открывается  ", page="/cases/1", log=lines)
    row = problem_reports.get(report)
    assert (len(row.log), row.text, row.log[-1]) == (200, "Не открывается", "42")
    assert len(row.log[-2]) == 500
    assert secret not in str(row.log) and "hunter2" not in str(row.log)
    assert [one.kind for one in notifications.latest(boss)] == ["problem.reported"]
    for _repeat in range(2):
        problem_reports.close(report)
    assert problem_reports.listed() == [] and [one.id for one in problem_reports.listed(closed=True)] == [report]
    with pytest.raises(Rejected) as refused:
        problem_reports.report(centre.agents[0], "   ")
    assert refused.value.code == "problem-empty"
