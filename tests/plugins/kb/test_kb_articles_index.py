"""The index beside the data base: kept up, healed, and done without."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.contracts import SearchQuery
from tests.support.places import ROOT

DEMO = ROOT / "plugins/kb/demo"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


@pytest.fixture
def loaded(db: Any) -> Any:
    from plugins.kb.exchange.folder_exchange import load_folder

    load_folder(DEMO / "ru/signature")
    return db


def numbers(text: str, **more: Any) -> list[int]:
    from plugins.kb.finding.documents import number_of
    from plugins.kb.finding.index import search

    return [number_of(hit.id) for hit in search(SearchQuery(text, **more)).hits]


def waiting(db: Any) -> int:
    from plugins.kb.models import Dirty

    return int(db.session.scalar(select(func.count(Dirty.id))))


@pytest.mark.feature("K-03")
def test_the_indexer_builds_what_is_missing_and_then_keeps_up(loaded: Any) -> None:
    from plugins.kb.finding.index import index_due
    from plugins.kb.reading import by_number
    from plugins.kb.writing.operations import set_status, update_article

    index_due()
    assert waiting(loaded) == 0
    assert numbers("неверного пин-кода")[0] == 1001
    article = by_number(1001)
    update_article(article.id, None, article.version, {"title": "Криптографический барсук"})
    assert waiting(loaded) == 1
    index_due()
    assert numbers("барсуки") == [1001] and waiting(loaded) == 0
    set_status(article.id, None, "archived")
    index_due()
    assert numbers("барсуки") == []
    assert numbers("барсуки", filters={"status": ("archived",)}) == [1001]


@pytest.mark.parametrize("text", ["№ 1001", "№1001", "1001", "номер:1001"])
def test_an_article_is_found_by_its_number(loaded: Any, text: str) -> None:
    from plugins.kb.finding.index import rebuild

    rebuild()
    assert numbers(text) == [1001]


@pytest.mark.parametrize("harm", ["missing", "broken"])
def test_without_an_index_the_data_base_answers_and_the_indexer_heals(app: Any, loaded: Any, harm: str) -> None:
    from plugins.kb.finding.index import EXTENSION, index_due, rebuild

    rebuild()
    folder = Path(app.config["OKNO_HOME"]) / "index"
    if harm == "missing":
        shutil.rmtree(folder)
    else:
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "CURRENT" and "lock" not in path.name:
                path.write_bytes(b"rubbish")
    app.extensions.pop(EXTENSION, None)
    assert 1001 in numbers("неверный ПИН")
    assert numbers("1001") == [1001]
    assert numbers("100%_\\") == []
    assert waiting(loaded) == 1, "one rebuild is asked for, however often it is searched"
    index_due()
    assert waiting(loaded) == 0
    assert numbers("неверных")[0] == 1001


def test_a_new_article_is_found_by_another_object_as_in_another_process(app: Any, loaded: Any) -> None:
    from plugins.kb.finding.documents import load_texts
    from plugins.kb.finding.index import index_due, open_whoosh
    from plugins.kb.reading import by_number
    from plugins.kb.writing.operations import create_article

    index_due()
    other = open_whoosh(Path(app.config["OKNO_HOME"]) / "index", load_texts)
    assert other.search(SearchQuery("выхухоль")).total == 0
    create_article(None, {"title": "Выхухоль", "folder_id": by_number(1001).folder_id}, status="published")
    index_due()
    assert other.search(SearchQuery("выхухоли")).total == 1


def test_health_says_what_to_do(app: Any, loaded: Any) -> None:
    from core.house import okno
    from plugins.kb.finding.index import rebuild

    def told() -> Any:
        return next(check for plugin, check in okno().hooks.health() if (plugin, check.name) == ("kb", "kb index"))

    before = told()
    rebuild()
    after = told()
    assert (before.ok, "okno kb reindex" in before.mend, after.ok) == (False, True, True)


def test_the_demo_loads_twice_without_doubling(db: Any) -> None:
    from plugins.kb.demo_articles import load

    load(DEMO)
    load(DEMO)
    assert numbers("efs-1 стаж") or numbers("ЕФС-1 стаж")
