"""What agents pinned, and where articles were used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from plugins.kb.models.articles import Article, Folder


class Favourite(db.Model):
    """Something an agent pinned: a folder or an article, never both."""

    __tablename__ = "kb_favourite"
    __table_args__ = (UniqueConstraint("user_id", "folder_id"), UniqueConstraint("user_id", "article_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("kb_folder.id", ondelete="CASCADE"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)

    folder: Mapped[Folder | None] = relationship()
    article: Mapped[Article | None] = relationship()


class Use(db.Model):
    """An article put into a reply; ``message_id`` is filled in once that reply is sent."""

    __tablename__ = "kb_use"
    __table_args__ = (
        Index("ix_kb_use_interaction_id_message_id", "interaction_id", "message_id"),
        Index("ix_kb_use_article_id_at", "article_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)
