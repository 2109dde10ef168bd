"""The application in the test's own process, on SQLite and on PostgreSQL.

``app`` and ``db`` run each test twice, once on each data base. A module chooses plugins and settings by a fixture of
its own named ``settings``. Migrations run once for each set of settings; every test gets a copy of the result.
"""

from __future__ import annotations

import gc
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from tests.support.postgresql_server import PostgreSQLServer

if TYPE_CHECKING:
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

Settings = dict[str, Any]


class CompiledTemplates(BytecodeCache):
    """What one application of this process has compiled serves the others."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


class MigratedTemplates:
    """Migrated data bases to copy from, one for each data base kind, set of settings and furnishing."""

    def __init__(self, folder: Path, server: Callable[[], PostgreSQLServer]) -> None:
        self._folder = folder
        self._server = server
        self._made: dict[tuple[str, str], str] = {}

    def copy(
        self, kind: str, settings: Settings, home: Path, furnish: Callable[..., None] | None = None, **wishes: Any
    ) -> str:
        """The address of a fresh migrated data base for a test's home folder, with what ``furnish(**wishes)`` adds to it."""
        key = (kind, json.dumps([settings, furnish and furnish.__qualname__, wishes], sort_keys=True, default=str))
        if key not in self._made:
            self._made[key] = self._migrate(kind, settings, partial(furnish, **wishes) if furnish else None)
        if kind == "postgresql":
            server = self._server()
            return server.url(server.create(self._made[key]))
        shutil.copyfile(self._made[key], home / "okno.db")
        return f"sqlite:///{home / 'okno.db'}"

    def drop(self, kind: str, url: str) -> None:
        """Give back what ``copy`` made."""
        if kind == "postgresql":
            self._server().drop(url.rpartition("/")[2])

    def _migrate(self, kind: str, settings: Settings, furnish: Callable[[], None] | None) -> str:
        home = Path(tempfile.mkdtemp(dir=self._folder))
        name = self._server().create() if kind == "postgresql" else str(home / "okno.db")
        url = self._server().url(name) if kind == "postgresql" else f"sqlite:///{name}"
        application = make_app(home, url, settings, check_schema=False)
        from core.db import db
        from core.migrate import upgrade

        with application.app_context():
            upgrade(application)
            if furnish is not None:
                furnish()
            db.session.remove()
            db.engine.dispose()
            if kind == "sqlite":
                # The copy takes one file: what the write-ahead log still holds has to be in it.
                with closing(sqlite3.connect(name)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if kind == "postgresql":
            self._server().seal(name)
        return name


def make_app(home: Path, url: str, settings: Settings, *, check_schema: bool = True) -> Flask:
    """The application for a home folder and a data base. The import is late: collecting tests needs no application."""
    from core.app import create_app

    app = create_app(home, {"core.database_url": url, **settings}, check_schema=check_schema)
    app.jinja_env.bytecode_cache = COMPILED
    _leave_alone_what_is_imported()
    return app


# Every application is some 100,000 objects in a process that has imported a million: at Python's own thresholds looking
# through them for cyclic garbage took half of all time.
GARBAGE_THRESHOLDS = (20_000, 10, 10)


def pytest_configure() -> None:
    gc.set_threshold(*GARBAGE_THRESHOLDS)


@cache
def _leave_alone_what_is_imported() -> None:
    """What is there once the first application is made stays to the end; the collector looks at the rest."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords of tests withstand nobody: hashed as a house hashes them, they took half of the time of tests that sign in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def migrated_templates(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> MigratedTemplates:
    """The templates of this test process."""
    return MigratedTemplates(tmp_path_factory.mktemp("templates"), lambda: request.getfixturevalue("postgresql_server"))


@pytest.fixture(params=BOTH)
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``: a test that asks for it runs on both."""
    kind: str = request.param
    if kind == "postgresql":
        request.getfixturevalue("postgresql_server")
    return kind


@pytest.fixture
def database_url(database_kind: str, home: Path, request: pytest.FixtureRequest) -> str:
    """The address of an empty data base, once of each kind."""
    if database_kind == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    return f"sqlite:///{home / 'okno.db'}"


@pytest.fixture
def settings() -> Settings:
    """Settings by their dotted names, no plugin enabled; a module may return ``{"core.plugins": ["kb"]}``."""
    return {"core.plugins": []}


@pytest.fixture
def migrated_url(
    database_kind: str, settings: Settings, home: Path, migrated_templates: MigratedTemplates
) -> Iterator[str]:
    """The address of a migrated, otherwise empty data base, once of each kind."""
    url = migrated_templates.copy(database_kind, settings, home)
    yield url
    migrated_templates.drop(database_kind, url)


@pytest.fixture
def app(home: Path, migrated_url: str, settings: Settings) -> Iterator[Flask]:
    """The application on a migrated data base, once of each kind."""
    application = make_app(home, migrated_url, settings)
    yield application
    from core.db import db

    with application.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def db(app: Flask) -> Iterator[SQLAlchemy]:
    """The data base inside an application context that lasts as long as the test."""
    from core.db import db as database

    with app.app_context():
        yield database
