"""The end of a candidate that became an article; apart from the rest, because saving an article asks for it."""

from __future__ import annotations

from sqlalchemy import select

from core import notifications
from core.clock import now
from core.db import db
from core.events import log as events
from plugins.kb.models import Article, Candidate


def close_published(article: Article) -> None:
    """The article is out: the candidate that it came of is done, and the agent hears of it. In the open transaction."""
    row = db.session.scalar(
        select(Candidate).where(Candidate.article_id == article.id, Candidate.state == "drafted").with_for_update()
    )
    if row is None or article.status != "published":
        return
    row.state, row.decided_at = "published", now()
    db.session.flush()
    if row.user_id is not None:
        data = {"number": article.number, "case": row.case.number, "title": article.title}
        url = f"/kb/articles/{article.number}"
        notifications.notify([row.user_id], "kb.candidate.published", url, data, article.updated_by_id)
    events.publish("desk", "kb.candidates", {})
