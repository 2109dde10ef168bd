"""The question «Войти принудительно?» over HTTP: who may answer it, and what becomes of the other browser."""

from __future__ import annotations

import re
from contextvars import Context

import pytest

from core import directory, reasons
from core.db import db as database

PASSWORD = "correct horse battery"


class Browser:
    """A client of its own; each request has a context of its own, as on a server."""

    def __init__(self, app):
        self.client = app.test_client()
        self.token = ""

    def send(self, method, path, **values):
        headers = {"Accept": "text/html", "Accept-Language": "ru"}
        answer = Context().run(self.client.open, path, method=method, headers=headers, **values)
        database.session.rollback()
        if found := re.search(r'name="csrf-token" content="([^"]+)"', answer.text):
            self.token = found[1]
        return answer

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, **values):
        return self.send("POST", path, data={"csrf_token": self.token, **values})

    def sign_in(self, **values):
        self.get("/sign-in")
        return self.post("/sign-in", login="anna", password=PASSWORD, **values)


@pytest.fixture
def browsers(app, db):
    directory.ensure_roles()
    reasons.ensure_reasons()
    directory.add_user("anna", "Анна", password=PASSWORD, roles=["agent"])
    return [Browser(app) for _ in range(3)]


def ticket_of(answer):
    return re.search(r'name="ticket" value="([^"]+)"', answer.text)[1]


@pytest.mark.feature("D-09")
def test_the_answer_works_once_asked_and_in_this_browser_only(browsers):
    first, second, thief = browsers
    assert first.sign_in().status_code == 302
    asked = second.sign_in(next="/queue")
    assert asked.status_code == 409 and "Войти принудительно?" in asked.text
    assert first.get("/").status_code == 200
    thief.get("/sign-in")
    assert thief.post("/sign-in", ticket=ticket_of(asked)).status_code == 401
    assert thief.post("/sign-in", ticket="nonsense").status_code == 401
    entered = second.post("/sign-in", ticket=ticket_of(asked), next="/queue")
    assert (entered.status_code, entered.headers["Location"]) == (302, "/queue")
    assert first.get("/").headers["Location"].startswith("/sign-in")
    assert "Вы вошли в другом браузере" in first.get("/session/over").text


def test_the_same_browser_is_not_asked_and_a_fragment_learns_that_nobody_is_signed_in(browsers):
    first = browsers[0]
    first.sign_in()
    first.get("/")
    assert first.post("/sign-in", login="anna", password=PASSWORD).status_code == 302
    assert first.get("/session/over").status_code == 204
    answer = browsers[1].client.get("/desk/around", headers={"HX-Request": "true"})
    assert answer.status_code == 401 and "okno:signed-out" in answer.headers["HX-Trigger"]
