"""What agents pinned, where articles were used, to which cases and articles they lead, and what answers begin with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Case, Service, Team, User
from plugins.kb.models.articles import Article, Folder


class FavouriteSet(db.Model):
    """A folder of pins: of one agent (``user_id``) or of a team (``team_id``), never both.

    The agent's own without a title is where the star pins to; ``title_key`` makes titles unique without regard to case.
    """

    __tablename__ = "kb_favourite_set"
    __table_args__ = (UniqueConstraint("user_id", "title_key"), UniqueConstraint("team_id", "title_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(80), default="")
    title_key: Mapped[str] = mapped_column(String(80), default="")
    position: Mapped[int] = mapped_column(default=0)

    team: Mapped[Team | None] = relationship()


class Pin(db.Model):
    """Something in a folder of favourites: an article or a folder of articles, never both."""

    __tablename__ = "kb_pin"
    __table_args__ = (UniqueConstraint("set_id", "folder_id"), UniqueConstraint("set_id", "article_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("kb_favourite_set.id", ondelete="CASCADE"))
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


class CaseArticle(db.Model):
    """An article linked to a case by hand (знание запроса); using one does not link it."""

    __tablename__ = "kb_case_article"
    __table_args__ = (Index("ix_kb_case_article_article_id_case_id", "article_id", "case_id"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)

    case: Mapped[Case] = relationship()
    article: Mapped[Article] = relationship()
    user: Mapped[User | None] = relationship()


class Link(db.Model):
    """The text of an article names another one by its number, which may be missing."""

    __tablename__ = "kb_link"

    from_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    to_number: Mapped[int] = mapped_column(primary_key=True, index=True)


class ServiceDefault(db.Model):
    """The article that a new answer of a service begins with; ``channel`` '' means every channel, ``section`` '' the reply."""

    __tablename__ = "kb_service_default"
    __table_args__ = (UniqueConstraint("service_id", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(20), default="")
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), index=True)
    section: Mapped[str] = mapped_column(String(40), default="")

    service: Mapped[Service] = relationship()
    article: Mapped[Article] = relationship()


class BegunAnswer(db.Model):
    """An answer was begun with a service's article: at most once an interaction and agent, whatever they made of it."""

    __tablename__ = "kb_begun_answer"

    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), index=True)
