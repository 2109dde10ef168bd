"""The admin pages as a signed-in administrator uses them: every page opens, every form says what is wrong and keeps what was typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core import audit, directory, intake, services
from core.db import db as database
from core.db import transaction
from core.model import Intake, OutboxRow
from tests.support.admin_browser import PASSWORD, Browser, sign_in

PAGES = (
    "", "/users", "/users?q=ann&all=1", "/users/new", "/users/boss", "/roles", "/roles/agent", "/roles/new", "/teams", "/teams/new",
    "/teams/experts", "/calendars", "/calendars/new", "/calendars/default", "/services", "/services/new", "/services/support", "/dispositions?service=support", "/dispositions?service=",
    "/dispositions/new?service=support", "/workflows", "/workflows/survey", "/plugins", "/outbox", "/outbox?state=sent", "/intake",
    "/intake?state=done", "/audit", "/audit?actor=boss&type=user",
)  # fmt: skip


@pytest.fixture(autouse=True)
def centre(db: Any) -> None:
    directory.ensure_roles()
    directory.add_team("experts", "Experts", "Эксперты")
    directory.add_user("boss", "Boss", roles=["admin"], password=PASSWORD, language="")
    directory.add_user("anna", "Анна", roles=["agent"], password=PASSWORD, teams=["experts"])
    services.define_workflow("survey", "Survey", "Опрос", [{"type": "wait", "minutes": 30}])
    service = services.add_service("support", "Support", "Поддержка", teams=["experts"])
    services.add_disposition(service.id, "solved", "Solved", "Решено", workflow_key="survey")


@pytest.fixture
def boss(app: Flask) -> Browser:
    return sign_in(app, "boss")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_opens_in_both_languages(app: Flask, language: str) -> None:
    browser = sign_in(app, "boss", language)
    wrong = {path: answer.status_code for path in PAGES if (answer := browser.get(path)).status_code != 200}
    assert wrong == {}


def test_an_agent_may_open_none_of_them(app: Flask) -> None:
    browser = sign_in(app, "anna")
    assert {browser.get(path).status_code for path in PAGES} == {403}
    assert browser.post("/users/boss/password", password="a new password").status_code in (400, 403)
    assert directory.verify_password("boss", PASSWORD) is not None


def test_somebody_unknown_is_sent_to_sign_in(app: Flask) -> None:
    answer = Browser(app).get("/users")
    assert answer.status_code == 302
    assert "/sign-in" in answer.location


@pytest.mark.parametrize(
    "path", ["/users/nobody", "/teams/none", "/services/none", "/dispositions/999", "/workflows/none", "/roles/none"]
)
def test_what_is_not_there_is_404(boss: Browser, path: str) -> None:
    assert boss.get(path).status_code == 404


def test_a_user_is_added_and_audited_under_the_admins_name(boss: Browser) -> None:
    answer = boss.post(
        "/users/new", login="vera", first_name="Вера", roles=["agent"], teams=["experts"], password=PASSWORD
    )
    assert answer.status_code == 303
    assert directory.verify_password("vera", PASSWORD) is not None
    assert audit.entries(limit=1)[0].actor == "boss"
    assert "User vera added" in boss.get("/users").get_data(as_text=True)


@pytest.mark.parametrize(
    ("language", "message"),
    [("en", "This does not look like an email address"), ("ru", "Это не похоже на адрес почты")],
)
def test_a_wrong_field_is_explained_and_what_was_typed_is_kept(app: Flask, language: str, message: str) -> None:
    browser = sign_in(app, "boss", language)
    answer = browser.post(
        "/users/new", login="vera", first_name="Вера <b>", email="nowhere", roles=["supervisor"], password=PASSWORD
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert message in page
    assert 'value="Вера &lt;b&gt;"' in page
    assert 'value="nowhere"' in page
    assert re.search(r'value="supervisor" checked', page)
    assert PASSWORD not in page
    assert directory.find_user("vera") is None


def test_a_user_changes_whole_or_not_at_all(boss: Browser) -> None:
    answer = boss.post("/users/anna", login="anna", first_name="Аня", roles=["agent"], teams=["nowhere"])
    assert answer.status_code == 422
    assert directory.get_user("anna").first_name == "Анна"
    answer = boss.post("/users/anna", login="anna", first_name="Аня", roles=["agent", "supervisor"], teams=[])
    assert answer.status_code == 303
    anna = directory.get_user("anna")
    assert (anna.first_name, [role.key for role in anna.roles], anna.memberships) == (
        "Аня",
        ["agent", "supervisor"],
        [],
    )


def test_the_last_administrator_cannot_lock_the_house(boss: Browser) -> None:
    answer = boss.post("/users/boss", login="boss", first_name="Boss", roles=["agent"])
    assert answer.status_code == 422
    assert "last administrator" in answer.get_data(as_text=True)
    boss.post("/users/boss/state", state="disabled")
    assert directory.get_user("boss").disabled_at is None


def test_who_manages_users_cannot_become_more_than_they_are(app: Flask) -> None:
    directory.save_role("clerk", "Clerk", "Кадровик", ["admin.view", "admin.users", "desk.use"])
    directory.add_user("clerk", "Clerk", roles=["clerk"], password=PASSWORD)
    clerk = sign_in(app, "clerk")
    assert clerk.get("/services").status_code == 403
    for path, values in (
        ("/users/clerk", {"login": "clerk", "first_name": "Clerk", "roles": ["clerk", "admin"]}),
        ("/users/new", {"login": "friend", "first_name": "Friend", "roles": ["admin"]}),
        ("/users/boss/password", {"password": "a new password"}),
        (
            "/roles/clerk",
            {"title_en": "Clerk", "title_ru": "Кадровик", "privileges": ["admin.users", "admin.services"]},
        ),
    ):
        answer = clerk.post(path, **values)
        assert (path, answer.status_code) == (path, 422)
        assert "privileges that you do not have" in answer.get_data(as_text=True)
    clerk.post("/users/boss/state", state="disabled")
    assert directory.verify_password("boss", PASSWORD) is not None
    assert directory.find_user("friend") is None


def test_a_disabled_user_is_signed_out_at_once(app: Flask, boss: Browser) -> None:
    anna = sign_in(app, "anna")
    boss.post("/users/anna/state", state="disabled")
    assert anna.get("/users").status_code == 302


def test_team_members_are_ticked(boss: Browser) -> None:
    anna, chief = directory.get_user("anna").id, directory.get_user("boss").id
    answer = boss.post("/teams/experts", title_en="Experts", title_ru="Знатоки", members=[anna], supervisors=[chief])
    assert answer.status_code == 303
    team = directory.get_team("experts")
    assert {(member.user.login, member.supervisor) for member in team.members} == {("anna", False), ("boss", True)}


def test_a_service_form_keeps_texts_and_warns_of_unknown_variables(boss: Browser) -> None:
    values = {
        "title_en": "Support",
        "title_ru": "Поддержка",
        "language": "ru",
        "priority": "0",
        "wrap_up_seconds": "60",
    }
    texts = {"text_acknowledgement": "Принято: $(case.nomber)"}
    answer = boss.post(
        "/services/support", **values, **texts, offer_seconds="never", is_default="1", active="1", teams=["experts"]
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Please enter a whole number" in page
    assert "Принято: $(case.nomber)" in page
    assert (
        boss.post("/services/support", **values, **texts, offer_seconds="45", is_default="1", active="1").status_code
        == 303
    )
    service = services.get_service("support")
    assert (service.offer_seconds, service.push, service.disposition_required, service.teams) == (45, False, False, [])
    assert "Nobody fills in: case.nomber" in boss.get("/services/support").get_data(as_text=True)


def test_a_disposition_is_moved_and_shown_as_a_tree(boss: Browser) -> None:
    service = services.get_service("support")
    top = services.find_disposition(service.id, "solved")
    assert top is not None
    values = {
        "title_en": "Advice",
        "title_ru": "Совет",
        "success": "success",
        "position": "0",
        "workflow_key": "",
        "closes_case": "1",
    }
    assert (
        boss.post(
            "/dispositions/new?service=support", key="advice", parent_id=str(top.id), active="1", **values
        ).status_code
        == 303
    )
    page = boss.get("/dispositions?service=support").get_data(as_text=True)
    assert page.index("Solved") < page.index("depth-1") < page.index("Advice")
    child = services.find_disposition(service.id, "advice")
    assert child is not None
    answer = boss.post(f"/dispositions/{top.id}", parent_id=str(child.id), **values)
    assert "below itself" in answer.get_data(as_text=True)


def test_a_dead_letter_is_tried_again(boss: Browser) -> None:
    with transaction():
        row = OutboxRow(
            key="mail:1", kind="email.send", state="dead", detail="550 no such user", payload={"to": "x@example.com"}
        )
        database.session.add(row)
    row_id = row.id
    page = boss.get("/outbox").get_data(as_text=True)
    assert "550 no such user" in page
    assert boss.post("/outbox/retry", id=row_id).status_code == 303
    assert database.session.scalars(select(OutboxRow.state)).one() == "pending"
    boss.post("/outbox/retry", id=row_id)
    assert "not waiting for a retry" in boss.get("/outbox").get_data(as_text=True)


def test_a_failed_message_is_shown_whole_and_tried_again(boss: Browser) -> None:
    item = intake.accept("email", "m1", b"From: x\r\n\r\n<script>", {"mail_from": "x@example.com"})
    with transaction():
        row = database.session.get_one(Intake, item)
        row.state, row.error = "failed", "ValueError: <b>bad</b>"
    page = boss.get("/intake").get_data(as_text=True)
    assert "&lt;b&gt;bad&lt;/b&gt;" in page
    raw = boss.get(f"/intake/{item}/raw")
    assert raw.data == b"From: x\r\n\r\n<script>"
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.mimetype == "application/octet-stream"
    boss.post("/intake/retry")
    assert database.session.scalars(select(Intake.state)).one() == "new"


def test_secrets_are_not_shown_among_the_settings(boss: Browser) -> None:
    page = boss.get("/plugins").get_data(as_text=True)
    assert "core.database_url" in page
    assert "••••••" in page
    assert "okno.db" not in page


def test_a_form_without_its_token_changes_nothing(boss: Browser) -> None:
    boss.token = "guessed"
    answer = boss.post("/users/anna/state", state="disabled")
    assert answer.status_code == 400
    assert directory.get_user("anna").disabled_at is None
