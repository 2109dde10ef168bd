"""People as operations: users, passwords, roles, teams, each change checked and audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import audit, directory
from core.clock import now
from core.contracts import Rejected
from core.db import db as database
from core.db import transaction
from core.model import Audit, Role, SignIn
from core.schemas import Invalid

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def roles(db: Any) -> None:
    directory.ensure_roles()


def last_audit() -> Audit:
    return audit.entries(limit=1)[0]


def test_a_new_user_has_roles_and_teams_and_is_audited() -> None:
    directory.add_team("first-line", "First line", "1-я линия")
    with audit.acting_as("maria", "10.0.0.7"):
        user = directory.add_user(
            "Ivan.Petrov", " Иван ", password=PASSWORD, teams=["first-line"], email="ivan@example.com"
        )
    assert user.login == "ivan.petrov"
    assert user.first_name == "Иван"
    assert [role.key for role in user.roles] == ["agent"]
    assert [member.team.key for member in user.memberships] == ["first-line"]
    entry = last_audit()
    assert (entry.actor, entry.ip, entry.action, entry.object_id) == ("maria", "10.0.0.7", "user.add", "ivan.petrov")
    assert entry.after["email"] == "ivan@example.com"


def test_the_password_is_hashed_with_argon2_and_never_audited() -> None:
    user = directory.add_user("ivan", "Иван", password=PASSWORD)
    directory.set_password(user.id, "another good one")
    assert user.password_hash.startswith("$argon2id$")
    written = [(entry.before, entry.after) for entry in audit.entries()]
    assert "another good one" not in str(written)
    assert PASSWORD not in str(written)
    assert "argon2" not in str(written)


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_password_outside_the_limits_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        directory.add_user("ivan", "Иван", password=password)
    assert "password" in refusal.value.errors


def test_the_login_is_no_password() -> None:
    with pytest.raises(Invalid, match="differ from the login"):
        directory.add_user("ivan.petrov", "Иван", password="Ivan.Petrov")


def test_a_right_password_gives_the_user_and_a_wrong_one_nobody() -> None:
    directory.add_user("ivan", "Иван", password=PASSWORD)
    found = directory.verify_password("IVAN", PASSWORD)
    assert found is not None
    assert found.login == "ivan"
    assert directory.verify_password("ivan", "wrong") is None
    assert directory.verify_password("nobody", PASSWORD) is None


def test_an_account_without_a_password_cannot_sign_in() -> None:
    directory.add_user("ivan", "Иван")
    assert directory.verify_password("ivan", "") is None
    assert directory.verify_password("ivan", "nobody has this password") is None


def test_a_disabled_user_cannot_sign_in_and_open_sessions_end() -> None:
    user = directory.add_user("ivan", "Иван", password=PASSWORD)
    with transaction():
        database.session.add(SignIn(user_id=user.id, token_hash="a" * 64))
    directory.disable_user(user.id)
    directory.disable_user(user.id)
    assert directory.verify_password("ivan", PASSWORD) is None
    ended = database.session.scalars(select(SignIn)).one()
    assert ended.ended_why == "disabled"
    directory.enable_user(user.id)
    assert directory.verify_password("ivan", PASSWORD) is not None


def test_a_new_password_ends_open_sessions() -> None:
    user = directory.add_user("ivan", "Иван", password=PASSWORD)
    with transaction():
        database.session.add(SignIn(user_id=user.id, token_hash="b" * 64, created_at=now() - timedelta(hours=1)))
    directory.set_password(user.id, "another good one")
    assert database.session.scalars(select(SignIn)).one().ended_at is not None


def test_a_taken_login_is_refused_whatever_the_case() -> None:
    directory.add_user("ivan", "Иван")
    with pytest.raises(Invalid) as refusal:
        directory.add_user("IVAN", "Другой")
    assert refusal.value.code == "exists"
    assert refusal.value.errors["login"].ru == "Логин «ivan» уже занят."


def test_every_wrong_field_has_a_message_in_both_languages() -> None:
    with pytest.raises(Invalid) as refusal:
        directory.add_user("Иван", " ", email="nowhere", timezone="Mars/Base", language="de")
    assert set(refusal.value.errors) == {"login", "first_name", "email", "timezone", "language"}
    assert all(text.en and text.ru and text.en != text.ru for text in refusal.value.errors.values())


def test_an_unknown_field_is_refused_instead_of_forgotten() -> None:
    with pytest.raises(Invalid, match="no such field"):
        directory.add_user("ivan", "Иван", phone="123")


def test_the_last_administrator_stays() -> None:
    boss = directory.add_user("boss", "Boss", roles=["admin"])
    with pytest.raises(Rejected) as refusal:
        directory.set_roles(boss.id, ["agent"])
    assert refusal.value.code == "last-admin"
    with pytest.raises(Rejected):
        directory.disable_user(boss.id)
    other = directory.add_user("second", "Second", roles=["admin"])
    directory.disable_user(boss.id)
    assert directory.get_user("boss").disabled_at is not None
    with pytest.raises(Rejected):
        directory.set_roles(other.id, [])


def test_a_change_keeps_before_and_after_of_the_changed_fields_only() -> None:
    user = directory.add_user("ivan", "Иван", email="old@example.com")
    directory.update_user(user.id, email="new@example.com", first_name="Иван")
    assert last_audit().before == {"email": "old@example.com"}
    assert last_audit().after == {"email": "new@example.com"}


def test_a_change_of_nothing_is_not_audited() -> None:
    user = directory.add_user("ivan", "Иван")
    count = len(audit.entries())
    directory.update_user(user.id, first_name="Иван")
    assert len(audit.entries()) == count


def test_members_become_exactly_those_named() -> None:
    team = directory.add_team("experts", "Experts", "Эксперты")
    people = [directory.add_user(login, login.title()) for login in ("anna", "boris", "vera")]
    directory.set_members(team.id, {people[0].id: True, people[1].id: False})
    directory.set_members(team.id, {people[1].id: True, people[2].id: False})
    members = {member.user.login: member.supervisor for member in directory.get_team("experts").members}
    assert members == {"boris": True, "vera": False}
    assert last_audit().after == {"members": ["boris", "vera"], "supervisors": ["boris"]}


def test_leaving_teams_keeps_the_supervisor_of_the_rest() -> None:
    one, two = directory.add_team("one", "One", "Один"), directory.add_team("two", "Two", "Два")
    user = directory.add_user("anna", "Anna")
    directory.set_members(one.id, {user.id: True})
    directory.set_members(two.id, {user.id: False})
    directory.set_teams(user.id, ["one"])
    assert [(m.team.key, m.supervisor) for m in directory.get_user("anna").memberships] == [("one", True)]


def test_an_unknown_role_or_team_is_named() -> None:
    with pytest.raises(Rejected, match="There is no role «boss»"):
        directory.add_user("ivan", "Иван", roles=["boss"])
    with pytest.raises(Rejected, match="There is no team «x»"):
        directory.add_user("ivan", "Иван", teams=["x"])
    assert directory.find_user("ivan") is None


def test_privileges_are_handed_out_once_and_what_the_administrator_took_away_stays_away() -> None:
    agent = database.session.scalars(select(Role).where(Role.key == "agent")).one()
    assert "case.reply" in agent.privileges
    directory.save_role("agent", "Agent", "Оператор", ["desk.use"])
    assert directory.ensure_roles() == []
    assert database.session.scalars(select(Role).where(Role.key == "agent")).one().privileges == ["desk.use"]


def test_the_administrator_role_keeps_its_privileges() -> None:
    with pytest.raises(Rejected) as refusal:
        directory.save_role("admin", "Administrator", "Администратор", ["desk.use"])
    assert refusal.value.code == "last-admin"


def test_a_role_holds_existing_privileges_only() -> None:
    with pytest.raises(Rejected, match="fly"):
        directory.save_role("pilot", "Pilot", "Пилот", ["fly"])


def test_an_operation_inside_a_failed_transaction_leaves_nothing() -> None:
    def add_two() -> None:
        with transaction():
            directory.add_user("ivan", "Иван")
            directory.add_user("ivan", "Другой")

    with pytest.raises(Invalid):
        add_two()
    assert directory.find_user("ivan") is None
