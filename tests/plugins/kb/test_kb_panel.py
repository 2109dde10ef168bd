"""The panel and the pages, asked for as a browser does, on both data bases."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from tests.plugins.kb.signature_articles import MADE, add_signature_articles
from tests.support.applications import MigratedTemplates


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


@pytest.fixture
def migrated_url(
    database_kind: str, settings: dict[str, Any], home: Path, migrated_templates: MigratedTemplates
) -> Iterator[str]:
    """A copy of the furnished data base and of its index."""
    url = migrated_templates.copy(database_kind, settings, home, add_signature_articles)
    shutil.copytree(MADE[database_kind][0] / "index", home / "index")
    yield url
    migrated_templates.drop(database_kind, url)


@pytest.fixture
def centre(db: Any, database_kind: str) -> dict[str, int]:
    """The ids of what :func:`add_signature_articles` made."""
    return MADE[database_kind][1]


class Browser:
    """A client that asks as a server would: nothing is kept in the application context between two requests."""

    def __init__(self, app: Flask, user_id: int) -> None:
        from core.db import db, transaction
        from core.model import SignIn

        self.client: FlaskClient = app.test_client()
        with transaction():
            db.session.add(SignIn(user_id=user_id, token_hash=hashlib.sha256(f"t{user_id}".encode()).hexdigest()))
        with self.client.session_transaction() as session:
            session["token"], session["csrf"] = f"t{user_id}", "csrf"

    def get(self, path: str, **values: Any) -> Any:
        self._fresh()
        return self.client.get(path, headers={"HX-Request": "true"}, query_string=values)

    def post(self, path: str, **values: Any) -> Any:
        self._fresh()
        return self.client.post(path, headers={"HX-Request": "true", "X-CSRF-Token": "csrf"}, data=values)

    def send(self, path: str, **body: Any) -> Any:
        self._fresh()
        return self.client.post(path, headers={"HX-Request": "true", "X-CSRF-Token": "csrf"}, json=body)

    def _fresh(self) -> None:
        from core.db import db

        for name in list(g):
            g.pop(name)
        db.session.remove()


@pytest.fixture
def agent(app: Flask, centre: dict[str, int]) -> Browser:
    return Browser(app, centre["agent"])


@pytest.fixture
def editor(app: Flask, centre: dict[str, int]) -> Browser:
    return Browser(app, centre["editor"])


@contextmanager
def counted(db: Any) -> Iterator[list[str]]:
    """The statements that run inside the block."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def numbers(page: Any) -> list[int]:
    """The articles of a list, in order."""
    return [int(number) for number in re.findall(r'data-kb-open="(\d+)"', page.text)]


@pytest.mark.feature("K-03")
def test_the_panel_begins_with_what_fits_the_case(agent: Browser, centre: dict[str, int], db: Any) -> None:
    agent.get("/kb/panel", case_id=centre["case"], interaction_id=centre["interaction"])
    with counted(db) as statements:
        page = agent.get("/kb/panel", case_id=centre["case"], interaction_id=centre["interaction"])
    assert page.status_code == 200
    assert "Подходит к этому запросу" in page.text
    assert 1001 in numbers(page)[:5]
    assert "Только для сервиса «Подпись»" in page.text
    assert len(statements) <= 18, statements


@pytest.mark.feature("K-03")
def test_search_as_you_type_shows_hits_counts_and_tags(agent: Browser, db: Any) -> None:
    agent.get("/kb/panel/results", q="пин")
    with counted(db) as statements:
        page = agent.get("/kb/panel/results", q="неверный пин-к")
    assert numbers(page)[0] in (1001, 1002)
    assert "<mark>" in page.text and "Найдено" in page.text
    assert 'class="kb-chip"' in page.text
    assert len(statements) <= 9, statements


def test_tags_narrow_and_stand_apart(agent: Browser) -> None:
    page = agent.get("/kb/panel/results", q="подпись", tag="носитель")
    assert numbers(page) and 'aria-pressed="true"' in page.text
    every = agent.get("/kb/panel/results", q="носитель")
    assert "Найдено в тегах" in every.text


