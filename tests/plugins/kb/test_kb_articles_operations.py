"""Writing, using and pinning articles, on both data bases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from core.contracts import Rejected, VariableContext


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"], "kb.article_max_kb": 4, "kb.favourites_max": 3}


@pytest.fixture
def folder_id(db: Any) -> int:
    from plugins.kb.writing.operations import save_folder

    return save_folder(None, "signature", title_en="Signature", title_ru="Подпись").id


@pytest.fixture
def user_ids(db: Any) -> list[int]:
    from core.db import transaction
    from core.model import User

    users = [User(login="anna", first_name="Анна"), User(login="vera", first_name="Вера")]
    with transaction():
        db.session.add_all(users)
        db.session.flush()
        return [user.id for user in users]


def fields(folder_id: int, **more: Any) -> dict[str, Any]:
    section = {"title": "Общее решение", "markdown": "Проверьте **раскладку**."}
    return {"folder_id": folder_id, "title": "Неверный ПИН", "sections": [section]} | more


def dirty_count(db: Any) -> int:
    from plugins.kb.models import Dirty

    return int(db.session.scalar(select(func.count(Dirty.id))))


def test_an_article_gets_the_next_number_and_is_told_to_the_indexer(
    db: Any, folder_id: int, user_ids: list[int]
) -> None:
    from plugins.kb.writing.operations import create_article

    first = create_article(user_ids[0], fields(folder_id))
    second = create_article(user_ids[0], fields(folder_id, title="Другая"))
    assert (first.number, second.number, first.status) == (1001, 1002, "draft")
    assert first.sections[0]["html"] == "<p>Проверьте <strong>раскладку</strong>.</p>"
    assert dirty_count(db) == 2


@pytest.mark.parametrize("title", ["Неверный ПИН", "неверный  пин"])
def test_a_title_is_unique_in_its_folder_and_the_refusal_names_it(db: Any, folder_id: int, title: str) -> None:
    from plugins.kb.writing.operations import create_article, save_folder

    create_article(None, fields(folder_id))
    with pytest.raises(Rejected) as refused:
        create_article(None, fields(folder_id, title=title))
    assert refused.value.code == "title-taken"
    assert "№1001" in refused.value.text.ru and title.split()[0] in refused.value.text.ru
    elsewhere = save_folder(None, "other", title_en="Other", title_ru="Другое").id
    assert create_article(None, fields(elsewhere, title=title)).number == 1002


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " \n"}, "title-empty"),
        ({"title": "а" * 301}, "title-long"),
        ({"folder_id": 999}, "folder-unknown"),
        ({"language": "fr"}, "language-unknown"),
        ({"services": ["nowhere"]}, "service-unknown"),
        ({"colour": "red"}, "field-unknown"),
        (
            {"sections": [{"key": "a", "title": "A", "html": "1"}, {"key": "a", "title": "Б", "html": "2"}]},
            "section-twice",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_stays(db: Any, folder_id: int, change: dict[str, Any], code: str) -> None:
    from plugins.kb.models import Article
    from plugins.kb.writing.operations import create_article

    with pytest.raises(Rejected) as refused:
        create_article(None, fields(folder_id) | change)
    assert refused.value.code == code
    assert db.session.scalar(select(func.count(Article.id))) == 0


def test_an_article_over_the_limit_is_refused_in_the_known_words(db: Any, folder_id: int) -> None:
    from plugins.kb.writing.operations import create_article

    with pytest.raises(Rejected) as refused:
        create_article(None, fields(folder_id, sections=[{"title": "А", "html": "<p>" + "я" * 2100 + "</p>"}]))
    assert refused.value.text.ru == "Превышен лимит в 4 КБ на статью в Базе знаний"


def test_nothing_that_runs_or_calls_out_gets_into_an_article(db: Any, folder_id: int) -> None:
    from plugins.kb.writing.operations import create_article

    hostile = (
        '<p onclick="x()">т<script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">ж</a>'
        '<iframe src="https://evil.example"></iframe><style>*{}</style></p>'
    )
    sections = [{"title": "А", "html": hostile}, {"title": "Б", "markdown": hostile}]
    for section in create_article(None, fields(folder_id, sections=sections)).sections:
        for evil in ("onclick", "script", "onerror", "javascript", "iframe", "<style"):
            assert evil not in section["html"]


def test_the_second_of_two_editors_is_told_and_the_first_text_stands(
    db: Any, folder_id: int, user_ids: list[int]
) -> None:
    from plugins.kb.writing.operations import EditedMeanwhile, create_article, update_article

    article = create_article(user_ids[0], fields(folder_id))
    update_article(article.id, user_ids[0], 1, {"question": "первый"})
    with pytest.raises(EditedMeanwhile) as refused:
        update_article(article.id, user_ids[1], 1, {"question": "второй"})
    assert "Анна" in refused.value.text.ru and "не потерян" in refused.value.text.ru
    db.session.refresh(article)
    assert (article.question, article.version) == ("первый", 2)
    update_article(article.id, user_ids[1], 2, {"question": "второй"})
    assert (article.question, article.version, article.updated_by_id) == ("второй", 3, user_ids[1])


def test_tags_that_differ_in_case_are_one_and_keep_their_order(db: Any, folder_id: int) -> None:
    from plugins.kb.models import Tag
    from plugins.kb.writing.operations import create_article, update_article

    article = create_article(None, fields(folder_id, tags=["Подпись", "ошибка", "подпись", " "]))
    assert article.tags == ["Подпись", "ошибка"]
    update_article(article.id, None, 1, {"tags": ["ОШИБКА", "токен", "подпись"]})
    db.session.expire_all()
    assert article.tags == ["ошибка", "токен", "Подпись"]
    assert db.session.scalar(select(func.count(Tag.id))) == 3


@pytest.mark.feature("K-05")
def test_use_fills_variables_in_and_says_what_stays_empty(db: Any, folder_id: int, user_ids: list[int]) -> None:
    from plugins.kb.use.usage import use
    from plugins.kb.writing.operations import create_article

    text = "Здравствуйте, $(from.name)! Код $(no.such). $(Cursor) $(User.firstName), см. [статью](kb:1002)"
    article = create_article(None, fields(folder_id, sections=[{"title": "А", "markdown": text}]), status="published")
    filled = use(article.id, VariableContext(user_id=user_ids[0]))
    assert (filled.unknown, filled.empty, filled.cursor) == (("no.such",), ("from.name",), True)
    assert '<span data-unfilled="from.name">$(from.name)</span>' in filled.html
    assert "Анна, см. статью" in filled.html and "kb:" not in filled.html


def test_values_of_variables_cannot_bring_markup_in(db: Any, folder_id: int) -> None:
    from core.db import transaction
    from core.model import User
    from plugins.kb.use.usage import use
    from plugins.kb.writing.operations import create_article

    with transaction():
        user = User(login="evil", first_name="<img src=x onerror=alert(1)>")
        db.session.add(user)
    article = create_article(
        None, fields(folder_id, sections=[{"title": "А", "markdown": "$(User.firstName)"}]), status="published"
    )
    assert "&lt;img" in use(article.id, VariableContext(user_id=user.id)).html


@pytest.mark.feature("K-04")
def test_a_use_is_counted_and_a_selected_part_is_cleaned(db: Any, folder_id: int, user_ids: list[int]) -> None:
    from plugins.kb.models import Use
    from plugins.kb.use.usage import use
    from plugins.kb.writing.operations import create_article

    article = create_article(None, fields(folder_id), status="published")
    context = VariableContext(user_id=user_ids[0])
    use(article.id, context)
    chosen = '<mark>ПИН</mark> <span class="kb-var" title="$(from.name)">Анна</span><script>1</script>'
    assert use(article.id, context, selected=chosen).html == "ПИН <span>Анна</span>"
    assert (article.uses, article.version) == (2, 1)
    assert db.session.scalar(select(func.count(Use.id))) == 2


@pytest.mark.parametrize(
    ("change", "code"), [({"section": "nothing"}, "section-unknown"), ({"selected": " <b></b> "}, "use-empty")]
)
def test_a_use_of_nothing_is_refused_and_not_counted(
    db: Any, folder_id: int, user_ids: list[int], change: dict[str, str], code: str
) -> None:
    from plugins.kb.use.usage import use
    from plugins.kb.writing.operations import create_article

    article = create_article(None, fields(folder_id), status="published")
    with pytest.raises(Rejected) as refused:
        use(article.id, VariableContext(user_id=user_ids[0]), **change)
    assert refused.value.code == code
    assert article.uses == 0


def test_a_draft_cannot_be_used(db: Any, folder_id: int, user_ids: list[int]) -> None:
    from plugins.kb.use.usage import use
    from plugins.kb.writing.operations import create_article

    with pytest.raises(Rejected, match="not published"):
        use(create_article(None, fields(folder_id)).id, VariableContext(user_id=user_ids[0]))
