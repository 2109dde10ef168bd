"""What happens to articles by the clock: they come out and expire on time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import select

from core import audit
from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from plugins.kb.models import Article
from plugins.kb.writing import articles, working_copies

BATCH = 100
log = structlog.get_logger()


def run_due() -> None:
    """Publish and retire what is due. Each article is a transaction of its own, compared and swapped."""
    with audit.acting_as(audit.SYSTEM):
        _each(Article.publish_at, ("draft", "review", "published", "archived"), _publish)
        _each(Article.expires_at, ("published",), _expire)


def _each(column, statuses: tuple[str, ...], act: Callable[[Article], None]) -> None:  # type: ignore[no-untyped-def]
    due = select(Article.id).where(column <= now(), Article.status.in_(statuses)).order_by(column).limit(BATCH)
    for article_id in db.session.scalars(due).all():
        try:
            with transaction():
                article = db.session.get(Article, article_id, populate_existing=True)
                if article is not None:
                    act(article)
        except Rejected as refusal:
            log.warning("kb.schedule", article_id=article_id, refused=refusal.code)
            _put_off(article_id)


def _publish(article: Article) -> None:
    if not _passed(article.publish_at):
        return
    copy = working_copies.of(article.id)
    if copy is not None and copy.state == "scheduled":
        working_copies.publish(article.id, copy.user_id, note="⏱")
    else:
        # What is being written beside it was not meant to come out.
        articles.set_status(article.id, article.updated_by_id, "published", note="⏱")


def _expire(article: Article) -> None:
    if _passed(article.expires_at):
        articles.update_article(
            article.id, None, article.version, {}, status="archived", note="⏱", action="article.expire"
        )


def _passed(moment: datetime | None) -> bool:
    return moment is not None and moment <= now()


def _put_off(article_id: int) -> None:
    """What cannot come out is left to its editors, who see it among the drafts, instead of being tried for ever."""
    with transaction():
        article = db.session.get(Article, article_id, populate_existing=True)
        copy = working_copies.of(article_id)
        if article is not None and _passed(article.publish_at):
            article.publish_at = None
            if copy is not None:
                copy.state = "editing"
