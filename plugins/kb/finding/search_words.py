"""Synonyms and stop words as editors set them. A change is in force everywhere within seconds; nothing is indexed again."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from core import audit
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.search import analysis
from plugins.kb.models import SearchWords, SearchWordsState
from plugins.kb.search.plan import expression

SYNONYMS, STOP = "synonyms", "stop"
MOST_ROWS = 2_000
MOST_MEMBERS = 20
MOST_WORDS = 6
LONGEST = 100
FRESH_SECONDS = 2.0
_SEPARATORS = re.compile(r"[,;=\n]+")


@dataclass(frozen=True, slots=True)
class Known:
    """All words of one version, as an engine takes them."""

    version: int
    synonyms: tuple[tuple[str, ...], ...] = ()
    stop_words: tuple[str, ...] = ()


class Keeper:
    """What one process knows of the words; it asks for a newer version at most once in ``FRESH_SECONDS``."""

    def __init__(self) -> None:
        self._known = Known(-1)
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def current(self) -> Known:
        """The words in force."""
        with self._lock:
            if time.monotonic() - self._looked < FRESH_SECONDS:
                return self._known
            self._looked = time.monotonic()
            version = db.session.scalar(select(SearchWordsState.version)) or 0
            if version != self._known.version:
                self._known = Known(version, *_read())
            return self._known


def _read() -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    rows = db.session.execute(select(SearchWords.kind, SearchWords.words)).all()
    groups = tuple(tuple(words) for kind, words in rows if kind == SYNONYMS)
    return groups, tuple(word for kind, words in rows if kind == STOP for word in words)


# --- changing ----------------------------------------------------------------------------------------


def members_of(text: str) -> list[str]:
    """The expressions of a line, separated by commas, semicolons, «=» or new lines."""
    return list(dict.fromkeys(part for raw in _SEPARATORS.split(text) if (part := " ".join(raw.split()))))


def save_synonyms(user_id: int | None, members: Sequence[str], row_id: int | None = None) -> SearchWords:
    """Add a group of expressions that find each other, or change group ``row_id``.

    Raises ``Rejected``: synonyms-few, synonyms-many, synonym-long, synonym-empty, synonym-stop-word, search-words-twice,
    search-words-unknown, search-words-many.
    """
    different = {expression(member): member for member in members}
    if len(members) > MOST_MEMBERS:
        text = f"A group has at most {MOST_MEMBERS} expressions.", f"В группе не больше {MOST_MEMBERS} выражений."
        raise Rejected(Text(*text), "synonyms-many")
    for terms, member in different.items():
        _check(member, terms)
    if len(different) < 2:
        raise Rejected(
            Text("Write at least two different expressions.", "Напишите хотя бы два разных выражения."), "synonyms-few"
        )
    stops = {term for row in rows(STOP) for word in row.words for term in analysis.terms(word)}
    for terms, member in different.items():
        if stops.issuperset(terms):
            raise Rejected(
                Text(f"«{member}» is a stop word: it is never searched for.", f"«{member}» — стоп-слово: его не ищут."),
                "synonym-stop-word",
            )
    key = "|".join(sorted(" ".join(terms) for terms in different))
    return _save(user_id, SYNONYMS, key, list(different.values()), row_id)


def add_stop_words(user_id: int | None, words: Iterable[str]) -> int:
    """Add words that say nothing in a question; those that are there already are passed over. Returns how many are new.

    Raises ``Rejected``: synonym-long, stop-word-form, stop-word-synonym, search-words-many.
    """
    groups = {expression(member) for row in rows(SYNONYMS) for member in row.words}
    known = {row.key for row in rows(STOP)}
    added = 0
    with transaction():
        for word in words:
            terms = expression(word)
            if len(word) > LONGEST or len(terms) != 1:
                raise Rejected(
                    Text(
                        f"«{word[:60]}» is not one word that the search would look for.",
                        f"«{word[:60]}» — не одно слово, которое поиск стал бы искать.",
                    ),
                    "stop-word-form",
                )
            if terms in groups:
                raise Rejected(
                    Text(
                        f"«{word}» has synonyms: remove it there first.",
                        f"У слова «{word}» есть синонимы: сначала уберите его там.",
                    ),
                    "stop-word-synonym",
                )
            if terms[0] not in known:
                known.add(terms[0])
                _save(user_id, STOP, terms[0], [word], None)
                added += 1
    return added


def remove(row_id: int) -> None:
    """Take a group or a stop word away; one that is gone already is passed over."""
    with transaction():
        row = db.session.get(SearchWords, row_id)
        if row is not None:
            audit.record("removed", "kb.search_words", row.id, before={"kind": row.kind, "words": row.words})
            db.session.execute(delete(SearchWords).where(SearchWords.id == row_id))
            _touch()


def rows(kind: str) -> list[SearchWords]:
    """All rows of a kind by their words."""
    found = db.session.scalars(select(SearchWords).where(SearchWords.kind == kind))
    return sorted(found, key=lambda row: [word.lower() for word in row.words])


def _check(member: str, terms: tuple[str, ...]) -> None:
    if len(member) > LONGEST or len(terms) > MOST_WORDS:
        raise Rejected(
            Text(
                f"«{member[:60]}…» is too long: at most {MOST_WORDS} words and {LONGEST} characters.",
                f"«{member[:60]}…» слишком длинно: не больше {MOST_WORDS} слов и {LONGEST} знаков.",
            ),
            "synonym-long",
        )
    if not terms:
        raise Rejected(
            Text(
                f"«{member}» has no word that the search looks for.",
                f"В выражении «{member}» нет слова, которое поиск ищет.",
            ),
            "synonym-empty",
        )


def _save(user_id: int | None, kind: str, key: str, words: list[str], row_id: int | None) -> SearchWords:
    twice = Rejected(Text("These words are there already.", "Такие слова уже есть."), "search-words-twice")
    if len(key) > 600:
        raise Rejected(
            Text("The group is too long: make two of it.", "Группа слишком длинная: разделите её на две."),
            "synonyms-many",
        )
    try:
        with transaction():
            row = db.session.get(SearchWords, row_id) if row_id else None
            if row_id and row is None:
                raise Rejected(
                    Text("Somebody removed these words meanwhile.", "Эти слова тем временем удалили."),
                    "search-words-unknown",
                )
            if row is None:
                _room()
                row = SearchWords(kind=kind)
                db.session.add(row)
            before = {"words": row.words} if row_id else None
            row.key, row.words, row.user_id, row.at = key, words, user_id, now()
            db.session.flush()
            audit.record("changed" if row_id else "created", "kb.search_words", row.id, before, {"words": words})
            _touch()
    except IntegrityError as error:
        raise twice from error
    return row


def _room() -> None:
    if len(db.session.execute(select(SearchWords.id).limit(MOST_ROWS)).all()) == MOST_ROWS:
        raise Rejected(
            Text(f"There are {MOST_ROWS} entries already: remove some.", f"Записей уже {MOST_ROWS}: уберите лишние."),
            "search-words-many",
        )


def _touch() -> None:
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(insert(SearchWordsState).values(id=1, version=0).on_conflict_do_nothing())
    db.session.execute(update(SearchWordsState).values(version=SearchWordsState.version + 1))
