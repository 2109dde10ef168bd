"""Versions, working copies, the edit lock, the schedule, folders and bulk changes, on both data bases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import now
from core.contracts import Rejected


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"], "kb.article_max_kb": 4}


@pytest.fixture
def people(db: Any) -> list[int]:
    from core.db import transaction
    from core.model import User

    users = [User(login="anna", first_name="Анна"), User(login="vera", first_name="Вера")]
    with transaction():
        db.session.add_all(users)
        db.session.flush()
        return [user.id for user in users]


@pytest.fixture
def folder_id(db: Any) -> int:
    from plugins.kb.writing.operations import save_folder

    return save_folder(None, "signature", title_en="Signature", title_ru="Подпись").id


@pytest.fixture
def write(db: Any, folder_id: int, people: list[int]) -> Callable[..., Any]:
    from plugins.kb.writing.operations import create_article

    def written(title: str = "Неверный ПИН", status: str = "published", **more: Any) -> Any:
        section = {"title": "Общее решение", "html": "<p>Проверьте раскладку.</p>"}
        fields = {"folder_id": folder_id, "title": title, "sections": [section]} | more
        return create_article(people[0], fields, status=status)

    return written


def text_of(article: Any) -> str:
    return str(article.sections[0]["html"])


def one_section(html: str) -> dict[str, Any]:
    return {"sections": [{"key": "solution", "title": "Общее решение", "html": html}]}


# --- versions ----------------------------------------------------------------------------------------


def test_each_save_keeps_a_version_and_one_can_be_restored(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing import versions
    from plugins.kb.writing.operations import restore_version, update_article

    article = write(tags=["пин"], owner="vera", review_at="2027-01-01T00:00:00+00:00")
    update_article(article.id, people[1], 1, {"title": "Другой", "tags": [], "owner": None}, note="короче")
    rows = versions.of(article.id)
    assert [(row.version, row.note, row.user.first_name) for row in rows] == [(2, "короче", "Вера"), (1, "", "Анна")]
    restored = restore_version(article.id, people[1], 1)
    assert (restored.version, restored.title, restored.tags, restored.owner.login) == (
        3,
        "Неверный ПИН",
        ["пин"],
        "vera",
    )
    assert len(versions.of(article.id)) == 3


def test_an_article_older_than_versions_gets_its_first_one_with_the_first_edit(
    write: Callable[..., Any], people: list[int], db: Any
) -> None:
    from plugins.kb.models import Version
    from plugins.kb.writing import versions
    from plugins.kb.writing.operations import update_article

    article = write()
    db.session.execute(Version.__table__.delete())
    db.session.commit()
    update_article(article.id, people[1], 1, {"title": "Новый"})
    assert [row.fields["title"] for row in versions.of(article.id)] == ["Новый", "Неверный ПИН"]


def test_restoring_leaves_out_what_is_gone(write: Callable[..., Any], people: list[int], db: Any) -> None:
    from plugins.kb.writing import versions
    from plugins.kb.writing.operations import restore_version

    article = write()
    row = versions.find(article.id, 1)
    row.fields = {**row.fields, "folder_id": 999, "services": ["gone"], "owner": "nobody"}
    db.session.commit()
    assert restore_version(article.id, people[0], 1).folder_id == article.folder_id
    with pytest.raises(Rejected) as refused:
        restore_version(article.id, people[0], 7)
    assert refused.value.code == "version-unknown"


def test_every_change_is_in_the_audit_log(write: Callable[..., Any], people: list[int], db: Any) -> None:
    from core import audit
    from plugins.kb.writing.operations import set_status, update_article

    article = write()
    update_article(article.id, people[0], 1, {"title": "Новый"})
    set_status(article.id, people[0], "archived")
    found = audit.entries(object_type="kb_article", object_id=str(article.number))
    assert [row.action for row in found] == ["article.archive", "article.save", "article.create"]
    assert found[1].before == {"title": "Неверный ПИН", "version": 1}


def test_a_translation_is_one_of_a_language(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing.operations import translation, update_article

    article = write()
    english = translation(article.id, people[0], "en")
    assert (english.language, english.status, english.group_id) == ("en", "draft", article.group_id)
    assert translation(article.id, people[0], "en").id == english.id
    with pytest.raises(Rejected) as refused:
        update_article(english.id, people[0], english.version, {"language": "ru"})
    assert refused.value.code == "translation-taken"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"owner": "nobody"}, "owner-unknown"),
        ({"review_at": "скоро"}, "moment-wrong"),
        ({"kind": "poem"}, "kind-unknown"),
        ({"sections": [{"title": "x", "html": "<p>" + "я" * 2_500_000 + "</p>"}]}, "article-size"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_saved(
    write: Callable[..., Any], people: list[int], fields: dict[str, Any], code: str
) -> None:
    from plugins.kb.writing.operations import find_article, update_article

    article = write()
    with pytest.raises(Rejected) as refused:
        update_article(article.id, people[0], 1, fields)
    assert refused.value.code == code
    assert find_article(article.id).version == 1


def test_the_size_limit_is_named_with_its_number(write: Callable[..., Any]) -> None:
    with pytest.raises(Rejected) as refused:
        write(sections=[{"title": "x", "html": "<p>" + "я" * 3000 + "</p>"}])
    assert refused.value.text.ru == "Превышен лимит в 4 КБ на статью в Базе знаний"


# --- working copies ----------------------------------------------------------------------------------


def test_agents_see_the_published_text_until_the_copy_is_published(
    write: Callable[..., Any], people: list[int]
) -> None:
    from plugins.kb.writing import locks, working_copies
    from plugins.kb.writing.operations import find_article

    article = write()
    assert locks.take(article.id, people[0], "window").mine
    copy = working_copies.save(article.id, people[0], "window", 0, one_section("<p>Новое</p>"))
    copy = working_copies.save(article.id, people[0], "window", copy.revision, one_section("<p>Новее</p>"))
    assert text_of(find_article(article.id)) == "<p>Проверьте раскладку.</p>"
    published = working_copies.publish(article.id, people[0], note="новее")
    assert (text_of(published), published.version) == ("<p>Новее</p>", 2)
    assert working_copies.of(article.id) is None


def test_autosave_keeps_what_is_not_complete_and_publishing_names_what_is_missing(
    write: Callable[..., Any], people: list[int]
) -> None:
    from plugins.kb.writing import locks, working_copies

    article = write()
    locks.take(article.id, people[0], "window")
    working_copies.save(article.id, people[0], "window", 0, {"title": "", "folder_id": None})
    with pytest.raises(Rejected) as refused:
        working_copies.publish(article.id, people[0])
    assert refused.value.code == "title-empty"
    assert working_copies.of(article.id) is not None


def test_script_in_a_working_copy_is_gone(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing import locks, working_copies

    article = write()
    locks.take(article.id, people[0], "window")
    bad = '<p onclick="x()">a<script>alert(1)</script><img src="x" onerror="y()"></p>'
    copy = working_copies.save(article.id, people[0], "window", 0, one_section(bad))
    html = copy.fields["sections"][0]["html"]
    assert "script" not in html and "onclick" not in html and "onerror" not in html


def test_a_change_of_the_article_beside_the_copy_is_told_and_can_be_written_over(
    write: Callable[..., Any], people: list[int]
) -> None:
    from plugins.kb.writing import locks, versions, working_copies
    from plugins.kb.writing.operations import EditedMeanwhile, update_article

    article = write()
    locks.take(article.id, people[0], "window")
    working_copies.save(article.id, people[0], "window", 0, one_section("<p>Моё</p>"))
    update_article(article.id, people[1], 1, one_section("<p>Чужое</p>"))
    with pytest.raises(EditedMeanwhile):
        working_copies.publish(article.id, people[0])
    published = working_copies.publish(article.id, people[0], over=True)
    assert text_of(published) == "<p>Моё</p>"
    assert [text_of_fields(row) for row in versions.of(article.id)][1] == "<p>Чужое</p>"


def text_of_fields(row: Any) -> str:
    return str(row.fields["sections"][0]["html"])


def test_review_goes_to_publishers_and_back(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing import working_copies
    from plugins.kb.writing.operations import find_article

    article = write(status="draft")
    copy = working_copies.submit(article.id, people[0], "Посмотрите раздел 2")
    assert (copy.state, find_article(article.id).status) == ("review", "review")
    copy = working_copies.give_back(article.id, people[1], "Нет примера")
    assert (copy.state, copy.note, find_article(article.id).status) == ("editing", "Нет примера", "draft")
    with pytest.raises(Rejected) as refused:
        working_copies.give_back(article.id, people[1], "ещё раз")
    assert refused.value.code == "not-in-review"
    working_copies.submit(article.id, people[0])
    assert working_copies.publish(article.id, people[1]).status == "published"


def test_a_new_article_is_kept_while_typed_and_becomes_one(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing import working_copies

    copy = working_copies.save_new(None, people[0], 0, {"title": "Чер"})
    copy = working_copies.save_new(copy.id, people[0], 1, {"title": "Черновик", **one_section("<p>а</p>")})
    with pytest.raises(Rejected) as refused:
        working_copies.create_from(copy.id, people[0])
    assert refused.value.code == "folder-unknown"
    with pytest.raises(Rejected):
        working_copies.save_new(copy.id, people[1], 2, {"title": "чужой"})
    folder = write().folder_id
    working_copies.save_new(
        copy.id, people[0], 2, {"title": "Черновик", "folder_id": folder, **one_section("<p>а</p>")}
    )
    assert working_copies.create_from(copy.id, people[0]).title == "Черновик"


# --- the lock ----------------------------------------------------------------------------------------


def test_the_second_window_is_told_who_edits_and_may_take_over(
    write: Callable[..., Any], people: list[int], db: Any
) -> None:
    from core.model import Event
    from plugins.kb.writing import locks, working_copies

    article = write()
    assert locks.take(article.id, people[0], "a").mine
    second = locks.take(article.id, people[1], "b")
    assert (second.mine, second.name) == (False, "Анна")
    copy = working_copies.save(article.id, people[0], "a", 0, one_section("<p>Аннино</p>"))
    assert locks.take_over(article.id, people[1], "b").mine
    told = db.session.scalars(select(Event).where(Event.type == "kb.lock.lost")).one()
    assert (told.topic, json.loads(told.payload)["token"]) == (f"user:{people[0]}", "b")
    with pytest.raises(locks.LockLost) as lost:
        working_copies.save(article.id, people[0], "a", copy.revision, one_section("<p>Аннино дальше</p>"))
    assert lost.value.holder is not None and lost.value.holder.name == "Вера"
    # the second one goes on from what the first had saved, not from the published text
    assert "Аннино" in working_copies.of(article.id).fields["sections"][0]["html"]  # type: ignore[union-attr]


def test_a_window_that_fell_silent_loses_the_lock(write: Callable[..., Any], people: list[int], db: Any) -> None:
    from plugins.kb.models import EditLock
    from plugins.kb.writing import locks

    article = write()
    locks.take(article.id, people[0], "a")
    row = db.session.get(EditLock, article.id)
    row.seen_at = now() - locks.EXPIRES - timedelta(seconds=1)
    db.session.commit()
    assert locks.holder(article.id) is None
    assert locks.take(article.id, people[1], "b").mine
    assert locks.beat(article.id, "a").name == "Вера"  # type: ignore[union-attr]
    locks.release(article.id, "b")
    assert locks.beat(article.id, "a") is None


def test_an_old_window_never_overwrites_silently(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing import locks, working_copies

    article = write()
    locks.take(article.id, people[0], "a")
    working_copies.save(article.id, people[0], "a", 0, one_section("<p>1</p>"))
    working_copies.save(article.id, people[0], "a", 1, one_section("<p>2</p>"))
    for revision in (0, 1):
        with pytest.raises(working_copies.CopyChanged) as changed:
            working_copies.save(article.id, people[0], "a", revision, one_section("<p>3</p>"))
        assert changed.value.copy.fields["sections"][0]["html"] == "<p>2</p>"


# --- the schedule ------------------------------------------------------------------------------------


def test_articles_come_out_and_expire_on_time(
    write: Callable[..., Any], people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.kb.writing import locks, schedule, working_copies
    from plugins.kb.writing.operations import find_article

    article = write(status="draft", expires_at=(now() + timedelta(days=9)).isoformat())
    locks.take(article.id, people[0], "a")
    working_copies.save(article.id, people[0], "a", 0, one_section("<p>Выходит завтра</p>"))
    working_copies.schedule(article.id, people[0], now() + timedelta(days=1))
    schedule.run_due()
    assert find_article(article.id).status == "draft"
    at_time(monkeypatch, now() + timedelta(days=2))
    schedule.run_due()
    article = find_article(article.id)
    assert (article.status, article.publish_at, text_of(article)) == ("published", None, "<p>Выходит завтра</p>")
    at_time(monkeypatch, now() + timedelta(days=9))
    schedule.run_due()
    assert find_article(article.id).status == "archived"


def at_time(monkeypatch: pytest.MonkeyPatch, moment: Any) -> None:
    for module in ("schedule", "working_copies", "articles", "locks"):
        monkeypatch.setattr(f"plugins.kb.writing.{module}.now", lambda: moment)


def test_a_text_that_is_written_again_does_not_come_out_by_itself(
    write: Callable[..., Any], people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.kb.writing import locks, schedule, working_copies
    from plugins.kb.writing.operations import find_article

    article = write()
    locks.take(article.id, people[0], "a")
    copy = working_copies.save(article.id, people[0], "a", 0, one_section("<p>Готово</p>"))
    working_copies.schedule(article.id, people[0], now() + timedelta(days=1))
    working_copies.save(article.id, people[0], "a", copy.revision, one_section("<p>Не готово</p>"))
    at_time(monkeypatch, now() + timedelta(days=2))
    schedule.run_due()
    assert text_of(find_article(article.id)) == "<p>Проверьте раскладку.</p>"


def test_what_cannot_come_out_waits_for_its_editor(
    write: Callable[..., Any], people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.kb.writing import locks, schedule, working_copies
    from plugins.kb.writing.operations import find_article

    article = write()
    locks.take(article.id, people[0], "a")
    working_copies.save(article.id, people[0], "a", 0, {"title": ""})
    working_copies.schedule(article.id, people[0], now() + timedelta(days=1))
    at_time(monkeypatch, now() + timedelta(days=2))
    schedule.run_due()
    assert find_article(article.id).publish_at is None
    assert working_copies.of(article.id).state == "editing"  # type: ignore[union-attr]


@pytest.mark.parametrize(("act", "code"), [("schedule", "publish-past"), ("publish", "expiry-past")])
def test_moments_that_passed_are_refused(write: Callable[..., Any], people: list[int], act: str, code: str) -> None:
    from plugins.kb.writing import working_copies

    past = now() - timedelta(hours=1)
    article = write(status="draft", expires_at=past.isoformat())
    more = [past] if act == "schedule" else []
    with pytest.raises(Rejected) as refused:
        getattr(working_copies, act)(article.id, people[0], *more)
    assert refused.value.code == code
