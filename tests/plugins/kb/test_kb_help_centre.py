"""The help centre: what customers see, what they never see, and what caches may keep."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.clock import now

SECRET = "Zanzibar"
PUBLIC = "Verbena"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {
        "core.plugins": ["kb"],
        "kb.public_accent": "#ffcc00",
        "kb.public_footer": ["Наш сайт = https://example.com"],
    }


@pytest.fixture
def shelf(db: Any) -> dict[str, Any]:
    """A folder with a public article and everything that must stay inside."""
    from core import storage
    from core.db import transaction
    from plugins.kb.models import Article, ArticleFile
    from plugins.kb.writing.operations import create_article, save_folder

    folder = save_folder(None, "signature", title_en="Signature", title_ru="Подпись")
    sections = [
        {"title": "Общее решение", "html": f"<h3>Шаг</h3><p>{PUBLIC} $(from.name). См. №2002 и №2003, kb:2002.</p>"},
        {"title": "Почтовый ответ", "html": f"<p>Здравствуйте, $(from.name)! {SECRET}</p>"},
        {"title": "Для экспертов", "html": f"<p>{SECRET}</p>"},
    ]
    usual = {
        "folder_id": folder.id,
        "language": "ru",
        "public": True,
        "notes": SECRET,
        "question": "Вопрос, $(from.name)?",
    }
    hidden = [{"title": "Общее решение", "html": f"<p>{SECRET}</p>"}]
    told = {
        2001: ("Открытая статья", "published", {"sections": sections}),
        2002: (f"Внутренняя {SECRET}", "published", {"public": False, "sections": hidden}),
        2003: ("Вторая открытая", "published", {"sections": sections[:1]}),
        2004: (f"Черновик {SECRET}", "draft", {"sections": hidden}),
        2005: (f"Архив {SECRET}", "archived", {"sections": hidden}),
        2006: (f"Проверка {SECRET}", "review", {"sections": hidden}),
        2007: (f"Истекла {SECRET}", "published", {"sections": hidden, "expires_at": now() - timedelta(hours=1)}),
        2008: (f"Снова внутренняя {SECRET}", "published", {"public": False, "sections": hidden}),
    }
    files = {}
    for number, (title, status, more) in told.items():
        article = create_article(None, {**usual, **more, "title": title}, number=number, status=status)
        with transaction():
            file = ArticleFile(
                article_id=article.id, sha256=storage.put(b"secret file"), name="a.txt", content_type="text/plain"
            )
            db.session.add(file)
            db.session.flush()
            files[number] = file.id
    english = create_article(
        None,
        {**usual, "language": "en", "title": "An open article", "sections": sections[:1], "group_id": None},
        number=2010,
        status="published",
    )
    russian = db.session.scalar(db.select(Article).where(Article.number == 2001))
    english.group_id = russian.group_id = russian.id
    db.session.commit()
    return {"folder": folder.id, "files": files}


HIDDEN = (2002, 2004, 2005, 2006, 2007, 2008)


@pytest.mark.feature("K-12")
def test_no_page_tells_what_is_inside(app: Any, shelf: dict[str, Any]) -> None:
    from plugins.kb.public import index

    index.rebuild()
    client = app.test_client()
    pages = [
        "/help-centre/ru",
        "/help-centre/en",
        "/help-centre/sitemap.xml",
        f"/help-centre/ru/sections/{shelf['folder']}-signature",
    ]
    pages += [
        f"/help-centre/ru/search?q={words}" for words in (SECRET, PUBLIC, "открытая", "2002", "внутренняя", '"', "***")
    ]
    found = {path: client.get(path, follow_redirects=True) for path in [*pages, "/help-centre/ru/articles/2001"]}
    for path, answer in found.items():
        assert answer.status_code == 200, path
        text = (
            answer.get_data(as_text=True)
            .replace(f"q={SECRET}", "")
            .replace(f'value="{SECRET}"', "")
            .replace(f": {SECRET} ·", "")
        )
        text = text.replace(f"«{SECRET}»", "")
        assert SECRET not in text, path
        assert "$(" not in text, path
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
    for number in HIDDEN:
        assert client.get(f"/help-centre/ru/articles/{number}", follow_redirects=True).status_code == 404
        assert client.get(f"/help-centre/files/{shelf['files'][number]}/a.txt").status_code == 404
        assert client.post(f"/help-centre/ru/articles/{number}/rating", data={"helpful": "yes"}).status_code == 404
        assert f"/articles/{number}" not in found["/help-centre/sitemap.xml"].text
    article = found["/help-centre/ru/articles/2001"].text
    assert PUBLIC in article
    assert "Вопрос?" in article
    assert "/articles/2003-" in article
    assert "/articles/2002" not in article
    file = client.get(f"/help-centre/files/{shelf['files'][2001]}/a.txt")
    assert (file.status_code, file.data, file.headers["Content-Disposition"]) == (
        200,
        b"secret file",
        "attachment; filename=a.txt",
    )


@pytest.mark.feature("K-12")
def test_a_mistyped_word_is_searched_as_meant(app: Any, db: Any) -> None:
    from plugins.kb.exchange.folder_exchange import load_folder
    from plugins.kb.public import index
    from tests.support.places import ROOT

    load_folder(ROOT / "plugins/kb/demo")
    index.rebuild()
    page = app.test_client().get("/help-centre/ru/search?q=сертефикат").text
    assert "сертификат" in page
    assert "<mark>" in page
    assert index.search("SCARD_W_WRONG_CHV", "ru", limit=5, offset=0).total == 0


@pytest.mark.feature("K-12")
def test_addresses_languages_and_structured_data(app: Any, shelf: dict[str, Any]) -> None:
    client = app.test_client()
    moved = client.get("/help-centre/en/articles/2001-old-name?said=yes")
    assert (moved.status_code, moved.location) == (301, "/help-centre/ru/articles/2001-otkrytaya-statya?said=yes")
    page = client.get("/help-centre/ru/articles/2001-otkrytaya-statya").text
    assert 'rel="canonical" href="http://localhost/help-centre/ru/articles/2001-otkrytaya-statya"' in page
    assert 'hreflang="en" href="http://localhost/help-centre/en/articles/2010-an-open-article"' in page
    data = json.loads(re.search(r'ld\+json">(.*?)</script>', page).group(1))  # type: ignore[union-attr]
    assert [part["@type"] for part in data["@graph"]] == ["Article", "BreadcrumbList", "FAQPage"]
    home = client.get("/help-centre", headers={"Accept-Language": "en"})
    assert (home.status_code, home.location) == (302, "/help-centre/en")
    assert 'href="https://example.com"' in page
    assert "Sitemap: http://localhost/help-centre/sitemap.xml" in client.get("/robots.txt").text
    lost = client.get("/help-centre/ru/articles/9999-nothing")
    assert (lost.status_code, "Такой страницы нет" in lost.text) == (404, True)


def test_the_accent_is_made_readable(app: Any) -> None:
    from plugins.kb.public.site import DARK_GROUND, LIGHT_GROUND, contrast, readable

    for accent in ("#ffcc00", "#000000", "#ffffff", "#2b5fc7", "#ff00ff"):
        light, dark = (tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in readable(accent))
        assert contrast(light, LIGHT_GROUND) >= 4.5  # type: ignore[arg-type]
        assert contrast(dark, DARK_GROUND) >= 4.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kb.public_accent", "red"),
        ("kb.public_footer", ["javascript:alert(1)"]),
        ("kb.public_footer", ["Go = javascript:alert(1)"]),
        ("kb.public_contact", "javascript:x"),
        ("kb.public_logo", "logo.exe"),
    ],
)
def test_settings_that_cannot_be_shown_stop_the_start(tmp_path: Any, key: str, value: Any) -> None:
    from core.config import ConfigError, load
    from plugins.kb.public.site import SETTINGS, check

    with pytest.raises(ConfigError, match=key):
        check(load(tmp_path, SETTINGS, overrides={key: value}))


@pytest.mark.feature("K-12")
def test_caches_keep_pages_until_something_changes(app: Any, db: Any, shelf: dict[str, Any]) -> None:
    from plugins.kb.models import Article
    from plugins.kb.writing.operations import set_status

    client = app.test_client()
    for path in ("/help-centre/ru", "/help-centre/ru/articles/2001-otkrytaya-statya", "/help-centre/sitemap.xml"):
        first = client.get(path)
        assert first.headers["Cache-Control"].startswith("public, max-age=60")
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        number = 2003 if "sitemap" not in path else 2010
        article = db.session.scalar(db.select(Article).where(Article.number == number))
        set_status(article.id, None, "archived" if article.status == "published" else "published")
        changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert changed.status_code == 200


@pytest.mark.feature("K-12", "K-10")
def test_visitors_say_something_within_limits(app: Any, db: Any, shelf: dict[str, Any]) -> None:
    from plugins.kb.models import Comment, Rating

    client, path = app.test_client(), "/help-centre/ru/articles/2001/rating"
    said = client.post(path, data={"helpful": "no"})
    assert (said.status_code, said.location) == (303, "/help-centre/ru/articles/2001-otkrytaya-statya?said=no#rating")
    client.post(path, data={"helpful": "yes"})
    assert [row.helpful for row in db.session.scalars(db.select(Rating))] == [True]
    client.post(path, data={"comment": "<script>alert(1)</script>"})
    client.post(path, data={"comment": "buy", "website": "spam"})
    assert client.post(path, data={"comment": " "}).status_code == 422
    assert client.post(path, data={"helpful": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    rows = db.session.scalars(db.select(Comment)).all()
    assert [row.text for row in rows] == ["<script>alert(1)</script>"]
    codes = [client.post(path, data={"helpful": "yes"}).status_code for _ in range(12)]
    assert codes[-1] == 429
    other = client.post(path, data={"helpful": "yes"}, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert other.status_code == 303
    assert "127.0.0.1" not in "".join(db.session.scalars(db.select(Rating.reader_key)))


def test_pages_take_a_constant_number_of_statements(
    app: Any, shelf: dict[str, Any], count_queries: Callable[..., Any]
) -> None:
    from plugins.kb.public.visible import shelved

    client = app.test_client()
    most = {
        "/help-centre/ru": 6,
        "/help-centre/ru/articles/2001-otkrytaya-statya": 12,
        f"/help-centre/ru/sections/{shelf['folder']}-signature": 6,
    }
    for path, limit in most.items():
        shelved.forget()
        with count_queries() as few:
            assert client.get(path).status_code == 200
        assert few.count <= limit, path


def test_switched_off_there_is_nothing(app: Any, shelf: dict[str, Any]) -> None:
    app.extensions["okno"].config.values["kb.public"] = False
    try:
        client = app.test_client()
        for path in ("/help-centre", "/help-centre/ru", "/help-centre/ru/articles/2001-x", "/help-centre/sitemap.xml"):
            assert client.get(path).status_code == 404
        assert "Disallow: /\n" in client.get("/robots.txt").text
    finally:
        app.extensions["okno"].config.values["kb.public"] = True
