"""How well the search finds: recall@10 and the mean reciprocal rank on judged questions, and what each ingredient gains.

    python -m bench.search_quality

The questions (``data/kb_judged.tsv``: kind, question, number of the right article) were written for the demo articles
by hand, before anything was measured, and are not tuned to. In the lower table one ingredient at a time is taken out of
the whole; a positive number is what it gains. Filler articles made of other texts stand between the right ones.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from bench.kb_corpus import articles, demo_documents
from core.contracts import SearchDocument, SearchQuery
from core.search import analysis
from plugins.kb.search import document_terms, plan, searching
from plugins.kb.search.tantivy_backend import TantivyIndex
from plugins.kb.search.whoosh_backend import WhooshIndex

DATA = Path(__file__).parent / "data"
STOP_WORDS = ("пожалуйста", "подскажите", "нужно", "хотим", "please")
Index = WhooshIndex | TantivyIndex
Ingredient = Callable[[ExitStack], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and the number of the article that answers it."""

    kind: str
    question: str
    number: str


def judged() -> list[Judged]:
    lines = (DATA / "kb_judged.tsv").read_text("utf-8").splitlines()
    return [Judged(*line.split("\t")) for line in lines]


def synonyms() -> list[list[str]]:
    lines = (DATA / "kb_synonyms.txt").read_text("utf-8").splitlines()
    return [[part.strip() for part in line.split(",")] for line in lines]


def corpus(fillers: int) -> list[SearchDocument]:
    """The demo articles between others made of manual pages; uses are spread by chance, as nobody's favourite is asked for."""
    demo = demo_documents()
    others = [
        replace(
            document,
            id=f"article:{90_000 + number}",
            number=str(90_000 + number),
            title=document.body[:60],
            keywords="",
        )
        for number, document in enumerate(articles(fillers))
    ]
    chance = random.Random(23)
    return [replace(document, boost=1 + 0.15 * chance.random()) for document in (*demo, *others)]


@contextmanager
def fresh_analysis() -> Iterator[None]:
    """Stems and pieces are remembered; what changes them must forget before and after."""
    analysis.stem.cache_clear()
    analysis.pieces.cache_clear()
    try:
        yield
    finally:
        analysis.stem.cache_clear()
        analysis.pieces.cache_clear()


def _without_stemming(stack: ExitStack) -> None:
    stack.enter_context(fresh_analysis())
    stack.enter_context(patch.object(analysis, "_russian", _Unchanged()))
    stack.enter_context(patch.object(analysis, "_english", _Unchanged()))
    stack.enter_context(patch.object(analysis, "NOUN_STEMS", {}))
    stack.enter_context(patch.object(analysis, "_without_fleeting_vowel", str))


class _Unchanged:
    def stemWord(self, word: str) -> str:
        return word


def _set(module: object, name: str, value: object) -> Ingredient:
    def enter(stack: ExitStack) -> None:
        stack.enter_context(fresh_analysis())
        stack.enter_context(patch.object(module, name, value))

    return enter


def _equal_weights(stack: ExitStack) -> None:
    for name in ("TITLE_WEIGHT", "KEYWORDS_WEIGHT", "TAG_WEIGHT"):
        stack.enter_context(patch.object(document_terms, name, 1.0))


def _nothing(*_arguments: object) -> None:
    return None


INGREDIENTS: dict[str, Ingredient] = {
    "stemming": _without_stemming,
    "weights of title, keywords, tags": _equal_weights,
    "correction of typing errors": _set(searching, "correct_words", _nothing),
    "keyboard layout": _set(searching, "fix_layout", _nothing),
    "stop words of the language": _set(analysis, "STOP_WORDS", frozenset()),
    "words near each other": _set(plan, "NEAR_BONUS", 0.0),
    "exact form": _set(plan, "EXACT_FORM_BONUS", 0.0),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of 1; ``first`` is which article came first for each question."""

    recall: float
    mrr: float
    first: tuple[str, ...] = ()


def measured(index: Index, questions: Sequence[Judged]) -> Quality:
    ranks, first = [], []
    for asked in questions:
        ids = [hit.id for hit in index.search(SearchQuery(asked.question, limit=10)).hits]
        wanted = f"article:{asked.number}"
        ranks.append(ids.index(wanted) + 1 if wanted in ids else 0)
        first.append(ids[0] if ids else "")
    found = [rank for rank in ranks if rank]
    return Quality(len(found) / len(ranks), sum(1 / rank for rank in found) / len(ranks), tuple(first))


def built(engine: type[Index], folder: Path, documents: Sequence[SearchDocument], editors: bool = True) -> Index:
    texts = {document.id: (document.title, document.body) for document in documents}
    index = engine(folder, "kb", lambda ids: {id_: texts[id_] for id_ in ids})
    index.rebuild(documents)
    if editors:
        index.set_synonyms(synonyms())
        index.set_stop_words(STOP_WORDS)
    return index


def per_kind(documents: Sequence[SearchDocument], questions: Sequence[Judged], folder: Path) -> Quality:
    kinds = list(dict.fromkeys(asked.kind for asked in questions))
    engines = {"whoosh": WhooshIndex, "tantivy": TantivyIndex}
    indexes = {name: built(engine, folder / name, documents) for name, engine in engines.items()}
    print(f"{'recall@10 / MRR':20}{'questions':>10}" + "".join(f"{name:>16}" for name in indexes))
    for kind in [*kinds, "all"]:
        some = [asked for asked in questions if kind in (asked.kind, "all")]
        found = [measured(index, some) for index in indexes.values()]
        print(f"{kind:20}{len(some):>10}" + "".join(f"{f'{each.recall:.3f} / {each.mrr:.3f}':>16}" for each in found))
    return measured(indexes["whoosh"], questions)


def ablation(documents: Sequence[SearchDocument], questions: Sequence[Judged], folder: Path, whole: Quality) -> None:
    print(f"\n{'gain of':36}{'recall@10':>10}{'MRR':>9}   another first hit")
    plain = [replace(document, boost=1.0) for document in documents]
    rows: list[tuple[str, Quality]] = []
    for name, ingredient in INGREDIENTS.items():
        with ExitStack() as stack:
            ingredient(stack)
            rows.append((name, measured(built(WhooshIndex, folder / name, documents), questions)))
    for name, index in {
        "boost by uses and freshness": built(WhooshIndex, folder / "boosts", plain),
        "synonyms of editors": _with(folder / "synonyms", documents, stop_words=STOP_WORDS),
        "stop words of editors": _with(folder / "stops", documents, groups=synonyms()),
    }.items():
        rows.append((name, measured(index, questions)))
    for name, without in rows:
        changed = sum(one != other for one, other in zip(whole.first, without.first, strict=True)) / len(questions)
        print(f"{name:36}{whole.recall - without.recall:>+10.3f}{whole.mrr - without.mrr:>+9.3f}{changed:>15.1%}")


def _with(
    folder: Path,
    documents: Sequence[SearchDocument],
    groups: Sequence[Sequence[str]] = (),
    stop_words: Sequence[str] = (),
) -> Index:
    index = built(WhooshIndex, folder, documents, editors=False)
    index.set_synonyms(groups)
    index.set_stop_words(stop_words)
    return index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fillers", type=int, default=1_000, help="articles of other texts between the right ones")
    options = parser.parse_args()
    documents, questions = corpus(options.fillers), judged()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{len(questions)} questions to {len(demo_documents())} articles among {options.fillers} others\n")
        whole = per_kind(documents, questions, Path(folder))
        ablation(documents, questions, Path(folder), whole)


if __name__ == "__main__":
    main()
