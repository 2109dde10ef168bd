"""Articles for the search bench: real sentences recombined, so that word frequencies are those of real text.

Russian and English come from the demo centre's articles and from the manual pages a Debian system has; more English
from the standard library's docstrings and the licences. An article is made of passages of two to six sentences that stand
together in their source, so that its words belong together as those of real articles do.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import yaml

from bench import manual_pages
from core.contracts import SearchDocument

DEMO = Path(__file__).parent.parent / "plugins" / "kb" / "demo"
LICENCES = Path("/usr/share/common-licenses")


def _listed(text: str) -> list[str]:
    return text.split()


MODULES = _listed(
    "argparse asyncio calendar collections configparser csv datetime decimal difflib email functools heapq http "
    "imaplib inspect itertools json logging mailbox multiprocessing optparse os pathlib pickle random re shutil smtplib "
    "socket sqlite3 ssl statistics string subprocess tarfile tempfile threading tkinter turtle typing unittest urllib "
    "uuid xml zipfile"
)
PRODUCTS = [
    f"{maker} {name}"
    for maker in ("Таволга", "Осока", "1С", "Рябина", "Tavolga", "Sedge")
    for name in ("Отчётность", "ЭДО", "Облако", "Бухгалтерия 8.3", "Backup", "Зарплата", "Подпись", "Portal")
]
TAGS = _listed(
    "отчётность фнс сфр эдо подпись 1с облако оплата доступ сертификат печать почта vpn удалённый-доступ телефония "
    "backup billing security api sync email account network printing"
)
SERVICES = _listed("* * * support sales technical")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class Sentences:
    """Material for articles: sentences and titles of one language."""

    language: str
    texts: tuple[str, ...]
    titles: tuple[str, ...]


def demo_documents() -> list[SearchDocument]:
    """The demo centre's articles as search documents with the id `article:<number>`."""
    found = []
    for path in sorted(DEMO.rglob("*.md")):
        _, head, body = path.read_text("utf-8").split("---", 2)
        meta = yaml.safe_load(head)
        keywords = "\n".join([str(meta.get("question") or ""), *map(str, meta.get("keywords") or ())])
        found.append(
            SearchDocument(
                f"article:{meta['number']}",
                "article",
                meta["title"],
                plain(body),
                keywords,
                str(meta["number"]),
                tuple(map(str, meta.get("tags") or ())),
                {"product": tuple(meta.get("products") or ()), "language": (meta["language"],)},
            )
        )
    return found


def plain(markdown: str) -> str:
    """Markdown without its marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"^\s*(?:[#>|-]+|\d+\.)\s*|\*\*|`|\s*\|\s*|-{3,}", " ", text, flags=re.MULTILINE)


def _sentences(text: str) -> list[str]:
    return [part for raw in _SENTENCE.split(text) if 20 < len(part := raw.strip()) < 400]


def _docstrings() -> Iterator[str]:
    for name in MODULES:
        names = [name]
        module = importlib.import_module(name) if name != "tkinter" else None
        if module is not None and hasattr(module, "__path__"):
            names += [
                f"{name}.{info.name}" for info in pkgutil.iter_modules(module.__path__) if info.name != "__main__"
            ]
        for each in names:
            try:
                loaded = importlib.import_module(each)
            except ImportError:
                continue
            for _, member in inspect.getmembers(loaded):
                yield inspect.getdoc(member) or ""
                if inspect.isclass(member):
                    yield from (inspect.getdoc(inner) or "" for _, inner in inspect.getmembers(member))


@cache
def material() -> tuple[Sentences, Sentences]:
    """Russian and English sentences, without doubles, in the order of their sources."""
    demo = demo_documents()
    by_language: dict[str, list[str]] = {"ru": [], "en": []}
    titles: dict[str, list[str]] = {"ru": [], "en": []}
    for document in demo:
        language = document.facets["language"][0]
        by_language[language] += _sentences(document.body)
        titles[language] += [document.title, *_sentences(document.keywords)]
    for page in manual_pages.russian_pages():
        by_language["ru"] += _sentences(page)
    for text in (*_docstrings(), *manual_pages.english_pages()):
        by_language["en"] += _sentences(text)
    for licence in sorted(LICENCES.iterdir()) if LICENCES.is_dir() else ():
        by_language["en"] += _sentences(licence.read_text("utf-8", "replace"))
    russian, english = (
        Sentences(name, tuple(dict.fromkeys(by_language[name])), tuple(dict.fromkeys(titles[name])))
        for name in ("ru", "en")
    )
    return russian, english


def _passages(source: Sentences, chance: random.Random) -> list[str]:
    body: list[str] = []
    for _ in range(chance.randint(2, 8)):
        start, length = chance.randrange(len(source.texts)), chance.randint(2, 6)
        body += source.texts[start : start + length]
    return body


def articles(count: int, seed: int = 7) -> Iterator[SearchDocument]:
    """`count` articles, three of four Russian, of 4 to 48 sentences, the same for the same seed."""
    chance = random.Random(seed)
    russian, english = material()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(1, count + 1):
        source = russian if chance.random() < 0.75 else english
        product = chance.choice(PRODUCTS)
        code = f"0x{chance.randrange(1 << 32):08X}"
        body = _passages(source, chance)
        body.insert(
            chance.randrange(len(body)), f"{product}: {code}, версия {chance.randint(1, 9)}.{chance.randint(0, 99)}."
        )
        first = chance.choice(body).split()
        title = f"{chance.choice(source.titles)} — {' '.join(first[:4])}, {product}"
        yield SearchDocument(
            f"article:{number}",
            "article",
            title,
            " ".join(body),
            " ".join(chance.choices(source.titles, k=1)),
            str(number),
            tuple(chance.sample(TAGS, chance.randint(1, 4))),
            {
                "product": (product,),
                "language": (source.language,),
                "folder": (f"folder {chance.randrange(60)}",),
                "service": (chance.choice(SERVICES),),
                "status": ("published",),
            },
            now - timedelta(minutes=chance.randrange(1_000_000)),
        )
