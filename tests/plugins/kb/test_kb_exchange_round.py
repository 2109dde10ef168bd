"""Out of the house and in again without loss, in every format; other systems' files; archives that attack."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0500f00038401"
    "80b2b1a0b40000000049454e44ae426082"
)


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


def said(db: Any) -> list[Any]:
    """All that the articles say; files by name and content, addresses without their ids."""
    import re

    from plugins.kb.models import Article, ArticleFile
    from plugins.kb.writing.article_fields import snapshot

    db.session.expire_all()
    numbers = dict(map(tuple, db.session.execute(db.select(Article.id, Article.number))))
    found = []
    for row in db.session.scalars(db.select(Article).order_by(Article.number)):
        fields = snapshot(row) | {"number": row.number, "status": row.status, "folder": row.folder.slug}
        fields.pop("folder_id")
        fields["group_id"] = numbers.get(fields["group_id"]) if fields["group_id"] else None
        files = db.session.scalars(
            db.select(ArticleFile).where(ArticleFile.article_id == row.id).order_by(ArticleFile.id)
        )
        fields["files"] = sorted((file.name, file.sha256, file.inline) for file in files)
        found.append(json.loads(re.sub(r"/kb/files/\d+/", "/kb/files/N/", json.dumps(fields))))
    return found


def empty(db: Any) -> None:
    """Every article and folder goes; the house forgets what it imported."""
    from core.db import transaction
    from plugins.kb.models import Article, ArticleFile, ArticleTag, Folder, Imported, Version

    with transaction():
        for model in (Imported, ArticleFile, ArticleTag, Version, Article, Folder):
            db.session.execute(db.delete(model))
    db.session.remove()


line = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30).filter(
    lambda text: text.strip() != ""
)
prose = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\x85\u2028\u2029"), max_size=80)
moments = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda when: when.replace(microsecond=0).isoformat()
)
section = st.fixed_dictionaries({"title": line, "markdown": prose}) | st.fixed_dictionaries(
    {"title": line, "html": prose.map(lambda text: f"<p>{text.replace('<', ' ').replace('&', ' ')}</p>")}
)
articles = st.lists(
    st.fixed_dictionaries(
        {
            "question": prose,
            "notes": prose,
            "keywords": st.lists(line, max_size=3),
            "tags": st.lists(line, max_size=3),
            "products": st.lists(line, max_size=2),
            "related": st.lists(st.integers(1, 9999), max_size=3),
            "public": st.booleans(),
            "language": st.sampled_from(["ru", "en"]),
            "slug": st.sampled_from(["", "plain-slug", "Не для имени/файла"]),
            "review_at": moments,
            "expires_at": moments,
            "kind": st.sampled_from(["article", "map"]),
            "sections": st.lists(
                section, max_size=3, unique_by=lambda part: " ".join(part["title"].split()).casefold()
            ),
        }
    ),
    min_size=1,
    max_size=3,
)


def write(db: Any, drawn: list[dict[str, Any]]) -> None:
    """The drawn articles in two folders, the first with a picture, the first two translations of each other."""
    from core.contracts import FileIn, Rejected
    from plugins.kb.models import Article
    from plugins.kb.writing import article_files
    from plugins.kb.writing.operations import create_article, save_folder

    top = save_folder(None, "top", title_en="Top, «first»", title_ru="Верх: первый", position=3)
    inner = save_folder(top.id, "inner", title_en="Inner", title_ru="Внутри")
    for index, fields in enumerate(drawn):
        sections = list(fields["sections"])
        picture = None
        if index == 0:
            picture = article_files.add(None, None, FileIn("схема 1.png", "image/png", PNG), picture=True)
            sections.append(
                {"title": "Picture", "html": f'<p><img src="/kb/files/{picture.id}/{quote("схема 1.png")}"></p>'}
            )
        told = {**fields, "sections": sections, "title": f"Статья {index}", "folder_id": (top, inner)[index % 2].id}
        try:
            article = create_article(None, told, status=("published", "draft", "archived")[index % 3])
        except Rejected:
            # Two drawn titles may fold to one key: such an article has the picture alone.
            article = create_article(None, {**told, "sections": sections[-1:]})
        if picture is not None:
            picture.article_id = article.id
    rows = db.session.scalars(db.select(Article).order_by(Article.number)).all()
    if len(rows) > 1 and rows[0].language != rows[1].language:
        rows[0].group_id = rows[1].group_id = rows[0].id
    db.session.commit()


@pytest.mark.feature("K-11")
@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=articles)
def test_whatever_articles_say_survives_the_way_out_and_in(
    db: Any, tmp_path: Path, drawn: list[dict[str, Any]]
) -> None:
    from plugins.kb.exchange.sources import load, save

    empty(db)
    write(db, drawn)
    before = said(db)
    name = f"out-{abs(hash(repr(drawn)))}"
    save(tmp_path / name, "markdown")
    same = load(tmp_path / name)
    assert (same.created, same.updated, same.errors) == (0, 0, [])
    empty(db)
    outcome = load(tmp_path / name)
    assert (outcome.created, outcome.errors) == (len(drawn), [])
    assert said(db) == before
    plain = [{**row, "files": []} for row in before]
    for suffix, kind in ((".csv", "csv"), (".json", "zendesk")):
        save(tmp_path / f"{name}{suffix}", kind)
        same = load(tmp_path / f"{name}{suffix}")
        assert (same.created, same.updated, same.errors) == (0, 0, [])
        empty(db)
        outcome = load(tmp_path / f"{name}{suffix}")
        assert (outcome.created, outcome.errors) == (len(drawn), [])
        assert [{**row, "files": []} for row in said(db)] == plain


def test_a_zip_carries_everything_and_dry_runs_change_nothing(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.sources import load, save

    write(db, [{name: [] for name in ("keywords", "tags", "products", "related", "sections")} | {"public": True}] * 2)
    before = said(db)
    save(tmp_path / "all.zip", "markdown")
    empty(db)
    tried = load(tmp_path / "all.zip", dry=True)
    assert (tried.created, tried.errors, said(db)) == (2, [], [])
    assert load(tmp_path / "all.zip").created == 2
    assert said(db) == before


def test_an_interrupted_import_goes_on_and_restart_looks_at_all(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.sources import load
    from plugins.kb.models import Article

    for number in range(60):
        (tmp_path / f"{number:03}.md").write_text(
            f"---\ntitle: Статья {number}\n---\n\n## Общее решение\n\nТекст {number}.\n"
        )

    class Cut(Exception):
        pass

    def cut(done: int, total: int) -> None:
        if done >= 25:
            raise Cut

    with pytest.raises(Cut):
        load(tmp_path, progress=cut)
    assert db.session.scalar(db.select(db.func.count(Article.id))) == 25
    again = load(tmp_path)
    assert (again.created, again.updated, again.unchanged) == (35, 0, 25)
    assert load(tmp_path, restart=True).unchanged == 60


@pytest.mark.feature("K-11")
@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("cp1251", ";")]
)
def test_tables_of_any_spreadsheet_are_read(db: Any, tmp_path: Path, encoding: str, delimiter: str) -> None:
    from plugins.kb.exchange.sources import load
    from plugins.kb.models import Article

    rows = [
        ["title", "folder", "keywords", "public", "section:solution:Общее решение", "colour"],
        ["Ёлка не горит", "Свет", "гирлянда, вилка", "да", '"Проверьте, вставлена ли вилка."', ""],
        ["", "Свет", "", "", "", ""],
        ["Вторая", "Свет", "", "может быть", "x", ""],
    ]
    path = tmp_path / "table.csv"
    path.write_bytes(
        "\r\n".join(delimiter.join(row) for row in rows)
        .replace("гирлянда, вилка", '"гирлянда, вилка"')
        .encode(encoding)
    )
    outcome = load(path)
    assert outcome.created == 1
    assert [(row["file"], row["field"]) for row in outcome.errors] == [
        ("table.csv:3", "title"),
        ("table.csv:4", "public"),
    ]
    article = db.session.scalar(db.select(Article))
    assert (article.title, article.keywords, article.public) == ("Ёлка не горит", ["гирлянда", "вилка"], True)
    assert (article.folder.title_ru, "вилка." in article.sections[0]["html"]) == ("Свет", True)


ZENDESK = {
    "categories": [{"id": 1, "name": "Support"}],
    "sections": [{"id": 10, "category_id": 1, "name": "Billing", "position": 2}],
    "articles": [
        {
            "id": 100, "title": "Refunds", "body": "<p>Ask <script>alert(1)</script>us.</p>", "section_id": 10, "locale": "en-us",
            "draft": False, "label_names": ["money"], "user_segment_id": None,
            "translations": [{"locale": "ru", "title": "Возврат", "body": "<p>Напишите нам.</p>", "draft": True}],
        },
        {"id": 101, "title": "French", "body": "x", "locale": "fr", "section_id": 10},
    ],
}  # fmt: skip
FRESHDESK = {
    "categories": [
        {"id": 7, "name": "FAQ", "folders": [{"id": 8, "name": "Start", "visibility": 2, "articles": [
            {"id": 9, "title": "First steps", "description": "<p>Sign in.</p>", "status": 1, "tags": ["a"], "language": "en",
             "seo_data": {"meta_keywords": "login, begin", "meta_description": "How to begin?"}}]}]}
    ]
}  # fmt: skip


@pytest.mark.feature("K-11")
def test_zendesk_and_freshdesk_articles_come_in_and_stay_the_same(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.sources import load
    from plugins.kb.models import Article

    (tmp_path / "z.json").write_text(json.dumps(ZENDESK))
    (tmp_path / "f.json").write_text(json.dumps(FRESHDESK))
    outcome = load(tmp_path / "z.json")
    assert (outcome.created, len(outcome.errors), outcome.errors[0]["field"]) == (2, 1, "locale")
    assert load(tmp_path / "z.json", restart=True).unchanged == 2
    english, russian = db.session.scalars(db.select(Article).order_by(Article.language)).all()
    assert (english.group_id, russian.group_id) == (english.id, english.id)
    assert "script" not in english.sections[0]["html"]
    assert (english.status, russian.status, english.folder.title_en, english.tags) == (
        "published",
        "draft",
        "Billing",
        ["money"],
    )
    assert load(tmp_path / "f.json").created == 1
    fresh = db.session.scalar(db.select(Article).where(Article.title == "First steps"))
    assert (fresh.status, fresh.public, fresh.keywords, fresh.question) == (
        "draft",
        False,
        ["login", "begin"],
        "How to begin?",
    )


@pytest.mark.parametrize("name", ["../out.md", "/etc/out.md", "a/../../out.md", "..\\out.md", "C:/out.md"])
def test_an_archive_writes_nothing_outside_of_its_folder(db: Any, tmp_path: Path, name: str) -> None:
    from plugins.kb.exchange.portable import BadSource
    from plugins.kb.exchange.sources import load

    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as out:
        out.writestr(name, "---\ntitle: x\n---\n")
    with pytest.raises(BadSource, match="outside"):
        load(tmp_path / "bad.zip")


def test_an_archive_that_grows_is_stopped(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.archive import unpack
    from plugins.kb.exchange.portable import BadSource

    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.md", b"0" * (20 << 20))
    (tmp_path / "in").mkdir()
    with pytest.raises(BadSource, match="grows too large"):
        unpack(tmp_path / "bomb.zip", tmp_path / "in", 100 << 20)


def test_html_pages_and_pictures_beside_them_are_read(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.sources import load
    from plugins.kb.models import Article, ArticleFile

    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "dot.png").write_bytes(PNG)
    (folder / "page.html").write_text(
        '<!doctype html><html lang="en"><head><title>A page</title><meta name="keywords" content="one, two"></head>'
        '<body><h1>A page</h1><p>Text <img src="dot.png" onerror="alert(1)"></p></body></html>'
    )
    (folder / "front.html").write_text(
        '---\ntitle: Front\nlanguage: en\n---\n<h2>General solution</h2><p>Do.</p><h2 id="warranty">Warranty</h2><p>Ask.</p>'
    )
    (folder / "away.html").write_text("---\ntitle: Away\nfiles: [{path: ../../secret.txt}]\n---\n<p>x</p>")
    outcome = load(folder)
    assert (outcome.created, [row["file"] for row in outcome.errors]) == (2, ["away.html"])
    page = db.session.scalar(db.select(Article).where(Article.title == "A page"))
    file = db.session.scalar(db.select(ArticleFile))
    assert (file.article_id, file.inline) == (page.id, True)
    assert f"/kb/files/{file.id}/dot.png" in page.sections[0]["html"]
    assert "onerror" not in page.sections[0]["html"]
    front = db.session.scalar(db.select(Article).where(Article.title == "Front"))
    assert [part["key"] for part in front.sections] == ["solution", "warranty"]
    assert load(folder, restart=True).unchanged == 2
