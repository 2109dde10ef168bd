"""Every operation of the API called with values made from its description: nothing breaks, and what is described is what comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode

from core import tokens
from core.db import db, transaction
from core.model import ApiToken
from tests.core.api_house import all_scopes, person, populate
from tests.support.applications import MigratedTemplates, make_app

SETTINGS = {"core.plugins": ["kb"], "api.requests_per_minute": 0, "log.level": "error"}
EXAMPLES = 3
CONFIG = {
    # A rule of the house that no schema tells (an id of nothing, a scope that is not there) is 422 as well.
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "304", "400", "401", "403", "404", "409", "412", "422"]
        },
        # What is wrong may be too large as well, or no conflict with what is there.
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422"]
        },
    },
}
OUT_OF_REACH = 2_000_000_011


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, migrated_templates: MigratedTemplates) -> Iterator[Flask]:
    """An application with a plugin that adds operations and one of each kind of thing, on SQLite, kept for the module."""
    home: Path = tmp_path_factory.mktemp("api")
    app = make_app(home, migrated_templates.copy("sqlite", SETTINGS, home), SETTINGS)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def headers(house: Flask) -> dict[str, str]:
    """A token that may do everything, out of reach of «revoke token 1»."""
    with house.app_context():
        user_id = person("root", "admin")
        populate(house, user_id)
        row, secret = tokens.create(user_id, "schemathesis", all_scopes())
        with transaction():
            db.session.get_one(ApiToken, row.id).id = OUT_OF_REACH
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def schema(house: Flask) -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", house, config=schemathesis.Config.from_dict(CONFIG))


def check(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    """Call one operation with right values for things that are there, or with wrong ones, and hold the answers to the description."""
    there = {item.name: 1 for item in operation.path_parameters} if mode is GenerationMode.POSITIVE else {}

    @given(operation.as_strategy(generation_mode=mode, path_parameters=there or None))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def called(case: Any) -> None:
        # Part of the case, so that a missing token does not count as what is wrong with it.
        case.headers = {**(case.headers or {}), **headers}
        case.call_and_validate(headers=headers)

    called()


@pytest.mark.feature("P-08")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_every_operation_keeps_its_description(house: Flask, headers: dict[str, str], schema: Any, mode: Any) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == len(house.extensions["okno"].api)
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue
        check(operation, mode, headers)


@pytest.mark.feature("P-08")
@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_description_is_valid_openapi_3_1(house: Flask, language: str) -> None:
    described = house.test_client().get("/api/v1/openapi.json", headers={"Accept-Language": language}).get_json()
    assert described["openapi"] == "3.1.0"
    validate(described)
    summary = described["paths"]["/api/v1/cases"]["get"]["summary"]
    assert summary == ("Запросы" if language == "ru" else "Cases")
