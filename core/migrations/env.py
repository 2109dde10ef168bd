"""Alembic's environment for ``okno db revision``; upgrades go through :mod:`core.migrate` directly."""

from alembic import context

from core.db import db


def mine(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave out tables that are in the data base but belong to plugins that are not loaded."""
    return not (kind == "table" and reflected and compare_to is None)


with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        user_module_prefix="",
        include_object=mine,
    )
    with context.begin_transaction():
        context.run_migrations()
