"""Writing the index: nothing lost, nothing doubled, damage noticed, writers kept apart."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whoosh.util.filelock import FileLock

from core.contracts import SearchDocument, SearchQuery
from core.search.analysis import ANALYSER_VERSION
from plugins.kb.search.whoosh_backend import IndexBusy, IndexDamaged, IndexFull, IndexMissing
from tests.plugins.kb.conftest import ARTICLES, Index, Shelf, article


def all_ids(index: Index) -> set[str]:
    return {hit.id for hit in index.search(SearchQuery("", limit=1_000)).hits}


def test_without_an_index_the_caller_is_told_to_rebuild(new_index: Callable[[], Index]) -> None:
    index = new_index()
    with pytest.raises(IndexMissing):
        index.search(SearchQuery("x"))
    with pytest.raises(IndexMissing):
        index.upsert([ARTICLES[0]])
    index.rebuild([])
    assert index.search(SearchQuery("x")).total == 0
    assert index.count() == 0


def test_a_changed_document_replaces_the_old_one(index: Index, shelf: Shelf) -> None:
    index.upsert(shelf.put([article(3341, "Сканер не сканирует", "Текст")]))
    assert index.count() == len(ARTICLES)
    assert "article:3341" not in {hit.id for hit in index.search(SearchQuery("кабель")).hits}
    assert [hit.id for hit in index.search(SearchQuery("сканер")).hits] == ["article:3341"]


def test_the_last_of_equal_ids_in_one_batch_wins(index: Index, shelf: Shelf) -> None:
    index.upsert(shelf.put([article(1, "Первое"), article(1, "Второе")]))
    assert index.search(SearchQuery("первое")).total == 0
    assert index.search(SearchQuery("второе")).total == 1


def test_deleted_documents_are_gone_and_unknown_ids_pass(index: Index) -> None:
    index.delete(["article:3341", "article:nowhere"])
    assert all_ids(index) == {document.id for document in ARTICLES} - {"article:3341"}
    index.delete([])


def test_another_process_sees_a_commit_at_its_next_search(
    index: Index, new_index: Callable[[], Index], shelf: Shelf
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
    index: Index, shelf: Shelf, operations: list[tuple[str, list[object]]]
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


def test_many_small_commits_are_merged(index: Index, shelf: Shelf) -> None:
    for number in range(1, 61):
        index.upsert(shelf.put([article(number, f"Сервер номер{number}")]))
    assert index.count() == len(ARTICLES) + 60
    assert index.search(SearchQuery("сервер", limit=100)).total == 60
    assert len(list(index.path.glob("build-*/*.trm")) + list(index.path.glob("build-*/*.term"))) < 20


def test_a_failing_rebuild_leaves_the_index_in_use(index: Index) -> None:
    def broken() -> Iterator[SearchDocument]:
        yield ARTICLES[0]
        raise ConnectionError("the data base went away")

    with pytest.raises(ConnectionError):
        index.rebuild(broken())
    with pytest.raises(ValueError, match="article:3340"):
        index.rebuild([ARTICLES[0], ARTICLES[0]])
    assert index.count() == len(ARTICLES)
    assert len(list(index.path.glob("build-*"))) == 1


def test_a_rebuild_reports_progress_and_removes_what_is_old(index: Index) -> None:
    engine = index.path.name.split("-")[1]
    old = [index.path.parent / f"kb-{engine}-v{ANALYSER_VERSION - 1}", index.path.parent / "kb-v1"]
    for folder in old:
        folder.mkdir()
    other = index.path.parent / "kb-another-v1"
    other.mkdir()
    leftover = index.path / "build-interrupted"
    leftover.mkdir()
    done: list[int] = []
    index.rebuild((article(i, "Сервер") for i in range(450)), done.append)
    assert done == [200, 400, 450]
    assert not any(folder.exists() for folder in old)
    assert not leftover.exists()
    assert other.exists(), "what another engine answers from meanwhile"


def test_the_old_index_answers_while_a_new_one_is_built(index: Index) -> None:
    seen: list[int] = []

    def slow() -> Iterator[SearchDocument]:
        yield ARTICLES[0]
        seen.append(index.count())

    index.rebuild(slow())
    assert seen == [len(ARTICLES)]
    assert index.count() == 1


def test_a_second_writer_is_told_that_the_index_is_busy(index: Index, new_index: Callable[[], Index]) -> None:
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


FILES = {
    "words": ("*.trm", "*.term"),
    "postings": ("*.pst", "*.idx"),
    "contents": ("*.toc", "meta.json"),
    "stored": ("*_stored.col", "*.store"),
}


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 3, len(data)):
        data[at] ^= 0x5A
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("part", ["words", "postings", "contents", "stored"])
@pytest.mark.parametrize(
    "harm", [corrupt, lambda path: path.write_bytes(b""), Path.unlink], ids=["bits", "emptied", "removed"]
)
def test_damage_is_noticed_and_a_rebuild_heals_it(
    index: Index, new_index: Callable[[], Index], part: str, harm: Callable[[Path], None]
) -> None:
    index.close()
    harmed = [path for pattern in FILES[part] for path in index.path.glob(f"build-*/{pattern}")]
    assert harmed
    for path in harmed:
        harm(path)
    with pytest.raises(IndexDamaged):
        new_index().check()
    healed = new_index()
    healed.rebuild(ARTICLES)
    assert healed.check() == len(ARTICLES)


@pytest.mark.parametrize("content", [b"", b"build-nowhere", b"../elsewhere", b"\xff\xfe"])
def test_a_broken_pointer_is_damage(index: Index, new_index: Callable[[], Index], content: bytes) -> None:
    (index.path / "CURRENT").write_bytes(content)
    with pytest.raises(IndexDamaged):
        new_index().count()


def test_four_threads_search_while_another_writes(index: Index, shelf: Shelf) -> None:
    stop = threading.Event()
    wrong: list[object] = []

    def search() -> None:
        try:
            while not stop.is_set():
                result = index.search(SearchQuery("принтер", facets=("tag",), limit=50, time_limit=600))
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


@contextmanager
def no_room_for_files_above(size: int) -> Iterator[None]:
    """As on a full disk, the operating system itself refuses to write on: whoever writes sees its error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 4_000])
