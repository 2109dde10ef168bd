"""Knowledge base search: milliseconds, build time and size, beside SQLite FTS5 in the same run.

    python bench/search.py --articles 13000

FTS5 gets the same terms, already stemmed. In the rows with facets it does the same work: rank, count, take the page's
texts, mark the words; in the others it only ranks ten ids, while ours also marks ten texts and counts all hits.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.kb_corpus import articles, demo_documents, material
from core.contracts import SearchDocument, SearchQuery, SearchResult
from plugins.kb.search import analysis
from plugins.kb.search.highlight import Highlighter
from plugins.kb.search.whoosh_backend import WhooshIndex

QUESTIONS = Path(__file__).parent / "data" / "kb_questions.tsv"
ROUNDS = 200
PAGE = 10

Texts = dict[str, tuple[str, str]]


class Fts5:
    """The comparison: one FTS5 table of stemmed terms, tags and products in a table beside it."""

    def __init__(self, path: Path, texts: Texts) -> None:
        self._texts = texts
        self._base = sqlite3.connect(path)
        self._base.executescript(
            "pragma journal_mode=wal; pragma synchronous=normal;"
            "create virtual table words using fts5(terms, tokenize='unicode61', content='');"
            "create table article(id integer primary key, key text unique, product text);"
            "create table tag(article integer, tag text); create index tag_article on tag(article);"
        )

    def build(self, documents: Iterable[SearchDocument]) -> None:
        with self._base:
            for document in documents:
                self.add(document)

    def add(self, document: SearchDocument) -> None:
        key = int(document.number)
        product = document.facets.get("product", ("",))[0]
        text = f"{document.title} {document.title} {document.keywords} {' '.join(document.tags)} {document.body}"
        self._base.execute("insert or replace into article values(?, ?, ?)", (key, document.id, product))
        self._base.executemany("insert into tag values(?, ?)", [(key, tag) for tag in document.tags])
        self._base.execute("insert into words(rowid, terms) values(?, ?)", (key, " ".join(_plain_terms(text))))

    def commit_one(self, document: SearchDocument) -> None:
        with self._base:
            self.add(document)

    def search(self, text: str, limit: int = PAGE, prefix: bool = False) -> list[str]:
        match = self._match(text, prefix)
        if not match:
            return []
        rows = self._base.execute(
            "select key from words join article on article.id = words.rowid where words match ? order by rank limit ?",
            (match, limit),
        )
        return [key for (key,) in rows]

    def page(self, text: str, product: str) -> int:
        """Filter, counts by tag and product, and a page with marked texts."""
        match = self._match(text, False)
        rows = self._base.execute(
            "select key, article.id from words join article on article.id = words.rowid"
            " where words match ? and product like ? order by rank",
            (match, product),
        ).fetchall()
        ids = [row[1] for row in rows]
        counts = Counter(
            tag
            for (tag,) in self._base.execute(
                "select tag from words join tag on tag.article = words.rowid where words match ?", (match,)
            )
        )
        highlighter = Highlighter(_plain_terms(text))
        for key, _ in rows[:PAGE]:
            title, body = self._texts[key]
            highlighter.mark(title)
            highlighter.snippet(body)
        return len(ids) + len(counts)

    def _match(self, text: str, prefix: bool) -> str:
        terms = _plain_terms(text)
        quoted = [f'"{term}"' for term in terms]
        if prefix and quoted:
            quoted[-1] += "*"
        return " OR ".join(quoted)


def _plain_terms(text: str) -> list[str]:
    """Terms that FTS5's own tokenizer leaves whole."""
    return ["".join(c for c in token.term if c.isalnum()) for token in analysis.tokens(text)]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):7.2f} / {statistics.quantiles(values, n=20)[18]:7.2f}"


