"""Review dates: who owns an article is told once when its date has come, and again for each new date."""

from __future__ import annotations

from sqlalchemy import exists, select

from core import notifications
from core.clock import now
from core.db import db, transaction
from plugins.kb.models import Article, ReviewNotice
from plugins.kb.readers.feedback import authors

BATCH = 200


def remind_due() -> int:
    """Tell the owners of the published articles whose date has passed; returns how many articles. A job of the worker.

    The notice is a row of its own, written in the transaction that tells: two workers never tell twice.
    """
    told = exists().where(ReviewNotice.article_id == Article.id, ReviewNotice.review_at == Article.review_at)
    due = select(Article).where(Article.review_at <= now(), Article.status == "published", ~told)
    with transaction():
        rows = db.session.scalars(due.order_by(Article.review_at).limit(BATCH).with_for_update(of=Article)).all()
        for article in rows:
            db.session.add(ReviewNotice(article_id=article.id, review_at=article.review_at))
            data = {"number": article.number, "title": article.title, "text": article.title}
            notifications.notify(authors(article), "kb.review.due", f"/kb/articles/{article.number}", data)
        return len(rows)
