"""Files of articles are judged by their first bytes; two versions are compared by words."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts import FileIn, Rejected
from plugins.kb.markup import plain, sanitise
from plugins.kb.writing import article_diff, article_files

GIF = b"GIF89a" + struct.pack("<HH", 20, 10) + b"\x00" * 8


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\x00\x00\x00" * 3


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (png(40, 30), ("image/png", 40, 30)),
        (GIF, ("image/gif", 20, 10)),
        (b"<svg/>", None),
        (b"", None),
        (b"GIF8", None),
    ],
)
def test_pictures_are_known_by_their_header(content: bytes, found: Any) -> None:
    assert article_files.measure(content) == found


@given(
    st.binary(max_size=64),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF0000WEBPVP8X", b"GIF89a"]),
)
def test_any_bytes_are_answered(content: bytes, start: bytes) -> None:
    found = article_files.measure(start + content)
    assert found is None or found[1] >= 0


@given(st.text(max_size=300))
def test_names_lead_nowhere(name: str) -> None:
    clean = article_files.clean_name(name)
    assert clean and not set(clean) & set('/\\\x00\n"<>') and clean not in (".", "..") and len(clean) <= 200


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"], "kb.file_mb": 1}


@pytest.mark.parametrize(
    ("content", "picture", "code"),
    [
        (b"", False, "file-empty"),
        (b"x" * (1 << 20) + b"x", False, "article-file-large"),
        (b"<svg onload='x()'/>", True, "file-type"),
        (png(60_000, 60_000), True, "image-pixels"),
        (png(60_000, 2), False, "image-pixels"),
    ],
)
def test_what_is_no_good_is_refused_by_name(db: Any, content: bytes, picture: bool, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        article_files.add(None, 1, FileIn("../a.png", "image/png", content), picture=picture)
    assert refused.value.code == code


@given(st.text(max_size=80), st.text(max_size=80))
def test_what_is_not_marked_is_the_text_itself(before: str, after: str) -> None:
    old, new = article_diff.words(before, after)
    assert plain(old.replace("<del>", "").replace("</del>", "")).split() == plain(sanitise(escaped(before))).split()
    assert plain(new.replace("<ins>", "").replace("</ins>", "")).split() == plain(sanitise(escaped(after))).split()


def escaped(text: str) -> str:
    from html import escape

    return escape(text)


def test_sections_and_fields_that_differ_are_shown() -> None:
    before = {
        "title": "Старое",
        "tags": ["а"],
        "sections": [{"key": "s", "title": "Решение", "html": "<p>Один два три</p>"}],
    }
    after = {
        "title": "Новое",
        "tags": ["а"],
        "sections": [{"key": "s", "title": "Решение", "html": "<p>Один пять три</p><p>Ещё</p>"}],
    }
    parts = article_diff.compare(before, after)
    assert [(part.name, part.title) for part in parts] == [("title", ""), ("section", "Решение")]
    changed, come = parts[1].lines
    assert (changed.before, changed.after) == ("Один <del>два</del> три", "Один <ins>пять</ins> три")
    assert (come.kind, come.after) == ("come", "<ins>Ещё</ins>")
    assert article_diff.compare(before, before) == []


def test_callouts_pass_and_other_classes_do_not() -> None:
    html = sanitise('<div class="callout callout-note evil" style="x" id="y"><p class="z">а</p></div>')
    assert html == '<div class="callout callout-note"><p>а</p></div>'
