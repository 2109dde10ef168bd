"""The tour of the API in docs/integrators.md, carried out line by line."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import tokens
from core.db import db
from core.model import Service
from tests.core.api_house import person
from tests.core.test_api import make_cases
from tests.support.places import ROOT

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
GROUND = "$OKNO/api/v1"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def carry_out(client: FlaskClient, line: str, token: str) -> TestResponse:
    """A line of curl as a call of the test client; it knows the options that the page uses."""
    words = shlex.split(line.replace("$TOKEN", token))[1:]
    headers: dict[str, str] = {}
    sent: dict[str, Any] = {"method": "GET"}
    form: dict[str, Any] = {}
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-X":
            sent["method"] = words.pop(0)
        elif word == "-d":
            sent = {"method": "POST", **({k: v for k, v in sent.items() if v != "GET"}), "data": words.pop(0)}
        elif word == "-F":
            name, _, value = words.pop(0).partition("=")
            form[name] = (ROOT.joinpath("LICENSE").open("rb"), value[1:]) if value.startswith("@") else value
            sent = {"method": "POST", "data": form, "content_type": "multipart/form-data"}
        else:
            assert word.startswith(GROUND), f"unknown option {word}"
            sent["path"] = word.removeprefix("$OKNO")
    return client.open(**sent, headers=headers)


@pytest.mark.feature("P-08")
def test_every_line_of_the_tour_works(centre):
    user_id = person("anna")
    make_cases(1)
    assert (db.session.scalar(db.select(Service.id)), make_cases(0)) == (1, [])
    text = (ROOT / "docs/integrators.md").read_text("utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    scopes = re.findall(r"--scope (\S+)", next(line for line in lines if line.startswith("okno tokens create")))
    _, secret = tokens.create(user_id, "tour", scopes)
    calls = [line for line in lines if line.startswith("curl")]
    assert len(calls) >= 4
    for line in calls:
        answer = carry_out(centre.app.test_client(), line, secret)
        assert answer.status_code in (200, 201), f"{line}\n{answer.text}"
