"""The admin pages as a client without scripts sees them: sign in, open pages, post forms with their token."""

from __future__ import annotations

import re
from contextvars import Context
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from core.db import db as database

PASSWORD = "correct horse battery"


class Browser:
    """A client that posts forms with their token. Each request has a context of its own, as on a server."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client = app.test_client()
        self.headers = {"Accept-Language": language, "Accept": "text/html"}
        self.token = ""

    def send(self, method: str, path: str, **values: Any) -> TestResponse:
        answer: TestResponse = Context().run(self.client.open, path, method=method, headers=self.headers, **values)
        database.session.rollback()
        return answer

    def get(self, path: str) -> TestResponse:
        answer = self.send("GET", f"/admin{path}")
        self.keep_token(answer)
        return answer

    def post(self, path: str, **values: Any) -> TestResponse:
        return self.send("POST", f"/admin{path}", data={"csrf_token": self.token, **values})

    def keep_token(self, answer: TestResponse) -> None:
        if found := re.search(r'name="csrf-token" content="([^"]+)"', answer.get_data(as_text=True)):
            self.token = found[1]


def sign_in(app: Flask, login: str, language: str = "en") -> Browser:
    browser = Browser(app, language)
    page = browser.send("GET", "/sign-in")
    browser.keep_token(page)
    answer = browser.send("POST", "/sign-in", data={"login": login, "password": PASSWORD, "csrf_token": browser.token})
    assert answer.status_code == 302
    browser.get("")
    return browser