def test_the_service_of_the_case_narrows(agent: Browser, centre: dict[str, int]) -> None:
    about = {"case_id": centre["case"], "q": "отчёт"}
    every, own = agent.get("/kb/panel/results", **about), agent.get("/kb/panel/results", only_service=1, **about)
    total = re.compile(r'role="status">\D*(\d+)')
    assert int(total.search(own.text)[1]) < int(total.search(every.text)[1])  # type: ignore[index]


def test_a_wrong_keyboard_layout_is_corrected_and_said(agent: Browser) -> None:
    page = agent.get("/kb/panel/results", q="gjlgbcm cthnbabrfn")
    assert "Исправлено на" in page.text and numbers(page)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"', "((((", "tag:", "NOT", "%_\\", "\x00", "я" * 600])
def test_whatever_is_typed_is_answered(agent: Browser, text: str) -> None:
    page = agent.get("/kb/panel/results", q=text)
    assert page.status_code == 200
    assert "<script>" not in page.text


def test_nothing_found_says_so(agent: Browser) -> None:
    assert "Ничего не найдено" in agent.get("/kb/panel/results", q="ъъъъъъ").text


@pytest.mark.feature("K-05")
def test_an_article_in_the_panel_shows_what_will_be_filled_in(agent: Browser, centre: dict[str, int]) -> None:
    page = agent.get(
        "/kb/panel/articles/1001", case_id=centre["case"], interaction_id=centre["interaction"], q="пин-код"
    )
    assert '<span class="kb-var" title="$(from.name)">Пётр Иванов</span>' in page.text
    assert "<mark>ПИН-код</mark>" in page.text
    assert 'href="/kb/articles/1002"' in page.text
    assert re.search(r'aria-selected="true" data-kb-section="reply"', page.text)


@pytest.mark.feature("K-04")
@pytest.mark.feature("K-05")
def test_use_gives_the_filled_answer_and_ties_it_to_the_case(agent: Browser, centre: dict[str, int], db: Any) -> None:
    from core.model import Case, TimelineEntry
    from plugins.kb.models import Use
    from plugins.kb.reading import by_number

    article = by_number(1001)
    answer = agent.post(
        f"/kb/articles/{article.id}/use", section="reply", case_id=centre["case"], interaction_id=centre["interaction"]
    )
    told = answer.json
    case = db.session.get(Case, centre["case"])
    assert "Здравствуйте, Пётр Иванов!" in told["html"] and case.number in told["html"] and "Анна" in told["html"]
    assert (told["unknown"], told["empty"], told["uses"], told["cursor"]) == ([], [], 1, True)
    row = db.session.scalar(select(Use))
    assert (row.case_id, row.interaction_id, row.message_id, row.user_id) == (
        centre["case"],
        centre["interaction"],
        None,
        centre["agent"],
    )
    entry = db.session.scalar(select(TimelineEntry).where(TimelineEntry.kind == "kb.used"))
    assert entry.data["title_ru"].startswith("Использована статья №1001")


def test_variables_without_a_value_are_told_before_and_marked_after(
    agent: Browser, centre: dict[str, int], db: Any
) -> None:
    from core.db import transaction
    from core.model import Contact
    from plugins.kb.reading import by_number

    with transaction():
        db.session.scalar(select(Contact)).name = ""
    page = agent.get("/kb/panel/articles/1001", case_id=centre["case"], interaction_id=centre["interaction"])
    assert "Нечего подставить" in page.text and "<code>$(from.name)</code>" in page.text
    told = agent.post(
        f"/kb/articles/{by_number(1001).id}/use", section="reply", interaction_id=centre["interaction"]
    ).json
    assert told["empty"] == ["from.name"] and 'data-unfilled="from.name"' in told["html"]


@pytest.mark.feature("K-04")
def test_the_sent_reply_knows_which_article_it_carried(agent: Browser, centre: dict[str, int], db: Any) -> None:
    from core.db import transaction
    from core.house import okno
    from core.model import Message
    from core.snapshots import message_info
    from plugins.kb.models import Use
    from plugins.kb.reading import by_number

    agent.post(f"/kb/articles/{by_number(1001).id}/use", interaction_id=centre["interaction"])
    with transaction():
        message = Message(
            interaction_id=centre["interaction"],
            case_id=centre["case"],
            source_key="r1",
            author="agent",
            user_id=centre["agent"],
            direction="out",
        )
        db.session.add(message)
        db.session.flush()
        okno().hooks.during_message(message_info(message, first_in_case=False))
    assert db.session.scalar(select(Use.message_id)) == message.id


@pytest.mark.feature("K-07")
def test_the_star_pins_and_unpins(agent: Browser, centre: dict[str, int]) -> None:
    from plugins.kb.reading import by_number

    article_id = by_number(1001).id
    assert "Ошибка 0x8010006B" in agent.post("/kb/favourites", article_id=article_id).text
    assert 'aria-pressed="true"' in agent.get("/kb/panel/articles/1001").text
    assert "Ошибка 0x8010006B" not in agent.post("/kb/favourites/remove", article_id=article_id).text


def test_pages_are_drawn_in_both_languages(agent: Browser, editor: Browser) -> None:
    for path in ("/kb", "/kb/articles/1001", "/kb/tile", "/kb/panel", "/kb/articles/1001/preview"):
        for who in (agent, editor):
            for language in ("ru", "en"):
                page = who.get(path, lang=language)
                assert page.status_code == 200, (path, page.text[:300])
    assert "Недавно использовали" not in agent.get("/kb/articles/1001", lang="en").text
    assert "Most used" in agent.get("/kb", lang="en").text


def test_agents_read_and_editors_write(agent: Browser, editor: Browser) -> None:
    for path in ("/kb/articles/new", "/kb/articles/1001/edit"):
        assert (agent.get(path).status_code, editor.get(path).status_code) == (403, 200)
    assert agent.post("/kb/articles/1001/status", status="archived").status_code == 403
    assert agent.get("/kb/articles/9999").status_code == 404


def kept(editor: Browser, number: int) -> dict[str, Any]:
    """The fields of an article as the editor's page sends them."""
    from plugins.kb.editing.editor_views import EVERY_FIELD
    from plugins.kb.reading import by_number
    from plugins.kb.writing.article_fields import snapshot

    fields = snapshot(by_number(number))
    return {name: fields[name] for name in (*EVERY_FIELD, "language")}


def test_an_edit_is_kept_aside_and_one_that_changes_nothing_changes_nothing(editor: Browser, db: Any) -> None:
    from plugins.kb.exchange.folder_exchange import head_of
    from plugins.kb.reading import by_number

    before = head_of(by_number(1001)), by_number(1001).sections
    editor.post("/kb/articles/1001/lock", token="window")
    fields = kept(editor, 1001)
    assert editor.send("/kb/articles/1001/copy", token="window", revision=0, fields=fields).json["revision"] == 1
    assert editor.send("/kb/articles/1001/finish", token="window", act="publish").json["url"] == "/kb/articles/1001"
    assert (head_of(by_number(1001)), by_number(1001).sections) == before
    editor.post("/kb/articles/1001/lock", token="window")
    editor.send("/kb/articles/1001/copy", token="window", revision=0, fields=fields | {"title": "Новое"})
    assert by_number(1001).title != "Новое"
    editor.send("/kb/articles/1001/finish", token="window", act="publish")
    assert (by_number(1001).title, by_number(1001).version) == ("Новое", 3)


def test_two_texts_that_met_are_both_given_back(editor: Browser, centre: dict[str, int], db: Any) -> None:
    from plugins.kb.reading import by_number
    from plugins.kb.writing.operations import update_article

    editor.post("/kb/articles/1001/lock", token="window")
    mine = kept(editor, 1001) | {
        "sections": [{"key": "solution", "title": "Общее решение", "html": "<p>мой текст</p>"}]
    }
    editor.send("/kb/articles/1001/copy", token="window", revision=0, fields=mine)
    article = by_number(1001)
    theirs = {"sections": [{"title": "Общее решение", "markdown": "их текст"}]}
    update_article(article.id, centre["agent"], article.version, theirs)
    answer = editor.send("/kb/articles/1001/finish", token="window", act="publish")
    assert answer.status_code == 409 and "Ваш текст не потерян" in answer.json["error"]["text"]
    assert answer.json["theirs"]["sections"][0]["html"] == "<p>их текст</p>"
    assert by_number(1001).sections[0]["html"] == "<p>их текст</p>"
    assert editor.send("/kb/articles/1001/finish", token="window", act="publish", over=True).status_code == 200
    assert by_number(1001).sections[0]["html"] == "<p>мой текст</p>"


def test_a_new_article_is_a_draft_until_it_is_published(agent: Browser, editor: Browser) -> None:
    from core.db import db
    from plugins.kb.models import Article
    from plugins.kb.reading import by_number

    fields = kept(editor, 1001) | {"title": "Совсем новая", "tags": ["новинка", "ошибка"]}
    copy = editor.send("/kb/copies", revision=0, fields=fields).json
    assert "Совсем новая" in editor.get("/kb").text
    assert editor.get("/kb/articles/new", copy=copy["copy_id"]).status_code == 200
    assert editor.send("/kb/copies/finish", copy_id=copy["copy_id"], act="save").status_code == 200
    number = db.session.scalar(select(func.max(Article.number)))
    assert agent.get(f"/kb/articles/{number}").status_code == 404
    assert "Черновик" in editor.get(f"/kb/articles/{number}").text
    assert editor.post(f"/kb/articles/{number}/approve").status_code == 204
    assert agent.get(f"/kb/articles/{number}").status_code == 200
    assert by_number(number).tags == ["новинка", "ошибка"]


def test_a_title_that_is_taken_is_told_and_the_text_stays(editor: Browser) -> None:
    copy = editor.send("/kb/copies", revision=0, fields=kept(editor, 1001) | {"notes": "мои заметки"}).json
    answer = editor.send("/kb/copies/finish", copy_id=copy["copy_id"], act="save")
    assert answer.status_code == 422 and "уже есть статья" in answer.json["error"]["text"]
    assert "мои заметки" in editor.get("/kb/articles/new", copy=copy["copy_id"]).text


def test_the_preview_is_safe_and_fills_in_a_case(editor: Browser, db: Any) -> None:
    html = "<p>$(User.firstName) <b>ж</b> <img src=x onerror=alert(1)> №1001</p><script>x()</script>"
    sections = {"sections": [{"key": "a", "title": "Часть", "html": html}]}
    shown = editor.send("/kb/articles/preview", fields=sections).json["html"]
    assert "<b>ж</b>" in shown and "onerror" not in shown and "x()" not in shown
    assert 'href="/kb/articles/1001"' in shown and "kb-var" in shown
    assert editor.send("/kb/articles/preview", fields=sections, case="нет").json["error"]["code"] == "case-unknown"


def test_a_body_of_no_sense_is_refused(editor: Browser) -> None:
    editor.post("/kb/articles/1001/lock", token="window")
    for fields in ([], {"sections": "x"}, {"folder_id": "1"}):
        assert editor.send("/kb/articles/1001/copy", token="window", fields=fields).status_code == 400


def test_pages_of_editors_are_drawn(agent: Browser, editor: Browser) -> None:
    for path in ("/kb/articles/1001/history", "/kb/folders/form", "/kb/folders/1/form"):
        assert (editor.get(path).status_code, agent.get(path).status_code) == (200, 403)
    assert "Архив" in editor.get("/kb", list="archived").text
    assert agent.get("/kb/articles/1001/print").status_code == 200
    assert editor.post("/kb/articles/1001/restore", version="x").status_code == 400


def test_a_case_that_one_may_not_see_gives_no_focus(app: Flask, centre: dict[str, int], editor: Browser) -> None:
    page = editor.get("/kb/panel", case_id=centre["case"])
    assert page.status_code == 200 and "Подходит к этому запросу" not in page.text