def megabytes(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return sum(entry.stat().st_size for entry in files if entry.is_file()) / 1e6


def queries(count: int, seed: int = 3) -> tuple[list[str], list[str]]:
    """Single words as frequent as in the texts, and questions of three to seven words."""
    chance = random.Random(seed)
    russian, english = material()
    singles: list[str] = []
    questions: list[str] = []
    while len(singles) < count:
        source = russian if chance.random() < 0.75 else english
        found = [token.form for token in analysis.tokens(chance.choice(source.texts)) if len(token.form) > 3]
        if len(found) >= 3:
            singles.append(chance.choice(found))
            start = chance.randrange(len(found) - 2)
            questions.append(" ".join(found[start : start + chance.randint(3, 7)]))
    return singles, questions


def measure(count: int, folder: Path) -> None:
    documents = list(articles(count))
    texts: Texts = {document.id: (document.title, document.body) for document in documents}
    words = sum(len(body.split()) for _, body in texts.values()) // count
    print(f"{count} articles of {words} words on average; milliseconds p50 / p95\n")
    index = WhooshIndex(folder / "kb", "kb", lambda ids: {id_: texts[id_] for id_ in ids if id_ in texts})
    fts = Fts5(folder / "fts.db", texts)
    started = time.process_time()
    index.rebuild(documents)
    whoosh_build = time.process_time() - started
    started = time.process_time()
    fts.build(documents)
    fts_build = time.process_time() - started
    opening = timed(index.count)
    forms = timed(index.warm)

    singles, questions = queries(ROUNDS)
    products = sorted({document.facets["product"][0] for document in documents})
    chance = random.Random(5)
    rows: list[tuple[str, list[float], list[float]]] = []

    def compare(name: str, ours: Callable[[int], object], theirs: Callable[[int], object]) -> None:
        rows.append(
            (name, [timed(partial(ours, i)) for i in range(ROUNDS)], [timed(partial(theirs, i)) for i in range(ROUNDS)])
        )

    def ask(text: str, prefix: bool = False, product: str = "", facets: tuple[str, ...] = ()) -> SearchResult:
        filters = {"product": (product,)} if product else {}
        return index.search(SearchQuery(text, filters=filters, limit=PAGE, prefix=prefix, facets=facets))

    def typed(i: int) -> str:
        return singles[i][: 2 + i % 4]

    def product_of(i: int) -> str:
        return products[i % len(products)]

    counted = ("tag", "product")
    compare("single word, cold", lambda i: ask(singles[i]), lambda i: fts.search(singles[i]))
    compare("question of 3 to 7 words", lambda i: ask(questions[i]), lambda i: fts.search(questions[i]))
    compare(
        "as you type (2 to 5 letters)",
        lambda i: ask(typed(i), prefix=True),
        lambda i: fts.search(typed(i), prefix=True),
    )
    compare(
        "question, 2 facets, 10 snippets",
        lambda i: ask(questions[i], facets=counted),
        lambda i: fts.page(questions[i], "%"),
    )
    compare(
        "the same within a product",
        lambda i: ask(questions[i], product=product_of(i), facets=counted),
        lambda i: fts.page(questions[i], product_of(i)),
    )
    compare("a word with a typo", lambda i: ask(mistyped(singles[i], chance)), lambda i: fts.search(singles[i]))
    changed = [
        replace(documents[chance.randrange(count)], id=f"article:{count + i + 1}", number=str(count + i + 1))
        for i in range(ROUNDS)
    ]
    texts.update({document.id: (document.title, document.body) for document in changed})
    compare("commit of one article", lambda i: index.upsert(changed[i : i + 1]), lambda i: fts.commit_one(changed[i]))
    after = []
    for i in range(30):
        index.upsert([changed[i]])
        after.append(timed(partial(ask, questions[i])))

    print(f"{'':34}{'Okno on Whoosh':>19}{'SQLite FTS5':>19}")
    for name, ours, theirs in rows:
        print(f"{name:34}{spread(ours):>19}{spread(theirs):>19}")
    print(f"{'first search after a commit':34}{spread(after):>19}")
    print(f"{'build, CPU s':34}{whoosh_build:>19.1f}{fts_build:>19.1f}")
    print(f"{'index, MB':34}{megabytes(index.path):>19.1f}{megabytes(folder / 'fts.db'):>19.1f}")
    print(f"{'open, then load all word forms, ms':34}{f'{opening:.0f} + {forms:.0f}':>19}")


def mistyped(word: str, chance: random.Random) -> str:
    """`word` with two neighbouring letters exchanged."""
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def recall(folder: Path) -> None:
    """How often the right one of the demo articles is among the first, for questions written by hand."""
    documents = demo_documents()
    texts = {document.id: (document.title, document.body) for document in documents}
    index = WhooshIndex(folder / "demo", "kb", lambda ids: {id_: texts[id_] for id_ in ids})
    index.rebuild(documents)
    fts = Fts5(folder / "demo.db", texts)
    fts.build(documents)
    pairs = [line.split("\t") for line in QUESTIONS.read_text("utf-8").splitlines()]
    chance = random.Random(11)
    sets: dict[str, list[tuple[str, str]]] = {
        "as written": [(question, number) for question, number in pairs],
        "one typo": [(_typo_in(question, chance), number) for question, number in pairs],
        "wrong keyboard layout": [(_switched(question), number) for question, number in pairs],
    }
    print(f"\n{len(pairs)} questions to {len(documents)} demo articles: right one first / among 3 / among 10 / MRR")
    for name, asked in sets.items():
        ours = [_rank([hit.id for hit in index.search(SearchQuery(q, limit=10)).hits], n) for q, n in asked]
        theirs = [_rank(fts.search(q), n) for q, n in asked]
        print(f"{name:26} Okno {_quality(ours)}    FTS5 {_quality(theirs)}")
        if name == "as written":
            missed = [q for (q, _), rank in zip(asked, ours, strict=True) if not 0 < rank <= 3]
            print("".join(f"    not among 3: {q}\n" for q in missed), end="")


def _typo_in(question: str, chance: random.Random) -> str:
    words = question.split()
    longest = max(range(len(words)), key=lambda i: len(words[i]))
    words[longest] = mistyped(words[longest], chance)
    return " ".join(words)


def _switched(question: str) -> str:
    from plugins.kb.search.spelling import switch_layout

    return " ".join(map(switch_layout, question.split()))


def _rank(ids: Sequence[str], number: str) -> int:
    """Place from 1, or 0 if absent."""
    return ids.index(f"article:{number}") + 1 if f"article:{number}" in ids else 0


def _quality(ranks: Sequence[int]) -> str:
    def share(most: int) -> float:
        return sum(0 < rank <= most for rank in ranks) / len(ranks)

    mean = sum(1 / rank for rank in ranks if rank) / len(ranks)
    return f"{share(1):.3f} / {share(3):.3f} / {share(10):.3f} / {mean:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=13_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options.articles, Path(folder))
        recall(Path(folder))


if __name__ == "__main__":
    main()