def test_a_full_disk_loses_nothing_and_the_change_goes_in_later(
    index: Index, new_index: Callable[[], Index], shelf: Shelf, size: int
) -> None:
    text = " ".join(f"слово{number}" for number in range(6_000))
    change = shelf.put([article(1, "Ёмкость диска", text), article(3341, "Сканер", text)])
    with no_room_for_files_above(size):
        with pytest.raises(IndexFull, match="no room"):
            index.upsert(change)
        with pytest.raises(IndexFull):
            index.rebuild(change)
        assert index.search(SearchQuery("принтер")).total == 2
        assert new_index().search(SearchQuery("ёмкость")).total == 0
    index.upsert(change)
    assert index.search(SearchQuery("ёмкость")).total == 1
    assert new_index().search(SearchQuery("принтер")).total == 1
    assert index.check() == len(ARTICLES) + 1
    assert len(list(index.path.glob("build-*"))) == 1


WRITER = """
import sys
from pathlib import Path
from core.contracts import SearchDocument
from importlib import import_module
engine = getattr(import_module(sys.argv[2]), sys.argv[3])
index = engine(Path(sys.argv[1]), "kb", lambda ids: {})
for number in range(10_000):
    index.upsert([SearchDocument(f"article:{number}", "article", "Сервер", f"текст {number}")])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 18])
def test_a_killed_writer_loses_no_commit(
    new_index: Callable[[], Index], engine: type[Index], tmp_path: Path, after: int
) -> None:
    new_index().rebuild([])
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), engine.__module__, engine.__name__],
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
