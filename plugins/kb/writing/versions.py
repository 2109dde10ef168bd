"""What an article said before: a row for each save, and two of them compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from core.contracts import Rejected, Text
from core.db import db
from core.model import Service, User
from plugins.kb.models import Article, Folder, Version
from plugins.kb.writing import article_fields

NOTE_MOST = 300


def keep(article: Article, note: str = "") -> None:
    """Write down what the article says now, in the open transaction."""
    db.session.add(_row(article, article.version, note[:NOTE_MOST]))


def keep_former(article: Article, version: int) -> None:
    """Write down ``version``, which the article still says, when it was saved before versions were kept."""
    kept = exists().where(Version.article_id == article.id, Version.version == version)
    if not db.session.scalar(select(kept)):
        db.session.add(_row(article, version, ""))


def _row(article: Article, version: int, note: str) -> Version:
    return Version(
        article_id=article.id,
        version=version,
        fields=article_fields.snapshot(article),
        status=article.status,
        note=note,
        user_id=article.updated_by_id,
        at=article.updated_at,
    )


def of(article_id: int, limit: int = 200) -> Sequence[Version]:
    """The versions, newest first, with who saved them. One statement."""
    query = select(Version).where(Version.article_id == article_id).options(joinedload(Version.user))
    return db.session.scalars(query.order_by(Version.version.desc()).limit(limit)).all()


def find(article_id: int, version: int) -> Version:
    """One version. Raises ``Rejected`` (``version-unknown``)."""
    found = db.session.get(Version, (article_id, version))
    if found is None:
        raise Rejected(Text("There is no such version", "Такой версии нет"), "version-unknown")
    return found


def usable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a version without what is gone since: its folder, services, owner; schedules are not brought back."""
    kept = {name: value for name, value in fields.items() if name in article_fields.FIELDS}
    for name in ("publish_at", "group_id", "slug"):
        kept.pop(name, None)
    if db.session.get(Folder, kept.get("folder_id") or 0) is None:
        kept.pop("folder_id", None)
    if keys := kept.get("services"):
        there = set(db.session.scalars(select(Service.key).where(Service.key.in_(keys))))
        kept["services"] = [key for key in keys if key in there]
    if kept.get("owner") and not db.session.scalar(select(exists().where(User.login == kept["owner"]))):
        kept.pop("owner")
    return kept
