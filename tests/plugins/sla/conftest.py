"""A small house with the sla plugin: a team, an agent, a service, and a way to open cases at a given moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

# A Tuesday, 10:00 in Moscow: three hours before a lunch break at 13:00.
TUESDAY = datetime(2026, 6, 16, 7, 0, tzinfo=UTC)
MOSCOW = {"zone": "Europe/Moscow", "weekly": {"mon-fri": ["09:00-13:00", "14:00-18:00"]}}


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["sla"], "core.timezone": "Europe/Moscow", "core.language": "ru"}


@pytest.fixture
def centre(db: Any) -> SimpleNamespace:
    """A team with one agent, serving one service; an administrator."""
    from core.db import transaction
    from core.model import Role, Service, Team, TeamMember, User

    with transaction():
        agent_role = Role(key="agent", title_en="Agent", title_ru="Оператор", privileges=["desk.use", "case.view"])
        admin_role = Role(key="admin", title_en="Admin", title_ru="Админ", privileges=["admin.view", "sla.manage"])
        agent = User(login="anna", first_name="Анна", last_name="Соколова", language="ru", roles=[agent_role])
        admin = User(login="root", first_name="Максим", language="ru", roles=[admin_role])
        team = Team(key="first", title_en="First line", title_ru="Первая линия")
        db.session.add_all([agent, admin, team])
        db.session.flush()
        db.session.add(TeamMember(team_id=team.id, user_id=agent.id))
        service = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[team])
        db.session.add(service)
        db.session.flush()
        return SimpleNamespace(agent=agent.id, admin=admin.id, team=team.id, service=service.id)


@pytest.fixture
def open_case(db: Any, centre: SimpleNamespace) -> Callable[..., int]:
    """``open_case(priority="high", at=…)`` opens a case and returns its id."""
    from core import casework, clock
    from core.db import transaction
    from core.model import Service

    def open_one(priority: str = "high", at: datetime = TUESDAY, assignee_id: int | None = None) -> int:
        with clock.at(at), transaction():
            service = db.session.get(Service, centre.service)
            case = casework.create(
                subject="Не подписывается", service=service, contact=None, priority=priority, assignee_id=assignee_id
            )
            return case.id

    return open_one


@pytest.fixture
def touch(db: Any) -> Callable[..., None]:
    """``touch(case_id, minutes=30, status="pending")`` changes a case that long after ``TUESDAY``."""
    from core import casework, clock
    from core.db import transaction
    from core.model import Case

    def change(case_id: int, *, minutes: float = 0, at: datetime | None = None, **fields: Any) -> None:
        with clock.at(at or TUESDAY + timedelta(minutes=minutes)), transaction():
            casework.touch(db.session.get(Case, case_id), cause="test", **fields)

    return change


@pytest.fixture
def clock_of(db: Any) -> Callable[[int], Any]:
    """The clock row of a case, read anew."""
    from sqlalchemy import select

    from plugins.sla.models import SlaClock

    def read(case_id: int) -> Any:
        query = select(SlaClock).where(SlaClock.case_id == case_id)
        return db.session.scalar(query.execution_options(populate_existing=True))

    return read


@pytest.fixture
def timeline_of(db: Any) -> Callable[[int], list[Any]]:
    """The plugin's entries in the timeline of a case, oldest first."""
    from sqlalchemy import select

    from core.model import TimelineEntry

    def read(case_id: int) -> list[Any]:
        query = select(TimelineEntry).where(TimelineEntry.case_id == case_id, TimelineEntry.kind.like("sla.%"))
        return list(db.session.scalars(query.order_by(TimelineEntry.id)))

    return read


@pytest.fixture
def notices_of(db: Any) -> Callable[[], list[tuple[str, str]]]:
    """Topic and text of every notice so far."""
    import json

    from core.events import log

    def read() -> list[tuple[str, str]]:
        return [
            (event.topic, json.loads(event.payload)["text"]) for event in log.fetch(None, 0) if event.type == "notice"
        ]

    return read
