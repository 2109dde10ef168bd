"""Lists come in pages: ``?limit=&cursor=``, a stable order by key, and an opaque signed cursor.

A cursor holds the sort key of the last row, so that rows that are inserted or leave before it move nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from core.api import fields as f
from core.api.errors import invalid
from core.contracts import Text
from core.db import db

DEFAULT, MOST = 50, 200
SALT = "okno-api-cursor"
Column = InstrumentedAttribute[Any] | ColumnElement[Any]


class PageQuery(f.Query):
    """The base of every list's query."""

    limit = f.asked(f.number(1, MOST, Text("How many at most", "Сколько самое большее"), load_default=DEFAULT))
    cursor = f.asked(
        f.text(1000, Text("From `next_cursor` of the page before", "Из `next_cursor` предыдущей страницы"))
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursor of the next page ("" at the end)."""

    rows: Sequence[Any]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A total order: columns with True for descending; the last one is unique. ``name`` ties cursors to it."""

    name: str
    columns: tuple[tuple[Column, bool], ...]

    def by(self) -> list[ColumnElement[Any]]:
        """For ``order_by``."""
        return [column.desc() if down else column.asc() for column, down in self.columns]

    def after(self, values: Sequence[Any]) -> ColumnElement[bool]:
        """What comes after the row with these ``values``."""
        ways = []
        for index, (column, down) in enumerate(self.columns):
            same = [self.columns[place][0] == values[place] for place in range(index)]
            ways.append(and_(*same, column < values[index] if down else column > values[index]))
        return or_(*ways)


def page(statement: Select[Any], order: Order, query: dict[str, Any], key: Any) -> Page:
    """One page of ``statement``; ``key(row)`` gives the values of the order's columns. A wrong cursor is 422."""
    if query.get("cursor"):
        statement = statement.where(order.after(read(query["cursor"], order)))
    limit = query.get("limit", DEFAULT)
    found = list(db.session.scalars(statement.order_by(*order.by()).limit(limit + 1)).unique())
    shown = found[:limit]
    return Page(shown, write(key(shown[-1]), order) if len(found) > limit else "")


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=SALT)


def write(values: Sequence[Any], order: Order) -> str:
    """The cursor after a row with ``values``."""
    plain = [{"at": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return str(_serializer().dumps([order.name, *plain]))


def read(cursor: str, order: Order) -> list[Any]:
    """The values in a cursor; 422 when it is not one of ours or belongs to another order."""
    try:
        name, *plain = _serializer().loads(cursor)
    except (BadSignature, ValueError, TypeError):
        name, plain = "", []
    if name != order.name or len(plain) != len(order.columns):
        text = Text(
            "This is no cursor of this list: take next_cursor of the page before.",
            "Это не курсор этого списка: возьмите next_cursor предыдущей страницы.",
        )
        raise invalid({"cursor": text})
    return [datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value for value in plain]
