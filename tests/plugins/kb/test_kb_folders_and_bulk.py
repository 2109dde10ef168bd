"""Folders that are moved and removed, and one change to many articles, on both data bases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

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


# --- folders -----------------------------------------------------------------------------------------


def test_folders_move_and_never_into_themselves(db: Any, folder_id: int) -> None:
    from plugins.kb.writing.operations import add_folder, move_folder

    child = add_folder(folder_id, title_en="", title_ru="Ключи и токены")
    assert (child.slug, child.title_en) == ("kljuchi-i-tokeny", "Ключи и токены")
    for target in (folder_id, child.id):
        with pytest.raises(Rejected) as refused:
            move_folder(folder_id, target)
        assert refused.value.code == "folder-cycle"
    assert move_folder(child.id, None, before_id=folder_id).parent_id is None


def test_folders_are_lined_up_where_they_were_dropped(db: Any, folder_id: int) -> None:
    from plugins.kb.models import Folder
    from plugins.kb.writing.operations import add_folder, move_folder

    names = [add_folder(folder_id, title_en=name, title_ru=name).id for name in "abc"]
    move_folder(names[2], folder_id, before_id=names[0])
    query = select(Folder.title_en).where(Folder.parent_id == folder_id).order_by(Folder.position)
    assert "".join(db.session.scalars(query)) == "cab"


def test_a_folder_in_use_is_removed_only_with_a_place_for_what_it_holds(
    write: Callable[..., Any], folder_id: int, db: Any
) -> None:
    from plugins.kb.models import Article, Folder
    from plugins.kb.writing.operations import add_folder, delete_folder

    article, inner = write(), add_folder(folder_id, title_en="Inner", title_ru="Внутри")
    other = add_folder(None, title_en="Other", title_ru="Другой")
    with pytest.raises(Rejected) as refused:
        delete_folder(folder_id)
    assert refused.value.code == "folder-in-use"
    with pytest.raises(Rejected) as refused:
        delete_folder(folder_id, inner.id)
    assert refused.value.code == "folder-cycle"
    delete_folder(folder_id, other.id)
    assert db.session.get(Folder, folder_id) is None
    assert db.session.get(Article, article.id).folder_id == other.id
    assert db.session.get(Folder, inner.id).parent_id == other.id


def test_a_title_that_would_be_there_twice_holds_the_removal_up(write: Callable[..., Any], folder_id: int) -> None:
    from plugins.kb.writing.operations import add_folder, delete_folder

    other = add_folder(None, title_en="Other", title_ru="Другой")
    write()
    write(folder_id=other.id)
    with pytest.raises(Rejected) as refused:
        delete_folder(folder_id, other.id)
    assert refused.value.code == "title-taken"


# --- bulk --------------------------------------------------------------------------------------------


def test_many_articles_are_changed_in_a_constant_number_of_statements(
    write: Callable[..., Any], people: list[int], count_queries: Any
) -> None:
    from plugins.kb.writing import bulk, versions
    from plugins.kb.writing.operations import add_folder

    other = add_folder(None, title_en="Other", title_ru="Другой")
    taken = write("Занято", folder_id=other.id)
    ids = [write(f"Статья {n}").id for n in range(3)] + [write("Занято").id]
    outcome = bulk.move(ids, other.id, people[1])
    assert (outcome.done, [number for number, _ in outcome.skipped]) == (3, [taken.number + 4])
    assert "уже есть статья" in outcome.skipped[0][1].ru
    with count_queries() as few:
        bulk.add_tag(ids[:1], "пин", people[1])
    with count_queries() as many:
        bulk.add_tag(ids, "Пин", people[1])
    assert many.count <= few.count + 1
    assert bulk.set_owner(ids, "vera", people[1]).done == 4
    assert bulk.set_status(ids, "archived", people[1]).done == 4
    assert bulk.remove_tag(ids, "пин", people[1]).done == 4
    last = versions.of(ids[0])[0]
    assert (last.status, last.fields["owner"], last.fields["tags"]) == ("archived", "vera", [])
    assert len(versions.of(ids[0])) == 6


def test_a_bulk_change_leaves_working_copies_whole(write: Callable[..., Any], people: list[int]) -> None:
    from plugins.kb.writing import bulk, locks, working_copies

    article = write()
    locks.take(article.id, people[0], "a")
    working_copies.save(article.id, people[0], "a", 0, one_section("<p>Моё</p>"))
    bulk.set_review_at([article.id], now(), people[1])
    published = working_copies.publish(article.id, people[0])
    assert text_of(published) == "<p>Моё</p>"


def test_the_tree_of_versions_does_not_grow_with_what_is_not_saved(write: Callable[..., Any], db: Any) -> None:
    from plugins.kb.models import Version
    from plugins.kb.writing.operations import update_article

    article = write()
    with pytest.raises(Rejected):
        update_article(article.id, None, 1, {"title": ""})
    assert db.session.scalar(select(func.count()).select_from(Version)) == 1
