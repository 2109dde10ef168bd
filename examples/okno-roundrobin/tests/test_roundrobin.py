"""Both choices, alone and through the application. Needs okno and this package installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from okno_roundrobin import hooks

from core import assignment, casework, presence
from core.app import create_app
from core.contracts import Address, AgentInfo, Inbound, InteractionInfo, Text
from core.db import db, transaction
from core.house import okno
from core.migrate import upgrade
from core.model import Interaction, Offer, Service, ServiceEntry, Team, TeamMember, User
from core.snapshots import service_info

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAITING = InteractionInfo(1, "email", "in", "queued", 1, 1, 1, None, 0, None)


def agent(id: int, handled: int, idle_minutes: int) -> AgentInfo:
    return AgentInfo(id, f"a{id}", (1,), ("ru",), NOON - timedelta(minutes=idle_minutes), handled)


@pytest.mark.parametrize(
    ("agents", "chosen"),
    [
        ([agent(1, 5, 60), agent(2, 1, 1)], 2),
        ([agent(1, 3, 5), agent(2, 3, 9)], 2),
        ([agent(7, 0, 0)], 7),
    ],
)
def test_the_fewest_handled_then_the_longest_idle(agents: list[AgentInfo], chosen: int) -> None:
    assert hooks.choose_agent(WAITING, agents, {}) == chosen


@pytest.mark.parametrize(
    ("text", "language"), [("Не работает вход", "ru"), ("Login fails", "en"), ("Ошибка login", "ru"), ("123 !", "")]
)
def test_the_language_by_its_letters(text: str, language: str) -> None:
    assert hooks.guess(text) == language


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    application = create_app(tmp_path, {"core.plugins": ["roundrobin"]}, check_schema=False)
    upgrade(application)
    with application.app_context():
        with transaction():
            team = Team(key="first", title_en="First line", title_ru="Первая линия")
            russian = Service(
                key="ru", title_en="Support", title_ru="Поддержка", language="ru", is_default=True, teams=[team]
            )
            english = Service(key="en", title_en="Support", title_ru="Поддержка", language="en", teams=[team])
            russian.entries.append(ServiceEntry(channel="email", address="help@okno.example"))
            busy, fresh = User(login="busy", first_name="Вера"), User(login="fresh", first_name="Анна")
            db.session.add_all([team, russian, english, busy, fresh])
            db.session.flush()
            db.session.add_all(TeamMember(team_id=team.id, user_id=user.id) for user in (busy, fresh))
        yield application
        db.session.remove()
        db.engine.dispose()


def written(text: str, entry: str = "unknown@okno.example") -> int | None:
    services = [service_info(service) for service in db.session.scalars(db.select(Service).order_by(Service.id))]
    inbound = Inbound("email", "k", Address("email", "a@example.org"), entry, body_text=text)
    return okno().hooks.choose_service(inbound, services)


def test_the_service_follows_the_language_only_where_the_entry_leads_nowhere(app: Flask) -> None:
    assert okno().plugins.problems == {}
    assert written("Login fails") == 2
    assert written("Не работает") == 1
    assert written("123") == 1
    assert written("Login fails", "help@okno.example") == 1


def test_the_offer_goes_to_who_has_handled_fewer_though_the_other_has_waited_longer(app: Flask) -> None:
    busy, fresh = db.session.scalars(db.select(User).order_by(User.id))
    service = db.session.get_one(Service, 1)
    for user in (busy, fresh):
        presence.sign_on(user.id)
        presence.set_state(user.id, presence.READY)
    with transaction():
        case = casework.create(subject=Text("s", "s").en, service=service, contact=None)
        done = {"state": "closed", "agent_id": busy.id, "closed_at": datetime.now(UTC)}
        db.session.add_all(Interaction(channel="email", case_id=case.id, service_id=1, **state) for state in (done, {}))
    assert assignment.route_due() == 1
    assert db.session.scalars(db.select(Offer)).one().agent_id == fresh.id
