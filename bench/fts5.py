"""SQLite FTS5 as the comparison of the search bench: one table of the same stemmed terms, values to count beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.contracts import Facet, SearchDocument, SearchHit, SearchQuery, SearchResult
from core.search import analysis
from core.search.highlight import Highlighter

Texts = Mapping[str, tuple[str, str]]


class Fts5:
    """Enough of an engine to be measured: ranked words, phrases, prefixes, filters, counts, marked texts."""

    def __init__(self, folder: Path, texts: Texts) -> None:
        self._texts = texts
        self.path = folder / "fts.db"
        self._base = sqlite3.connect(self.path, check_same_thread=False)
        self._base.executescript(
            "pragma journal_mode=wal; pragma synchronous=normal;"
            "create virtual table words using fts5(terms, tokenize='unicode61', content='');"
            "create table article(id integer primary key, key text unique);"
            "create table value(article integer, name text, value text);"
            "create index value_article on value(article, name);"
        )

    def rebuild(self, documents: Iterable[SearchDocument]) -> None:
        with self._base:
            for document in documents:
                self._add(document)

    def upsert(self, documents: Iterable[SearchDocument]) -> None:
        self.rebuild(documents)

    def another(self) -> Fts5:
        """A second connection to the same file, for another thread."""
        other = object.__new__(Fts5)
        other._texts, other.path = self._texts, self.path
        other._base = sqlite3.connect(self.path, check_same_thread=False)
        return other

    def _add(self, document: SearchDocument) -> None:
        key = int(document.number)
        text = f"{document.title} {document.title} {document.keywords} {' '.join(document.tags)} {document.body}"
        values = [("tag", tag) for tag in document.tags]
        values += [(name, value) for name, found in document.facets.items() for value in found]
        self._base.execute("insert or replace into article values(?, ?)", (key, document.id))
        self._base.executemany("insert into value values(?, ?, ?)", [(key, *pair) for pair in values])
        self._base.execute("insert into words(rowid, terms) values(?, ?)", (key, " ".join(plain_terms(text))))

    def search(self, query: SearchQuery) -> SearchResult:
        match = _match(query)
        if not match:
            return SearchResult((), 0)
        narrow = "".join(
            " and exists (select 1 from value where article = words.rowid and name = ?"
            f" and value in ({','.join('?' * len(values))}))"
            for values in query.filters.values()
        )
        given = [part for name, values in query.filters.items() for part in (name, *values)]
        rows = self._base.execute(
            "select key, rank from words join article on article.id = words.rowid where words match ?"
            + narrow
            + " order by rank limit ?",
            (match, *given, query.limit),
        ).fetchall()
        total = self._base.execute(
            f"select count(*) from words where words match ?{narrow}", (match, *given)
        ).fetchone()
        highlighter = Highlighter(plain_terms(query.text))
        hits = []
        for key, rank in rows:
            title, body = self._texts[key]
            hits.append(SearchHit(key, "article", -rank, highlighter.mark(title), highlighter.snippet(body)))
        return SearchResult(
            tuple(hits), total[0], tuple(self._facet(name, match, narrow, given) for name in query.facets)
        )

    def _facet(self, name: str, match: str, narrow: str, given: list[str]) -> Facet:
        counts = self._base.execute(
            "select v.value, count(*) from words join value v on v.article = words.rowid and v.name = ?"
            f" where words match ?{narrow} group by v.value order by 2 desc",
            (name, match, *given),
        )
        return Facet(name, tuple(counts.fetchall()))


def _match(query: SearchQuery) -> str:
    terms = plain_terms(query.text)
    if query.text.startswith('"'):
        return '"' + " ".join(terms) + '"' if terms else ""
    quoted = [f'"{term}"' for term in terms]
    if query.prefix and quoted:
        quoted[-1] += "*"
    return " OR ".join(quoted)


def plain_terms(text: str) -> list[str]:
    """Terms that FTS5's own tokenizer leaves whole."""
    return ["".join(c for c in token.term if c.isalnum()) for token in analysis.tokens(text)]
