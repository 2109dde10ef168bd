"""The line directory: which line serves which product, its number, who may consult it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import db
from core.model import Service, Team


class VoiceLineTeam(db.Model):
    """A team whose agents may consult a line; a line without any is open to all."""

    __tablename__ = "voice_line_team"
    line_id: Mapped[int] = mapped_column(ForeignKey("voice_line.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True, index=True)


class VoiceLine(db.Model):
    """A line that calls are passed to: a number, and the service behind it when it is one of the house."""

    __tablename__ = "voice_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    product: Mapped[str] = mapped_column(String(160), default="", index=True)
    number: Mapped[str] = mapped_column(String(40))
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="SET NULL"), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    service: Mapped[Service | None] = relationship()
    teams: Mapped[list[Team]] = relationship(secondary="voice_line_team", order_by="Team.id")
