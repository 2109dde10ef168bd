"""Knowledge base search: Whoosh, tantivy and SQLite FTS5 beside each other in the same run.

    python -m bench.search --articles 13000 [100000 …] [--engines whoosh tantivy fts5]

Milliseconds from the question to ten marked hits with their total, p50 / p95, and CPU milliseconds of this process on
average. Every engine answers the same questions over the same articles and takes the shown texts from the same place.
FTS5 gets the same terms, already stemmed; it corrects no spelling and prefers no neighbours.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.fts5 import Fts5
from bench.kb_corpus import articles, material
from core.contracts import SearchDocument, SearchQuery
from core.search import analysis
from plugins.kb.search.tantivy_backend import TantivyIndex
from plugins.kb.search.whoosh_backend import WhooshIndex

ROUNDS = 200
COMMITS = 60
THREADS = 4
PAGE = 10
FACETS = ("tag", "product", "folder", "language", "service")
ENGINES = ("whoosh", "tantivy", "fts5")


@dataclass(slots=True)
class Times:
    """Wall milliseconds of each round, CPU milliseconds of one on average."""

    wall: list[float]
    cpu: float

    def __str__(self) -> str:
        p95 = statistics.quantiles(self.wall, n=20)[18]
        return f"{statistics.median(self.wall):.1f}/{p95:.1f} ({self.cpu:.1f})"


def timed(work: Callable[[int], object], rounds: int = ROUNDS) -> Times:
    wall = []
    cpu = time.process_time()
    for number in range(rounds):
        started = time.perf_counter()
        work(number)
        wall.append((time.perf_counter() - started) * 1000)
    return Times(wall, (time.process_time() - cpu) * 1000 / rounds)


def megabytes(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return sum(entry.stat().st_size for entry in files if entry.is_file()) / 1e6


@dataclass(frozen=True)
class Asked:
    """The questions of a run: words and runs of words as frequent as in the texts."""

    singles: Sequence[str]
    threes: Sequence[str]
    phrases: Sequence[str]
    typos: Sequence[str]


def questions(count: int = ROUNDS, seed: int = 3) -> Asked:
    chance = random.Random(seed)
    russian, english = material()
    singles, threes, phrases = [], [], []
    while len(singles) < count:
        source = russian if chance.random() < 0.75 else english
        text = chance.choice(source.texts)
        tokens = [token for token in analysis.tokens(text) if not token.joined]
        if len(tokens) >= 4 and any(len(token.form) > 3 for token in tokens):
            singles.append(chance.choice([token.form for token in tokens if len(token.form) > 3]))
            start = chance.randrange(len(tokens) - 3)
            threes.append(" ".join(token.form for token in tokens[start : start + 3]))
            phrases.append('"' + text[tokens[start].start : tokens[start + 2].end].replace('"', " ") + '"')
    return Asked(singles, threes, phrases, [mistyped(word, chance) for word in singles])


def mistyped(word: str, chance: random.Random) -> str:
    """`word` with two neighbouring letters exchanged."""
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def measure(name: str, documents: Sequence[SearchDocument], folder: Path, asked: Asked) -> dict[str, str]:
    """One engine's column: row name to figure."""
    texts = {document.id: (document.title, document.body) for document in documents}

    def load(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        return {id_: texts[id_] for id_ in ids if id_ in texts}

    index: Any = {
        "whoosh": lambda: WhooshIndex(folder, "kb", load),
        "tantivy": lambda: TantivyIndex(folder, "kb", load),
        "fts5": lambda: Fts5(folder, texts),
    }[name]()
    found: dict[str, str] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    index.rebuild(documents)
    found["build, s"] = f"{time.perf_counter() - wall:.1f} ({time.process_time() - cpu:.1f})"
    found["index, MB"] = f"{megabytes(index.path):.0f}"
    if name != "fts5":
        started = time.perf_counter()
        index.warm()
        found["open"] = f"{(time.perf_counter() - started) * 1000:.0f}"

    def ask(text: str, **more: Any) -> Any:
        return index.search(SearchQuery(text, limit=PAGE, **more))

    products = sorted({document.facets["product"][0] for document in documents})
    rows: list[tuple[str, Callable[[int], object]]] = [
        ("single word", lambda i: ask(asked.singles[i])),
        ("three words", lambda i: ask(asked.threes[i])),
        ("phrase", lambda i: ask(asked.phrases[i])),
        ("prefix as typed (2 to 5 letters)", lambda i: ask(asked.singles[i][: 2 + i % 4], prefix=True)),
        ("three words, 5 facets", lambda i: ask(asked.threes[i], facets=FACETS)),
        (
            "the same within a product",
            lambda i: ask(asked.threes[i], facets=FACETS, filters={"product": (products[i % len(products)],)}),
        ),
        ("a word with a typo", lambda i: ask(asked.typos[i])),
    ]
    for row, work in rows:
        found[row] = str(timed(work))
    found["4 at once: three words, 5 facets"] = at_once(index, asked)
    changed = [
        replace(documents[number], id=f"article:{len(documents) + number}", number=str(len(documents) + number))
        for number in range(1, COMMITS + 1)
    ]
    texts.update({document.id: (document.title, document.body) for document in changed})
    found["update of one article"] = str(timed(lambda i: index.upsert([changed[i]]), COMMITS))

    def after_commit(i: int) -> float:
        index.upsert([changed[i]])
        started = time.perf_counter()
        ask(asked.threes[i])
        return (time.perf_counter() - started) * 1000

    first = [after_commit(number) for number in range(20)] if name != "fts5" else []
    if first:
        found["first search after it"] = f"{statistics.median(first):.1f}/{statistics.quantiles(first, n=20)[18]:.1f}"
    return found


def at_once(index: Any, asked: Asked) -> str:
    """Questions of several threads of one process at the same time; FTS5 has a connection for each."""
    taken: list[float] = []
    places = [index] + [index.another() if isinstance(index, Fts5) else index for _ in range(THREADS - 1)]

    def work(thread: int) -> None:
        for number in range(thread, ROUNDS, THREADS):
            started = time.perf_counter()
            places[thread].search(SearchQuery(asked.threes[number], limit=PAGE, facets=FACETS))
            taken.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=partial(work, number)) for number in range(THREADS)]
    cpu = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return str(Times(taken, (time.process_time() - cpu) * 1000 / len(taken)))


def table(count: int, engines: Sequence[str]) -> None:
    documents = list(articles(count))
    words = sum(len(document.body.split()) for document in documents) // count
    asked = questions()
    columns: dict[str, dict[str, str]] = {}
    for name in engines:
        with tempfile.TemporaryDirectory() as folder:
            columns[name] = measure(name, documents, Path(folder), asked)
    print(f"\n{count} articles of {words} words on average; ms p50/p95 (CPU)\n")
    print(f"{'':34}" + "".join(f"{name:>22}" for name in engines))
    for row in dict.fromkeys(row for column in columns.values() for row in column):
        print(f"{row:34}" + "".join(f"{column.get(row, ''):>22}" for column in columns.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=[13_000])
    parser.add_argument("--engines", choices=ENGINES, nargs="+", default=list(ENGINES))
    options = parser.parse_args()
    for count in options.articles:
        table(count, options.engines)


if __name__ == "__main__":
    main()
