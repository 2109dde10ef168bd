"""Steps run after a disposition: definitions, their versions, and durable runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db


class WorkflowDefinition(db.Model):
    """A named workflow (рабочий процесс); its steps are in its versions."""

    __tablename__ = "workflow_definition"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    active: Mapped[bool] = mapped_column(default=True)
    versions: Mapped[list[WorkflowVersion]] = relationship(
        order_by="WorkflowVersion.version", cascade="all, delete-orphan", back_populates="definition"
    )


class WorkflowVersion(db.Model):
    """An immutable list of steps, each ``{"type": …, …params}``; runs are pinned to one."""

    __tablename__ = "workflow_version"
    __table_args__ = (UniqueConstraint("definition_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("workflow_definition.id", ondelete="CASCADE"))
    version: Mapped[int]
    steps: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    definition: Mapped[WorkflowDefinition] = relationship(back_populates="versions")


class WorkflowRun(db.Model):
    """One run. ``due_at`` is when the next step may run; ``state`` is waiting, done, failed or cancelled."""

    __tablename__ = "workflow_run"
    __table_args__ = (Index("ix_workflow_run_state_due_at", "state", "due_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("workflow_version.id"))
    source_key: Mapped[str] = mapped_column(String(120), unique=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    step_index: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[WorkflowVersion] = relationship()


class WorkflowStepRun(db.Model):
    """That a step of a run was carried out; the unique pair keeps it to once."""

    __tablename__ = "workflow_step_run"
    __table_args__ = (UniqueConstraint("run_id", "step_index"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("workflow_run.id", ondelete="CASCADE"))
    step_index: Mapped[int]
    type: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)
