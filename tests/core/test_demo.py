"""The demo centre: believable, complete, quick to load, harmless to load again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock, directory, services
from core.db import db as database
from core.demo.accounts import PASSWORD, demo_accounts
from core.demo.load import load_when_empty, read
from core.model import Case, Contact, Disposition, Interaction, Message, User, WorkflowDefinition


@pytest.fixture(autouse=True)
def centre(db: Any) -> None:
    assert load_when_empty()


def count(model: Any, *where: Any) -> int:
    return database.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def test_everything_of_the_files_is_there() -> None:
    centre = read("centre.yml")
    assert count(User) == len(centre["users"])
    assert {team.key for team in directory.list_teams()} == {team["key"] for team in centre["teams"]}
    assert {service.key for service in services.list_services()} == {service["key"] for service in centre["services"]}
    assert count(Contact) == len(read("contacts.yml")["contacts"])
    assert count(Case) == len(read("cases.yml")["cases"])
    assert count(WorkflowDefinition) == len(centre["workflows"])


def test_loading_again_changes_nothing() -> None:
    before = [count(model) for model in (User, Case, Message, Contact, Disposition)]
    assert not load_when_empty()
    assert [count(model) for model in (User, Case, Message, Contact, Disposition)] == before


def test_the_demo_accounts_sign_in() -> None:
    logins = {login for login, _about in demo_accounts("ru")}
    assert "admin" in logins
    assert all(directory.verify_password(login, PASSWORD) for login in logins)


def test_people_of_several_roles_and_both_languages_work_there() -> None:
    roles = {role.key for user in directory.list_users() for role in user.roles}
    assert {"agent", "supervisor", "editor", "admin"} <= roles
    assert {service.language for service in services.list_services()} == {"ru", "en"}
    assert all(service.teams and service.entries for service in services.list_services())


def test_cases_of_every_state_happened_in_order_and_not_in_the_future() -> None:
    assert {status for (status,) in database.session.execute(select(Case.status).distinct())} >= {"open", "closed"}
    assert {state for (state,) in database.session.execute(select(Interaction.state).distinct())} >= {
        "queued",
        "closed",
    }
    latest = clock.now()
    for case in database.session.scalars(select(Case)):
        times = list(
            database.session.scalars(select(Message.at).where(Message.case_id == case.id).order_by(Message.id))
        )
        assert times
        assert times == sorted(times)
        assert case.created_at <= times[0]
        assert times[-1] <= latest


def test_closed_cases_have_the_disposition_that_closed_them() -> None:
    closed = database.session.scalars(select(Interaction).join(Case).where(Case.status == "closed"))
    assert all(row.disposition is not None and row.disposition.closes_case for row in closed)


def test_dispositions_start_workflows_that_exist() -> None:
    keys = {workflow.key for workflow in services.list_workflows()}
    used = {key for (key,) in database.session.execute(select(Disposition.workflow_key).distinct()) if key}
    assert used
    assert used <= keys
