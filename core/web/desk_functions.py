"""The function bar (панель функций): the core's own entries and those of plugins, in one order."""

from __future__ import annotations

from dataclasses import dataclass

from core.contracts import MenuItem, Text
from core.web.desk_queries import Work

MANY = 999


@dataclass(frozen=True, slots=True)
class Function:
    """One entry. ``quiet`` counters inform, the others call; ``phone`` ones stand in the short bar of a phone."""

    label: Text
    icon: str
    url: str
    order: int
    counter: str = ""
    quiet: bool = False
    shortcut: str = ""
    phone: bool = False


def functions(work: Work, menu: list[MenuItem]) -> list[Function]:
    """All entries for who has this work in hand, in their order."""
    own = [
        Function(Text("Home", "Главная"), "home", "/", 10, shortcut="home", phone=True),
        Function(Text("Queue", "Очередь"), "inbox", "/queue", 20, _number(work.queued), shortcut="queue", phone=True),
        Function(Text("Directory", "Каталог"), "address-book", "/directory", 30, shortcut="directory"),
        *_documents(work),
        Function(
            Text("My cases", "Мои запросы"), "briefcase", "/cases", 60, _number(work.mine), True, "cases", phone=True
        ),
        Function(Text("Contacts and search", "Контакты и поиск"), "search", "/search", 70),
    ]
    contributed = [Function(item.label, item.icon, item.url, item.order, item.counter) for item in menu]
    return sorted([*own, *contributed], key=lambda entry: entry.order)


def _documents(work: Work) -> list[Function]:
    if work.focus is None:
        return []
    url = f"/documents?case={work.focus.case_id}"
    return [Function(Text("Documents", "Документы"), "files", url, 40, _number(work.documents), True)]


def _number(count: int) -> str:
    return "" if not count else str(count) if count <= MANY else f"{MANY}+"
