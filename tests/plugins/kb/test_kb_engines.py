"""The engine is a setting: the other one answers while the new index is built; what can't be had is told; a full disk waits."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
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


def numbers(text: str) -> list[int]:
    from plugins.kb.finding.documents import number_of
    from plugins.kb.finding.index import search

    return [number_of(hit.id) for hit in search(SearchQuery(text)).hits]


def choose(app: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As if the application had started with another engine set."""
    from core.house import okno
    from plugins.kb.finding.index import EXTENSION

    monkeypatch.setitem(okno().config.values, "search.backend", name)
    app.extensions.pop(EXTENSION, None)


def told() -> Any:
    from core.house import okno

    return next(check for plugin, check in okno().hooks.health() if (plugin, check.name) == ("kb", "kb index"))


@pytest.mark.feature("K-13")
def test_the_old_index_answers_until_the_new_engine_has_its_own(
    app: Any, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.kb.finding.index import article_index, index_due
    from plugins.kb.models import Dirty

    index_due()
    before = numbers("неверного пин-кода")
    choose(app, monkeypatch, "tantivy")
    assert numbers("неверного пин-кода") == before, "Whoosh answers, with its grammar"
    assert loaded.session.scalar(select(func.count(Dirty.id))) == 0, "the indexer notices by itself"
    index_due()
    index = article_index()
    assert (index.name, index.answering() is index.backend) == ("tantivy", True)
    assert set(numbers("неверного пин-кода")) == set(before)
    assert numbers("неверного пин-кода")[0] == before[0]
    assert told().ok
    folder = Path(app.config["OKNO_HOME"]) / "index"
    assert [path.name.split("-")[1] for path in folder.iterdir()] == ["tantivy"]


@pytest.mark.feature("K-13")
@pytest.mark.parametrize("name", ["tantivy", "elasticsearch"])
def test_an_engine_that_cannot_be_had_is_told_and_whoosh_answers(
    app: Any, loaded: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from plugins.kb.finding.index import rebuild

    monkeypatch.setitem(sys.modules, "plugins.kb.search.tantivy_backend", None)
    choose(app, monkeypatch, name)
    rebuild()
    assert numbers("неверного пин-кода")[0] == 1001
    check = told()
    assert not check.ok
    assert name in check.detail and "Whoosh answers instead" in check.detail


def test_a_full_disk_is_told_and_the_change_goes_in_when_there_is_room(
    app: Any, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.kb.finding.index import article_index, index_due
    from plugins.kb.reading import by_number
    from plugins.kb.search import whoosh_files
    from plugins.kb.writing.operations import update_article

    index_due()
    article = by_number(1001)
    update_article(article.id, None, article.version, {"title": "Криптографический барсук"})

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(whoosh_files, "index_fields", full)
        index_due()
        index_due()
        check = told()
        assert not check.ok
        assert "no room" in check.detail and "1 changes wait" in check.detail and "make room" in check.mend
        assert numbers("неверного пин-кода"), "the old index answers"
    assert article_index().backend.count() > 0
    index_due()
    assert numbers("барсуки") == [1001]
    assert told().ok


@pytest.mark.parametrize("engine", ["whoosh", "tantivy"])
def test_a_rebuild_killed_at_any_point_leaves_an_index_that_answers(engine: str, tmp_path: Path) -> None:
    from importlib import import_module

    writer = """
import sys
from importlib import import_module
from pathlib import Path
from core.contracts import SearchDocument
index = getattr(import_module(sys.argv[2]), sys.argv[3])(Path(sys.argv[1]), "kb", lambda ids: {})
while True:
    index.rebuild(SearchDocument(f"article:{n}", "article", "Сервер", "текст " * 30) for n in range(300))
    print("built", flush=True)
"""
    module, name = f"plugins.kb.search.{engine}_backend", f"{engine.capitalize()}Index"
    index = getattr(import_module(module), name)(tmp_path, "kb", lambda ids: {})
    for moment in (1, 2, 4):
        with subprocess.Popen(
            [sys.executable, "-c", writer, str(tmp_path), module, name],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            assert process.stdout is not None
            for _ in range(moment):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        assert index.count() == 300 == index.check()
    index.upsert([])
    index.rebuild([])
    assert len(list(index.path.glob("build-*"))) == 1, "what was left behind is gone"
