"""Documents and an index of them for the tests of the knowledge search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.contracts import SearchDocument
from plugins.kb.search.tantivy_backend import TantivyIndex
from plugins.kb.search.whoosh_backend import WhooshIndex


class Shelf(dict[str, SearchDocument]):
    """The documents as the data base has them."""

    def texts(self, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        return {id_: (self[id_].title, self[id_].body) for id_ in ids if id_ in self}

    def put(self, documents: Iterable[SearchDocument]) -> list[SearchDocument]:
        found = list(documents)
        self.update({document.id: document for document in found})
        return found


def article(
    number: int, title: str, body: str = "", *tags: str, product: str = "", keywords: str = ""
) -> SearchDocument:
    return SearchDocument(
        id=f"article:{number}",
        kind="article",
        title=title,
        body=body,
        keywords=keywords,
        number=str(number),
        tags=tags,
        facets={"product": (product,)} if product else {},
        updated_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
    )


ARTICLES = [
    article(
        3340,
        "Настройка VPN на Windows",
        "Чтобы подключиться к корпоративной сети, создайте подключение VPN.",
        "vpn",
        "удалённый доступ",
        product="VPN",
    ),
    article(
        3341,
        "Принтер не печатает",
        "Проверьте кабель принтера. Перезапустите службу печати. Ошибка 0x8010006B.",
        "принтер",
        product="Печать",
    ),
    article(
        3342,
        "Отчёт СЗВ-ТД",
        "Как сформировать отчёт СЗВ-ТД в 1С:8.3 Бухгалтерия.",
        "отчётность",
        product="1С:Бухгалтерия",
        keywords="ефс-1 кадры",
    ),
    article(
        3343,
        "Password reset",
        "How to reset your password: open the portal and press Forgot password.",
        "password",
        product="Portal",
    ),
    article(
        3344,
        "Очередь печати",
        "Служба очереди печати запускается вместе с Windows. Драйвер принтера общий.",
        "принтер",
        "windows",
        product="Печать",
    ),
    article(3345, "Резервные копии", "Копии баз хранятся месяц. См. статью 3341.", "vpn", product="Облако"),
]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


Index = WhooshIndex | TantivyIndex
ENGINES: dict[str, type[WhooshIndex] | type[TantivyIndex]] = {"whoosh": WhooshIndex, "tantivy": TantivyIndex}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> type[WhooshIndex] | type[TantivyIndex]:
    """Both engines keep one contract."""
    return ENGINES[request.param]


@pytest.fixture
def new_index(tmp_path: Path, shelf: Shelf, engine: type[Index]) -> Callable[[], Index]:
    """Another object on the same folder, as another process has it."""
    return lambda: engine(tmp_path, "kb", shelf.texts, lock_timeout=0.05)


@pytest.fixture
def index(new_index: Callable[[], Index], shelf: Shelf) -> Index:
    found = new_index()
    found.rebuild(shelf.put(ARTICLES))
    return found
