"""Pages of the help centre with 13,000 articles: milliseconds of CPU a page, and pages a second of one process.

    python -m bench.help_centre [--copies 145] [--rounds 60]

The demo's articles are copied in other folders until there are enough. Measured in this process with Flask's test client, so
that only the application is counted: the page drawn, and the same asked again with its ETag (304).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.house import circumstances, make_house, percentile, table

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

DEMO = Path(__file__).parent.parent / "plugins" / "kb" / "demo"
CHUNK = 500
PAGES = (
    ("home", "/help-centre/ru"),
    ("category", "/help-centre/ru/sections/{folder}"),
    ("article", "/help-centre/ru/articles/1001"),
    ("search, one word", f"/help-centre/ru/search?q={quote('подпись')}"),
    ("search, three words", f"/help-centre/ru/search?q={quote('ошибка сертификата токен')}"),
    ("sitemap, a part of 10,000", "/help-centre/sitemap.xml?part=0"),
)


def fill(app: Flask, copies: int) -> int:
    """The demo's articles and ``copies`` of each in folders of their own; returns how many there are."""
    from sqlalchemy import func, insert, inspect, select

    from core.db import db, transaction
    from plugins.kb.exchange.folder_exchange import load_folder
    from plugins.kb.models import Article
    from plugins.kb.public import index
    from plugins.kb.writing.operations import save_folder

    with app.app_context():
        load_folder(DEMO)
        names = [
            column.key
            for column in inspect(Article).columns
            if column.key not in ("id", "number", "folder_id", "group_id")
        ]
        rows = [{name: getattr(row, name) for name in names} for row in db.session.scalars(select(Article))]
        number = 10_000
        for copy in range(copies):
            folder = save_folder(None, f"copy-{copy}", title_en=f"Copy {copy}", title_ru=f"Копия {copy}")
            made = []
            for row in rows:
                number += 1
                made.append(
                    {**row, "number": number, "folder_id": folder.id, "title_key": f"{row['title_key']} {number}"}
                )
            with transaction():
                for start in range(0, len(made), CHUNK):
                    db.session.execute(insert(Article), made[start : start + CHUNK])
        index.rebuild()
        return db.session.scalar(select(func.count(Article.id))) or 0


def measure(client: FlaskClient, path: str, rounds: int) -> tuple[float, float, float]:
    """CPU milliseconds of a page at the median and the 95th percentile, and of a 304."""
    first = client.get(path, follow_redirects=True)
    if first.status_code != 200:
        raise RuntimeError(f"{path}: {first.status_code}")
    target, mark = first.request.full_path, first.headers.get("ETag", "")
    drawn, known = [], []
    for _round in range(rounds):
        drawn.append(_cpu(client, target, {}))
        known.append(_cpu(client, target, {"If-None-Match": mark}))
    return percentile(drawn, 0.5), percentile(drawn, 0.95), percentile(known, 0.5)


def _cpu(client: FlaskClient, path: str, headers: dict[str, str]) -> float:
    begun = time.process_time()
    client.get(path, headers=headers)
    return (time.process_time() - begun) * 1000


def main(arguments: list[str] | None = None) -> int:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=145)
    parser.add_argument("--rounds", type=int, default=60)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="okno-bench-") as place:
        app = make_house(Path(place), ("kb",))
        count = fill(app, chosen.copies)
        with app.app_context():
            from sqlalchemy import select

            from core.db import db
            from plugins.kb.models import Folder

            folder = db.session.scalar(select(Folder.id).where(Folder.slug == "signature"))
        client = app.test_client()
        rows = []
        for name, path in PAGES:
            p50, p95, again = measure(client, path.format(folder=folder), chosen.rounds)
            rows.append((name, f"{p50:.1f}", f"{p95:.1f}", f"{again:.1f}", f"{1000 / max(p50, 0.01):.0f}"))
        print(f"{circumstances()}; {count} articles\n")
        print(table(("page", "CPU ms p50", "p95", "304", "pages/s of a core"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
