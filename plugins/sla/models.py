"""The tables: policies as administrators write them, one clock for each case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import db
from core.model import Case


def _only(name: str, column: str, where: str) -> Index:
    return Index(name, column, sqlite_where=text(where), postgresql_where=text(where))


class SlaPolicy(db.Model):
    """Targets by name. ``settings`` is what :meth:`plugins.sla.priority.Policy.from_dict` reads."""

    __tablename__ = "sla_policy"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SlaClock(db.Model):
    """The clock of a case. ``state`` is the truth; the other columns repeat what lists and the warning job ask for.

    ``due_at`` is the due moment of the promise that is open now, None while the clock stands. ``stale`` asks for the
    terms to be worked out anew, because a calendar, a policy or a service has changed.
    """

    __tablename__ = "sla_clock"
    __table_args__ = (
        _only("ix_sla_clock_next_flag_at", "next_flag_at", "next_flag_at IS NOT NULL"),
        _only("ix_sla_clock_due_at", "due_at", "due_at IS NOT NULL"),
        _only("ix_sla_clock_stale", "id", "stale"),
        Index("ix_sla_clock_calendar_key", "calendar_key"),
        Index("ix_sla_clock_policy_key", "policy_key"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), unique=True)
    calendar_key: Mapped[str] = mapped_column(String(40))
    policy_key: Mapped[str] = mapped_column(String(40))
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    next_flag_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    response_due: Mapped[datetime | None]
    resolution_due: Mapped[datetime | None]
    paused: Mapped[bool] = mapped_column(default=False)
    resolved: Mapped[bool] = mapped_column(default=False)
    response_breached: Mapped[bool] = mapped_column(default=False)
    resolution_breached: Mapped[bool] = mapped_column(default=False)
    stale: Mapped[bool] = mapped_column(default=False)
    case: Mapped[Case] = relationship()
