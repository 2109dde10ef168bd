"""Signing in, staying in, and who may open what."""

from __future__ import annotations

import re

import pytest

from core import directory
from core.db import db
from core.model import SignIn, User
from core.permissions import unguarded


@pytest.fixture
def people(app, db):
    with app.app_context():
        directory.ensure_roles()
        directory.add_user("anna", first_name="Анна", password="correct horse", roles=["agent"])
        directory.add_user("root", first_name="Root", password="correct horse", roles=["admin"])
    return app.test_client()


def token(client) -> str:
    return re.search(r'name="csrf[-_]token"[^>]*(?:content|value)="([^"]+)"', client.get("/sign-in").text).group(1)


def sign_in(client, login="anna", password="correct horse", **extra):
    return client.post("/sign-in", data={"csrf_token": token(client), "login": login, "password": password, **extra})


def test_a_right_password_opens_the_desk_and_is_kept_only_as_argon2(people, app):
    answer = sign_in(people)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    with app.app_context():
        assert db.session.scalars(db.select(User.password_hash)).first().startswith("$argon2id$")
        assert "correct horse" not in db.session.scalars(db.select(SignIn)).one().token_hash


def test_without_signing_in_pages_lead_to_the_sign_in_page_and_fragments_say_401(people):
    assert people.get("/").headers["Location"].startswith("/sign-in")
    assert people.get("/", headers={"HX-Request": "true"}).status_code == 401
    assert people.get("/", headers={"Accept": "application/json"}).get_json()["error"]["code"] == "http-401"


def test_a_wrong_password_ten_times_is_refused_clearly_and_then_slowed(people):
    codes = [sign_in(people, password="wrong").status_code for _ in range(10)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert sign_in(people).status_code == 429
    assert sign_in(people, login="root").status_code == 302


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_sign_in_error_is_in_the_viewers_language(people, language):
    people.get(f"/sign-in?lang={language}")
    text = sign_in(people, password="wrong").text
    assert ("Неверный" in text) == (language == "ru")


def test_an_unsafe_request_without_the_token_is_refused(people):
    assert people.post("/sign-in", data={"login": "anna", "password": "correct horse"}).status_code == 400
    sign_in(people)
    assert people.post("/sign-out").status_code == 400


def test_signing_out_ends_the_session_even_for_a_copied_cookie(people, app):
    sign_in(people)
    cookie = people.get_cookie("okno").value
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', people.get("/").text).group(1)
    people.post("/sign-out", data={"csrf_token": csrf})
    thief = app.test_client()
    thief.set_cookie("okno", cookie)
    assert thief.get("/").status_code == 302


def test_a_disabled_user_is_out_at_once(people, app):
    sign_in(people)
    assert people.get("/").status_code == 200
    with app.app_context():
        directory.disable_user(directory.get_user("anna").id)
    db.session.rollback()  # the fixture's context outlives requests; on SQLite it would go on reading the old state
    assert people.get("/").status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_way_back_after_signing_in_never_leaves_the_house(people, target):
    assert sign_in(people, next=target).headers["Location"] == "/"


def test_an_agent_may_not_open_the_admin_pages(people):
    sign_in(people)
    assert people.get("/admin").status_code == 403


def test_every_route_carries_a_privilege_or_is_declared_public(app):
    assert unguarded(app) == []
    public = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "okno_permission", None) == ""
    }
    assert "/" not in public
    assert not [rule for rule in public if rule.startswith("/admin")]


def test_every_answer_has_a_policy_without_inline_script(people):
    for path in ("/sign-in", "/no/such/page", "/healthz"):
        headers = people.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*(?:\bsrc=|application/json))|\son\w+=|\sstyle=", people.get("/sign-in").text)


def test_errors_have_one_shape_for_programs(people):
    answer = people.get("/no/such", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert {"code", "text"} <= set(answer.get_json()["error"])
