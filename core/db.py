"""The data base: engine tuning, the write transaction, aware UTC time.

SQLite is opened in WAL mode with explicit transactions: reads begin deferred, writes begin immediate behind an
in-process lock, so that writers queue fairly instead of polling the file. PostgreSQL needs neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Engine, Insert, MetaData, bindparam, event, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, make_transient_to_detached, registry
from sqlalchemy.types import TypeDecorator

from core.durable import GroupSync

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; refuses naive times, because a naive time is a bug."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}: use core.clock.now()")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UTCDateTime,
            dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
            list[Any]: JSON().with_variant(JSONB(), "postgresql"),
        },
    )


db = SQLAlchemy(model_class=Base)
_write_lock = threading.RLock()
DURABLE = "okno_durable"
AroundCommit = Callable[[], None]


@dataclass(slots=True)
class Work:
    """An open write transaction: its connection, what runs before and after its commit, what modules keep for that (``notes``).

    Statements on ``connection`` do without what the session adds; what waits to be flushed is not flushed for them.
    """

    held: Connection
    before: list[AroundCommit] = field(default_factory=list)
    after: list[AroundCommit] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        """The connection; a savepoint that is only announced (:mod:`core.hooks`) is set before anything is said on it."""
        session = db.session()
        if session.in_nested_transaction():
            session.connection()
        return self.held


def engine_options(url: str) -> dict[str, Any]:
    """Pool and connection options for ``url`` (REALTIME.md, point 5)."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10, "check_same_thread": False}, "pool_size": 20, "max_overflow": 0}
    return {"pool_size": 20, "max_overflow": 5, "pool_timeout": 10, "pool_recycle": 1800, "pool_pre_ping": True}


def tune(engine: Engine) -> None:
    """Install SQLite's pragmas and explicit transactions; nothing to do on PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        for pragma in (
            # Where a log is written, transactions wait for the disk by themselves, together (core.durable).
            f"synchronous={'NORMAL' if mode == 'wal' else 'FULL'}",
            "busy_timeout=10000",
            "foreign_keys=ON",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function(
            "okno_lower", 1, lambda s: s.lower() if isinstance(s, str) else s, deterministic=True
        )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("okno_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def current_work() -> Work:
    """The open write transaction; raises :class:`RuntimeError` outside of one."""
    work: Work | None = g.get("okno_work")
    if work is None:
        raise RuntimeError("this belongs inside `with transaction():`")
    return work


def before_commit(call: AroundCommit) -> None:
    """Run ``call`` as the last thing inside the current write transaction; if it raises, all is rolled back."""
    current_work().before.append(call)


def on_commit(call: AroundCommit) -> None:
    """Run ``call`` once the current write transaction has committed; forgotten if it rolls back."""
    current_work().after.append(call)


def in_transaction() -> bool:
    """Whether a :func:`transaction` is open in this context."""
    return has_app_context() and g.get("okno_work") is not None


@contextmanager
def transaction() -> Iterator[None]:
    """One write transaction; nested use joins the outer one.

    The outermost exit runs the ``before_commit`` calls, commits, then runs the ``on_commit`` calls. Raises whatever the block raises, after a rollback.
    """
    if in_transaction():
        yield
        return
    sqlite = db.engine.dialect.name == "sqlite"
    if sqlite:
        _write_lock.acquire()
    try:
        db.session.rollback()
        g.okno_work = work = Work(db.session.connection(execution_options={"okno_write": True}))
        raw: Any = work.held.connection.dbapi_connection
        changes = raw.total_changes if sqlite else 0
        yield
        while work.before:
            work.before.pop(0)()
        db.session.commit()
        written = sqlite and raw.total_changes != changes
    except BaseException:
        db.session.rollback()
        raise
    finally:
        g.okno_work = None
        if sqlite:
            _write_lock.release()
    if written:
        current_app.extensions[DURABLE].wait()
    for call in work.after:
        call()


def put(row: Any) -> None:
    """Insert a new row in the open transaction now, as one statement past the unit of work: a fraction of what a flush costs.

    For tables that much is written to. The row is in the session afterwards, with its id and defaults, as if it had been flushed;
    what waited to be flushed still waits. Set foreign keys, not relationships. Listeners to flushes don't hear of it.
    """
    model: Any = type(row)
    insert, fields, key = _insertion(model)
    given = row.__dict__
    values = {name: given[name] if name in given else default() for name, default in fields}
    found = current_work().connection.execute(insert, values).scalar_one()
    given.update(values)
    given[key] = found
    make_transient_to_detached(row)
    db.session.add(row)


@cache
def _insertion(model: type[Any]) -> tuple[Insert, list[tuple[str, Callable[[], Any]]], str]:
    """The statement, the names of the values it takes with what stands in for missing ones, and the name of the key."""
    mapper = inspect(model)
    (key,) = mapper.primary_key
    fields = [
        (mapper.get_property_by_column(column).key, _default(column)) for column in mapper.columns if column is not key
    ]
    values: dict[Any, Any] = {mapper.columns[name]: bindparam(name) for name, _ in fields}
    return mapper.local_table.insert().values(values).returning(key), fields, mapper.get_property_by_column(key).key


def _default(column: Any) -> Callable[[], Any]:
    default = column.default
    if default is None:
        return lambda: None
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)


def init_db(app: Flask, url: str) -> None:
    """Bind the data base to ``app``; creates nothing."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    db.init_app(app)
    with app.app_context():
        tune(db.engine)
        app.extensions[DURABLE] = GroupSync(Path(f"{db.engine.url.database}-wal"))
