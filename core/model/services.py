"""What contacts reach: services, their entries, teams and dispositions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import db
from core.model.people import Team


class ServiceTeam(db.Model):
    """Which teams serve a service: on which support line, and after how many seconds of waiting (overflow)."""

    __tablename__ = "service_team"
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True, index=True)
    line: Mapped[int] = mapped_column(default=1)
    after_seconds: Mapped[int] = mapped_column(default=0)


class Service(db.Model):
    """An entry to the centre with its teams, times and texts (сервис).

    ``offer_seconds``: how long an offer rings. ``wrap_up_seconds``: 0 means no wrap-up. ``priority`` is the weight in the
    queue. ``texts`` holds acknowledgement, signature, greeting by key; ``options`` what plugins keep per service.

    Routing: ``calendar_key`` names the hours (""; always open). ``closed_action`` is what happens outside of them: ``wait``
    (not offered until opening), ``offer`` (as if open) or ``overflow`` to ``overflow_service_id``, which also takes over what has waited
    ``overflow_seconds`` (0: never). ``prefers_last_agent``: the agent of before scores more, and is waited for alone during ``last_agent_seconds``.
    ``agent_choice``: ``longest_idle``, ``most_skilled`` or ``fewest_handled``. Target: ``target_percent`` answered within ``target_seconds``.
    """

    __tablename__ = "service"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(5), default="ru")
    timezone: Mapped[str] = mapped_column(String(60), default="")
    priority: Mapped[int] = mapped_column(default=0)
    offer_seconds: Mapped[int] = mapped_column(default=30)
    wrap_up_seconds: Mapped[int] = mapped_column(default=60)
    disposition_required: Mapped[bool] = mapped_column(default=True)
    push: Mapped[bool] = mapped_column(default=True)
    is_default: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    calendar_key: Mapped[str] = mapped_column(String(40), default="")
    closed_action: Mapped[str] = mapped_column(String(10), default="wait")
    overflow_service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="SET NULL"))
    overflow_seconds: Mapped[int] = mapped_column(default=0)
    last_agent_seconds: Mapped[int] = mapped_column(default=0)
    prefers_last_agent: Mapped[bool] = mapped_column(default=True)
    agent_choice: Mapped[str] = mapped_column(String(16), default="longest_idle")
    target_percent: Mapped[int] = mapped_column(default=80)
    target_seconds: Mapped[int] = mapped_column(default=60)
    texts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    teams: Mapped[list[Team]] = relationship(secondary="service_team", order_by="Team.id")
    entries: Mapped[list[ServiceEntry]] = relationship(back_populates="service", cascade="all, delete-orphan")


class ServiceEntry(db.Model):
    """An address, number or widget key that leads to a service; ``primary`` is the one replies come from."""

    __tablename__ = "service_entry"
    __table_args__ = (UniqueConstraint("channel", "address"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(254))
    primary: Mapped[bool] = mapped_column(default=True)
    service: Mapped[Service] = relationship(back_populates="entries")


class Disposition(db.Model):
    """An outcome that agents choose (статус обращения); ``service_id`` None means every service."""

    __tablename__ = "disposition"
    __table_args__ = (UniqueConstraint("service_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("disposition.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(String(60))
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    closes_case: Mapped[bool] = mapped_column(default=True)
    success: Mapped[str] = mapped_column(String(10), default="neutral")
    workflow_key: Mapped[str] = mapped_column(String(60), default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
