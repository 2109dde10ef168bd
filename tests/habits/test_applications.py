"""The application fixtures: a migrated data base of each kind, fresh for every test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

if TYPE_CHECKING:
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_a_migrated_data_base_of_its_own(
    app: Flask, db: SQLAlchemy, database_kind: str, number: int
) -> None:
    assert db.engine.dialect.name == database_kind
    assert "alembic_version" in inspect(db.engine).get_table_names()
    db.session.execute(text("CREATE TABLE left_behind (id integer)"))
    db.session.commit()


def test_no_plugin_is_enabled_unless_a_module_says_so(app: Flask, home: Path) -> None:
    assert app.extensions["okno"].config.get("core.plugins") == []
    assert app.config["OKNO_HOME"] == str(home)
