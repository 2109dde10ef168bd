"""Writing the index: nothing lost, nothing doubled, damage noticed, writers kept apart."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whoosh.util.filelock import FileLock

from core.contracts import SearchDocument, SearchQuery
from plugins.kb.search.analysis import ANALYSER_VERSION
from plugins.kb.search.whoosh_backend import IndexBusy, IndexDamaged, IndexMissing, WhooshIndex
from tests.plugins.kb.conftest import ARTICLES, Shelf, article


def all_ids(index: WhooshIndex) -> set[str]:
    return {hit.id for hit in index.search(SearchQuery("", limit=1_000)).hits}


def test_without_an_index_the_caller_is_told_to_rebuild(new_index: Callable[[], WhooshIndex]) -> None:
    index = new_index()
    with pytest.raises(IndexMissing):
        index.search(SearchQuery("x"))
    with pytest.raises(IndexMissing):
        index.upsert([ARTICLES[0]])
    index.rebuild([])
    assert index.search(SearchQuery("x")).total == 0
    assert index.count() == 0


def test_a_changed_document_replaces_the_old_one(index: WhooshIndex, shelf: Shelf) -> None:
    index.upsert(shelf.put([article(3341, "Сканер не сканирует", "Текст")]))
    assert index.count() == len(ARTICLES)
    assert "article:3341" not in {hit.id for hit in index.search(SearchQuery("кабель")).hits}
    assert [hit.id for hit in index.search(SearchQuery("сканер")).hits] == ["article:3341"]


def test_the_last_of_equal_ids_in_one_batch_wins(index: WhooshIndex, shelf: Shelf) -> None:
    index.upsert(shelf.put([article(1, "Первое"), article(1, "Второе")]))
    assert index.search(SearchQuery("первое")).total == 0
    assert index.search(SearchQuery("второе")).total == 1


def test_deleted_documents_are_gone_and_unknown_ids_pass(index: WhooshIndex) -> None:
    index.delete(["article:3341", "article:nowhere"])
    assert all_ids(index) == {document.id for document in ARTICLES} - {"article:3341"}
    index.delete([])


def test_another_process_sees_a_commit_at_its_next_search(
    index: WhooshIndex, new_index: Callable[[], WhooshIndex], shelf: Shelf
) -> None:
    other = new_index()
    assert other.count() == len(ARTICLES)
    index.upsert(shelf.put([article(1, "Новое")]))
    assert other.search(SearchQuery("новое")).total == 1
    index.rebuild(shelf.put([article(2, "Иное")]))
    assert all_ids(other) == {"article:2"}


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["сеть", "принтер", "vpn"])), max_size=6),
        ),
        st.tuples(st.just("delete"), st.lists(st.integers(1, 12), max_size=4)),
        st.tuples(st.just("rebuild"), st.just([])),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS)
def test_any_sequence_of_writes_leaves_what_a_dictionary_would(
    index: WhooshIndex, shelf: Shelf, operations: list[tuple[str, list[object]]]
) -> None:
    shelf.clear()
    index.rebuild([])
    for name, values in operations:
        if name == "put":
            index.upsert(shelf.put(article(number, word, word) for number, word in values))  # type: ignore[misc]
        elif name == "delete":
            ids = [f"article:{number}" for number in values]
            index.delete(ids)
            for id_ in ids:
                shelf.pop(id_, None)
        else:
            index.rebuild(list(shelf.values()))
        assert all_ids(index) == set(shelf)
        for word in ("сеть", "принтер", "vpn"):
            hits = {hit.id for hit in index.search(SearchQuery(f'"{word}"', limit=100)).hits}
            assert hits == {id_ for id_, document in shelf.items() if document.title == word}
    assert index.check() == len(shelf)


def test_many_small_commits_are_merged(index: WhooshIndex, shelf: Shelf) -> None:
    for number in range(1, 61):
        index.upsert(shelf.put([article(number, f"Сервер номер{number}")]))
    assert index.count() == len(ARTICLES) + 60
    assert index.search(SearchQuery("сервер", limit=100)).total == 60
    assert len(list(index.path.glob("build-*/*.trm"))) < 20


def test_a_failing_rebuild_leaves_the_index_in_use(index: WhooshIndex) -> None:
    def broken() -> Iterator[SearchDocument]:
        yield ARTICLES[0]
        raise ConnectionError("the data base went away")

    with pytest.raises(ConnectionError):
        index.rebuild(broken())
    with pytest.raises(ValueError, match="article:3340"):
        index.rebuild([ARTICLES[0], ARTICLES[0]])
    assert index.count() == len(ARTICLES)
    assert len(list(index.path.glob("build-*"))) == 1


def test_a_rebuild_reports_progress_and_removes_what_is_old(index: WhooshIndex) -> None:
    old = index.path.parent / f"kb-v{ANALYSER_VERSION - 1}"
    old.mkdir()
    leftover = index.path / "build-interrupted"
    leftover.mkdir()
    done: list[int] = []
    index.rebuild((article(i, "Сервер") for i in range(450)), done.append)
    assert done == [200, 400, 450]
    assert not old.exists()
    assert not leftover.exists()


def test_the_old_index_answers_while_a_new_one_is_built(index: WhooshIndex) -> None:
    seen: list[int] = []

    def slow() -> Iterator[SearchDocument]:
        yield ARTICLES[0]
        seen.append(index.count())

    index.rebuild(slow())
    assert seen == [len(ARTICLES)]
    assert index.count() == 1


def test_a_second_writer_is_told_that_the_index_is_busy(
    index: WhooshIndex, new_index: Callable[[], WhooshIndex]
) -> None:
    lock = FileLock(str(index.path / "write.lock"))
    assert lock.acquire()
    try:
        with pytest.raises(IndexBusy):
            new_index().upsert([ARTICLES[0]])
        with pytest.raises(IndexBusy):
            new_index().rebuild([])
        assert index.search(SearchQuery("принтер")).total == 2
    finally:
        lock.release()
    new_index().upsert([ARTICLES[0]])


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 3, len(data)):
        data[at] ^= 0x5A
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("pattern", ["*.trm", "*.pst", "*.toc", "*_stored.col"])
@pytest.mark.parametrize(
    "harm", [corrupt, lambda path: path.write_bytes(b""), Path.unlink], ids=["bits", "emptied", "removed"]
)
def test_damage_is_noticed_and_a_rebuild_heals_it(
    index: WhooshIndex, new_index: Callable[[], WhooshIndex], pattern: str, harm: Callable[[Path], None]
) -> None:
    index.close()
    for path in index.path.glob(f"build-*/{pattern}"):
        harm(path)
    with pytest.raises(IndexDamaged):
        new_index().check()
    healed = new_index()
    healed.rebuild(ARTICLES)
    assert healed.check() == len(ARTICLES)


@pytest.mark.parametrize("content", [b"", b"build-nowhere", b"../elsewhere", b"\xff\xfe"])
def test_a_broken_pointer_is_damage(index: WhooshIndex, new_index: Callable[[], WhooshIndex], content: bytes) -> None:
    (index.path / "CURRENT").write_bytes(content)
    with pytest.raises(IndexDamaged):
        new_index().count()


def test_four_threads_search_while_another_writes(index: WhooshIndex, shelf: Shelf) -> None:
    stop = threading.Event()
    wrong: list[object] = []

    def search() -> None:
        try:
            while not stop.is_set():
                result = index.search(SearchQuery("принтер", facets=("tag",), limit=50))
                ids = {hit.id for hit in result.hits}
                if not {"article:3341", "article:3344"} <= ids or len(ids) != result.total:
                    wrong.append(result)
        except Exception as error:  # noqa: BLE001 - whatever a thread raises must fail the test
            wrong.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 26):
            index.upsert(shelf.put([article(number, f"Принтер {number}")]))
        index.rebuild(list(shelf.values()))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert index.search(SearchQuery("принтер")).total == 27


WRITER = """
import sys
from pathlib import Path
from core.contracts import SearchDocument
from plugins.kb.search.whoosh_backend import WhooshIndex
index = WhooshIndex(Path(sys.argv[1]), "kb", lambda ids: {})
for number in range(10_000):
    index.upsert([SearchDocument(f"article:{number}", "article", "Сервер", f"текст {number}")])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 18])
def test_a_killed_writer_loses_no_commit(new_index: Callable[[], WhooshIndex], tmp_path: Path, after: int) -> None:
    new_index().rebuild([])
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:
        assert process.stdout is not None
        done = -1
        while done < after:
            done = int(process.stdout.readline())
        process.kill()
        done = max([done, *map(int, process.stdout.read().split())])
    survivor = new_index()
    assert survivor.check() in (done + 1, done + 2)
    survivor.upsert([article(99_999, "Дальше")])
    assert survivor.search(SearchQuery("дальше", limit=1)).total == 1
