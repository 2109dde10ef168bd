"""``okno doctor``: look at everything that can be wrong, and say what to do about it. Nothing here changes anything."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core import migrate
from core.app import create_app, okno
from core.clock import now
from core.config import FILE_NAME, ConfigError
from core.contracts import HealthCheck
from core.db import db
from core.model import Intake, Lease, OutboxRow, PluginFault, Service, User, WorkflowRun
from core.pluginmanager import PluginProblem

LEAST_FREE_MB = 500
RECENT = timedelta(days=1)


def examine(home: Path) -> list[HealthCheck]:
    """All checks of the centre in ``home``, however far they get; never raises for a broken one."""
    if not home.is_dir():
        return [HealthCheck("home", False, f"{home} is not there", f"okno --home {home} init")]
    checks = [*check_home(home)]
    try:
        app = create_app(home, check_schema=False)
    except (ConfigError, PluginProblem) as problem:
        return [*checks, HealthCheck("settings", False, str(problem), f"correct {home / FILE_NAME}")]
    with app.app_context():
        return [*checks, HealthCheck("settings", True, f"{home / FILE_NAME} is valid"), *examine_app(app)]


def examine_app(app: Flask) -> list[HealthCheck]:
    """The checks that need the application; for its context."""
    checks = [*check_plugins()]
    reached = check_database(app)
    checks.append(reached)
    if not reached.ok:
        return checks
    schema = check_schema(app)
    checks.append(schema)
    if schema.ok:
        own = (check_worker, check_outbox, check_intake, check_workflows, check_faults, check_people)
        checks += [_guarded(check) for check in own]
        checks += [check for _, check in okno().hooks.health()]
    return checks


def _guarded(check: Callable[[], HealthCheck]) -> HealthCheck:
    try:
        return check()
    except SQLAlchemyError as error:
        db.session.rollback()
        name = check.__name__.removeprefix("check_")
        return HealthCheck(name, False, f"the data base answered: {error.__class__.__name__}", "okno db upgrade")


def check_home(home: Path) -> Iterator[HealthCheck]:
    """The folder, the space in it, who may read the key."""
    free = shutil.disk_usage(home).free >> 20
    mend = "make room: when the disk is full, mail is refused and senders keep it"
    yield HealthCheck("disk", free >= LEAST_FREE_MB, f"{free} MB free for {home}", mend)
    key = home / "secret.key"
    if key.exists():
        mode = stat.S_IMODE(key.stat().st_mode)
        detail = f"secret.key is {'readable by its owner only' if not mode & 0o077 else f'open to others ({mode:o})'}"
        yield HealthCheck("secrets", not mode & 0o077, detail, f"chmod 600 {key}")


def check_plugins() -> list[HealthCheck]:
    """Enabled plugins that could not be loaded, one line each."""
    plugins = okno().plugins
    loaded = ", ".join(plugins.loaded) or "none is enabled: okno plugins enable kb email"
    mend = "install what is missing, or  okno plugins disable {}"
    bad = [HealthCheck("plugins", False, problem, mend.format(name)) for name, problem in plugins.problems.items()]
    return [HealthCheck("plugins", True, loaded), *bad]


def check_database(app: Flask) -> HealthCheck:
    """That it answers."""
    name = db.engine.url.render_as_string(hide_password=True)
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        db.session.rollback()
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return HealthCheck("database", False, f"{name}: {reason}", "start the data base, or correct core.database_url")
    return HealthCheck("database", True, name)


def check_schema(app: Flask) -> HealthCheck:
    """That all migrations have run."""
    missing = migrate.pending(app)
    return HealthCheck(
        "schema", not missing, f"lacks {', '.join(missing)}" if missing else "up to date", "okno db upgrade"
    )


def check_worker() -> HealthCheck:
    """That a worker holds the lease."""
    lease = db.session.get(Lease, "worker")
    alive = lease is not None and lease.expires_at > now()
    detail = f"{lease.holder}" if lease and alive else "no worker is running: nothing is taken in, offered or sent"
    return HealthCheck("worker", alive, detail, "okno run, or okno worker")


def check_outbox() -> HealthCheck:
    """That nothing is dead or overdue."""

    def count(state: str) -> int:
        return db.session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.state == state)) or 0

    late = select(func.count(OutboxRow.id)).where(
        OutboxRow.state == "pending", OutboxRow.due_at < now() - timedelta(minutes=5)
    )
    dead, overdue = count("dead"), db.session.scalar(late) or 0
    detail = f"{count('pending')} waiting, {overdue} overdue, {dead} dead"
    return HealthCheck(
        "outbox", not dead and not overdue, detail, "okno outbox list --state dead;  okno outbox retry --all"
    )


def check_intake() -> HealthCheck:
    """That everything taken in was understood."""
    failed = db.session.scalar(select(func.count(Intake.id)).where(Intake.state == "failed")) or 0
    stale = select(func.count(Intake.id)).where(Intake.state == "new", Intake.due_at < now() - timedelta(minutes=5))
    waiting = db.session.scalar(stale) or 0
    detail = f"{failed} failed, {waiting} overdue"
    return HealthCheck(
        "intake", not failed and not waiting, detail, "okno intake list --state failed;  okno intake retry --all"
    )


def check_workflows() -> HealthCheck:
    """That no run gave up."""
    failed = db.session.scalar(select(func.count(WorkflowRun.id)).where(WorkflowRun.state == "failed")) or 0
    return HealthCheck("workflows", not failed, f"{failed} runs failed", "look at the workflow's page for the error")


def check_faults() -> HealthCheck:
    """That no plugin raised since yesterday."""
    query = select(PluginFault).where(PluginFault.last_at > now() - RECENT).order_by(PluginFault.last_at.desc())
    found = list(db.session.scalars(query))
    if not found:
        return HealthCheck("faults", True, "no plugin failed in the last 24 hours")
    worst = found[0]
    detail = f"{worst.plugin} in {worst.hook}: {worst.last_error.splitlines()[0] if worst.last_error else '?'} ({len(found)} hooks fail)"
    return HealthCheck("faults", False, detail[:300], "see the admin page «Plugins», and the log")


def check_people() -> HealthCheck:
    """That somebody can sign in, and that a service takes what comes."""
    users = (
        db.session.scalar(select(func.count(User.id)).where(User.disabled_at.is_(None), User.password_hash != "")) or 0
    )
    services = db.session.scalar(select(func.count(Service.id)).where(Service.active)) or 0
    if not users:
        return HealthCheck("people", False, "nobody can sign in", "okno users add LOGIN --first-name NAME --role admin")
    if not services:
        return HealthCheck(
            "people", False, "no active service takes messages", "okno services add KEY --title NAME --team TEAM"
        )
    return HealthCheck("people", True, f"{users} users, {services} services")
