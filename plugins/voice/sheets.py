"""Tables for a spreadsheet, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

# A text that a spreadsheet would take for a formula gets a quote before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The table as text; a byte order mark lets spreadsheets read Russian.

    >>> sheet(["Name"], [["=1+1"]]).splitlines()[1]
    "'=1+1"
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([[_plain(value) for value in row] for row in rows])
    return "\ufeff" + out.getvalue()


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def sheet_answer(text: str, name: str) -> Response:
    """The table as a file to keep."""
    answer = Response(text, mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.csv")
    return answer
