"""Migrations: one Alembic branch for the core and one per plugin; only they create tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection

from core.db import db

CORE_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def alembic_config(app: Flask) -> AlembicConfig:
    """Alembic's configuration with the version folders of the core and the enabled plugins."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(CORE_VERSIONS.parent))
    folders = [str(CORE_VERSIONS), *(str(schema.migrations) for _, schema in app.extensions["okno"].schemas)]
    config.set_main_option("version_locations", ":".join(folders).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def heads(app: Flask) -> set[str]:
    """The newest revision of each branch."""
    return set(ScriptDirectory.from_config(alembic_config(app)).get_heads())


def pending(app: Flask) -> list[str]:
    """Branch heads the data base does not have; a disabled plugin's old revisions do not count."""
    script = ScriptDirectory.from_config(alembic_config(app))
    with app.app_context(), db.engine.connect() as connection:
        applied = set(MigrationContext.configure(connection).get_current_heads())
    return [_label(script, head) for head in script.get_heads() if head not in applied]


def _label(script: ScriptDirectory, revision: str) -> str:
    labels = script.get_revision(revision).branch_labels
    return next(iter(sorted(labels)), revision)


def upgrade(app: Flask) -> list[str]:
    """Bring every enabled branch to its head; returns the branches that moved. Safe to repeat and to run at once."""
    moved = pending(app)
    if not moved:
        return []
    script = ScriptDirectory.from_config(alembic_config(app))
    with app.app_context(), db.engine.connect().execution_options(okno_write=True) as connection, connection.begin():
        _one_at_a_time(connection)
        known = {revision.revision for revision in script.walk_revisions()}
        current = MigrationContext.configure(connection).get_current_heads()
        foreign = [revision for revision in current if revision not in known]
        _hide(connection, foreign)
        for target in ("core@head", "heads"):
            _climb(app, script, connection, target)
        _show(connection, foreign)
    return moved


def _climb(app: Flask, script: ScriptDirectory, connection: Connection, target: str) -> None:
    """Run the steps to ``target``. The core goes first, because the plugins' tables refer to its tables.

    Branches do not «depend on» each other in Alembic's sense: it would drop the core's row once a plugin stands on it, and with
    the plugin disabled nobody could tell that the core's tables are there.
    """

    def steps(revisions: Any, _context: Any) -> Any:
        return script._upgrade_revs(target, revisions)

    with EnvironmentContext(alembic_config(app), script) as environment:
        environment.configure(connection=connection, target_metadata=db.metadata, fn=steps, render_as_batch=True)
        environment.run_migrations()


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4241)")


def _hide(connection: Connection, revisions: list[str]) -> None:
    """Alembic refuses revisions whose files a disabled plugin took along; they step aside within the transaction."""
    for revision in revisions:
        connection.exec_driver_sql(f"DELETE FROM alembic_version WHERE version_num = '{revision}'")


def _show(connection: Connection, revisions: list[str]) -> None:
    for revision in revisions:
        connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')")


def new_revision(app: Flask, branch: str, message: str, folder: Path, *, first: bool) -> None:
    """Write a migration for ``branch`` by comparing its models with the data base; for developers."""
    options: dict[str, Any] = (
        {"head": "base", "branch_label": branch, "splice": True} if first else {"head": f"{branch}@head"}
    )
    with app.app_context():
        command.revision(alembic_config(app), message, autogenerate=True, version_path=str(folder), **options)
