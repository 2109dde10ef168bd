"""The configuration of the house as one mapping, to keep, compare and carry to another house (``okno config``).

People, contacts and cases are no configuration. What a file does not name stays as it is; nothing is ever removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from core.contracts import Rejected, Text
from core.db import db, transaction
from core.exchange.sections import SECTIONS, Section
from core.model import Audit
from core.schemas import Invalid

VERSION = 1
MARK = "okno_config"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that an import makes, or would make: the fields before and after, as the audit log keeps them."""

    action: str
    kind: str
    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class _Undone(Exception):
    """Ends a dry run: everything is rolled back."""


def export(only: tuple[str, ...] = ()) -> dict[str, Any]:
    """The configuration, section by section; ``only`` names some. Raises ``Rejected`` for a name that is no section."""
    unknown = set(only) - {section.name for section in SECTIONS}
    if unknown:
        raise _unknown(sorted(unknown)[0], "")
    chosen = [section for section in SECTIONS if not only or section.name in only]
    return {MARK: VERSION, **{section.name: section.dump() for section in chosen}}


def load(data: Mapping[str, Any], *, dry_run: bool = False) -> list[Change]:
    """Bring the house in line with ``data``, all or nothing; returns what changed. With ``dry_run`` nothing is kept.

    Raises ``Rejected`` that names the place, such as ``services[support]: …``, for anything that is unknown or wrong.
    """
    rows = _checked(data)
    found: list[Change] = []
    try:
        with transaction():
            last = db.session.scalar(select(func.max(Audit.id))) or 0
            for section, items in rows:
                with _told_where(section.name):
                    section.prepare(items)
            for section, items in rows:
                for item in section.order(items):
                    with _told_where(section.name, section.name_of(item)):
                        section.put(item)
            db.session.flush()
            found = [
                _change(row) for row in db.session.scalars(select(Audit).where(Audit.id > last).order_by(Audit.id))
            ]
            if dry_run:
                raise _Undone
    except _Undone:
        pass
    return found


def _change(row: Audit) -> Change:
    return Change(row.action, row.object_type, row.object_id, dict(row.before or {}), dict(row.after or {}))


def _checked(data: Mapping[str, Any]) -> list[tuple[Section, list[dict[str, Any]]]]:
    if data.get(MARK) != VERSION:
        text = Text(
            f"This is no configuration of Okno: it must begin with  {MARK}: {VERSION}.",
            f"Это не конфигурация Okno: файл должен начинаться с  {MARK}: {VERSION}.",
        )
        raise Rejected(text, "config-version")
    names = {section.name for section in SECTIONS}
    for name in data:
        if name not in names | {MARK}:
            raise _unknown(str(name), "")
    return [(section, _items(section, data[section.name])) for section in SECTIONS if section.name in data]


def _items(section: Section, given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise Rejected(Text(f"{section.name}: must be a list.", f"{section.name}: нужен список."), "config-shape")
    seen: set[str] = set()
    for place, item in enumerate(given):
        where = f"{section.name}[{place}]"
        if not isinstance(item, Mapping) or not isinstance(item.get("key"), str):
            text = Text(f"{where}: must be a mapping with a key.", f"{where}: нужны имена и значения, среди них key.")
            raise Rejected(text, "config-shape")
        for name in item:
            if name not in section.fields:
                raise _unknown(str(name), f"{section.name}[{section.name_of(item)}].")
        if section.name_of(item) in seen:
            name = section.name_of(item)
            raise Rejected(
                Text(f"{section.name}: «{name}» twice.", f"{section.name}: «{name}» дважды."), "config-twice"
            )
        seen.add(section.name_of(item))
    return [dict(item) for item in given]


def _unknown(name: str, where: str) -> Rejected:
    return Rejected(
        Text(f"{where}{name}: there is no such name here.", f"{where}{name}: такого имени здесь нет."), "config-unknown"
    )


@contextmanager
def _told_where(section: str, name: str = "") -> Iterator[None]:
    where = f"{section}[{name}]" if name else section
    try:
        yield
    except Invalid as invalid:
        en = "; ".join(
            f"{where}.{field}: {text.en}" if field else f"{where}: {text.en}" for field, text in invalid.errors.items()
        )
        ru = "; ".join(
            f"{where}.{field}: {text.ru}" if field else f"{where}: {text.ru}" for field, text in invalid.errors.items()
        )
        raise Rejected(Text(en, ru), invalid.code) from None
    except Rejected as refusal:
        raise Rejected(Text(f"{where}: {refusal.text.en}", f"{where}: {refusal.text.ru}"), refusal.code) from None
