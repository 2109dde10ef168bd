"""The demo centre's articles with believable pins and uses."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from core.clock import now
from core.db import db, transaction
from core.model import Case, User
from plugins.kb import demo_use
from plugins.kb.exchange.folder_exchange import load_folder
from plugins.kb.finding.index import rebuild
from plugins.kb.models import Article, Folder, Use
from plugins.kb.use import favourites

PINS = {
    "a.sokolova": ("ru/signature", "ru/reporting/fns", 1001, 1201),
    "d.melnikov": ("ru/signature/cryptopro", "ru/edo"),
    "e.orlova": ("ru/procedures", 1601, 1602),
    "j.harris": ("en/account-access", "en/billing", 5051),
    "m.clarke": ("en/backups", 5102),
}
BUSY = {1001: 46, 1002: 31, 1201: 38, 1204: 27, 1004: 22, 1351: 17, 1051: 15, 1451: 14, 5051: 19, 5203: 12, 5102: 8}
USES_SEED = 7


def load(folder: Path) -> None:
    """Import the articles, pin some, use some in the demo's cases, build the index. Safe to repeat."""
    load_folder(folder)
    with transaction():
        pin()
        count_uses()
    demo_use.load()
    rebuild()


def pin() -> None:
    """Favourites of a few agents."""
    users = {user.login: user.id for user in db.session.scalars(select(User).where(User.login.in_(PINS)))}
    numbers = dict(map(tuple, db.session.execute(select(Article.number, Article.id))))
    for login, pins in PINS.items():
        for wanted in pins if login in users else ():
            if isinstance(wanted, int):
                favourites.add(users[login], article_id=numbers.get(wanted))
            else:
                favourites.add(users[login], folder_id=folder_at(wanted))


def folder_at(path: str) -> int | None:
    """The folder with this path of names."""
    found: int | None = None
    for slug in path.split("/"):
        found = db.session.scalar(select(Folder.id).where(Folder.parent_id == found, Folder.slug == slug))
    return found


def count_uses() -> None:
    """Past uses of the busiest articles, some in the demo's cases; nothing when there are uses already."""
    users = list(db.session.scalars(select(User.id).order_by(User.id).limit(6)))
    if not users or db.session.scalar(select(func.count(Use.id))):
        return
    cases: list[int | None] = [*db.session.scalars(select(Case.id).order_by(Case.id).limit(60)), None]
    chance = random.Random(USES_SEED)  # noqa: S311 -- a demo, the same at every load
    for article in db.session.scalars(select(Article).where(Article.number.in_(BUSY))):
        article.uses = BUSY[article.number]
        for _ in range(article.uses):
            at = now() - timedelta(hours=chance.uniform(2, 24 * 60))
            db.session.add(
                Use(article_id=article.id, user_id=chance.choice(users), case_id=chance.choice(cases), at=at)
            )
