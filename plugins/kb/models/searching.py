"""What the indexer must know, and what people search for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class Dirty(db.Model):
    """What the index does not know yet: an article that changed, or everything (``article_id`` None).

    No foreign key: a row must never stand in the way of what it reports.
    """

    __tablename__ = "kb_dirty"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=now)
