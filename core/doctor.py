"""``okno doctor``: look at everything that can be wrong, and say what to do about it. Nothing here changes anything."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core import migrate
from core.app import create_app
from core.clock import now
from core.config import FILE_NAME, ConfigError
from core.contracts import HealthCheck, Text
from core.db import db
from core.house import okno
from core.model import Intake, Lease, OutboxRow, PluginFault, Service, User, WorkflowRun
from core.pluginmanager import PluginProblem

LEAST_FREE_MB = 500
RECENT = timedelta(days=1)
OVERDUE = timedelta(minutes=5)
NAMES = {
    "home": "папка",
    "disk": "диск",
    "secrets": "секреты",
    "settings": "настройки",
    "plugins": "плагины",
    "database": "база данных",
    "schema": "схема базы",
    "worker": "обработчик",
    "outbox": "исходящие",
    "intake": "приём",
    "workflows": "процессы",
    "faults": "сбои",
    "people": "люди",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check in both languages; ``mend`` is a command or says what to do when it is not ``ok``."""

    name: str
    ok: bool
    detail: Text
    mend: Text | str = ""

    def to(self, language: str) -> HealthCheck:
        """For a reader of ``language``; programs read English, whose names are stable."""
        name = NAMES.get(self.name, self.name) if language == "ru" else self.name
        mend = self.mend.to(language) if isinstance(self.mend, Text) else self.mend
        return HealthCheck(name, self.ok, self.detail.to(language), mend)


def same(text: str) -> Text:
    """A text that needs no translation: a path, a message of another program."""
    return Text(text, text)


def examine(home: Path, language: str = "en") -> list[HealthCheck]:
    """All checks of the centre in ``home``, however far they get; never raises for a broken one."""
    if not home.is_dir():
        gone = Finding("home", False, Text(f"{home} is not there", f"папки {home} нет"), f"okno --home {home} init")
        return [gone.to(language)]
    checks = [found.to(language) for found in check_home(home)]
    file = home / FILE_NAME
    try:
        app = create_app(home, check_schema=False)
    except (ConfigError, PluginProblem) as problem:
        mend = Text(f"correct {file}", f"исправьте {file}")
        return [*checks, Finding("settings", False, same(str(problem)), mend).to(language)]
    with app.app_context():
        valid = Finding("settings", True, Text(f"{file} is valid", f"{file} в порядке"))
        return [*checks, valid.to(language), *examine_app(app, language)]


def examine_app(app: Flask, language: str = "en") -> list[HealthCheck]:
    """The checks that need the application, those of plugins included; for its context."""
    checks = [*check_plugins(), check_database()]
    usable = checks[-1].ok
    if usable:
        checks.append(check_schema(app))
        usable = checks[-1].ok
    if not usable:
        return [found.to(language) for found in checks]
    own = (check_worker, check_outbox, check_intake, check_workflows, check_faults, check_people)
    checks += [_guarded(check) for check in own]
    return [*(found.to(language) for found in checks), *(check for _, check in okno().hooks.health())]


def _guarded(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except SQLAlchemyError as error:
        db.session.rollback()
        kind = type(error).__name__
        detail = Text(f"the data base answered: {kind}", f"база данных ответила: {kind}")
        return Finding(check.__name__.removeprefix("check_"), False, detail, "okno db upgrade")


def check_home(home: Path) -> Iterator[Finding]:
    """The space in the folder, who may read the key."""
    free = shutil.disk_usage(home).free >> 20
    mend = Text(
        "make room: when the disk is full, mail is refused and senders keep it",
        "освободите место: на полный диск письма не принимаются и остаются у отправителей",
    )
    yield Finding(
        "disk", free >= LEAST_FREE_MB, Text(f"{free} MB free for {home}", f"свободно {free} МБ для {home}"), mend
    )
    key = home / "secret.key"
    if key.exists():
        mode = stat.S_IMODE(key.stat().st_mode)
        closed = Text("secret.key is readable by its owner only", "secret.key доступен только владельцу")
        opened = Text(f"secret.key is open to others ({mode:o})", f"secret.key доступен посторонним ({mode:o})")
        yield Finding("secrets", not mode & 0o077, opened if mode & 0o077 else closed, f"chmod 600 {key}")


def check_plugins() -> list[Finding]:
    """Enabled plugins that could not be loaded, one line each."""
    plugins = okno().plugins
    none = Text("none is enabled: okno plugins enable kb email", "ни один не включён: okno plugins enable kb email")
    bad = [
        Finding(
            "plugins",
            False,
            same(problem),
            Text(
                f"install what is missing, or  okno plugins disable {name}",
                f"установите недостающее или  okno plugins disable {name}",
            ),
        )
        for name, problem in plugins.problems.items()
    ]
    return [Finding("plugins", True, same(", ".join(plugins.loaded)) if plugins.loaded else none), *bad]


def check_database() -> Finding:
    """That it answers."""
    name = db.engine.url.render_as_string(hide_password=True)
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        db.session.rollback()
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        mend = Text(
            "start the data base, or correct core.database_url", "запустите базу данных или исправьте core.database_url"
        )
        return Finding("database", False, same(f"{name}: {reason}"), mend)
    return Finding("database", True, same(name))


def check_schema(app: Flask) -> Finding:
    """That all migrations have run."""
    missing = ", ".join(migrate.pending(app))
    lacks = Text(f"lacks {missing}", f"не хватает: {missing}")
    return Finding("schema", not missing, lacks if missing else Text("up to date", "актуальна"), "okno db upgrade")


def check_worker() -> Finding:
    """That a worker holds the lease."""
    lease = db.session.get(Lease, "worker")
    if lease is not None and lease.expires_at > now():
        return Finding("worker", True, same(lease.holder))
    detail = Text(
        "no worker is running: nothing is taken in, offered or sent",
        "обработчик не запущен: ничего не принимается, не предлагается и не отправляется",
    )
    return Finding("worker", False, detail, "okno run, okno worker")


def check_outbox() -> Finding:
    """That nothing is dead or overdue."""

    def count(state: str) -> int:
        return db.session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.state == state)) or 0

    late = select(func.count(OutboxRow.id)).where(OutboxRow.state == "pending", OutboxRow.due_at < now() - OVERDUE)
    pending, dead, overdue = count("pending"), count("dead"), db.session.scalar(late) or 0
    detail = Text(
        f"{pending} waiting, {overdue} overdue, {dead} dead",
        f"ждут: {pending}, просрочено: {overdue}, не отправлено: {dead}",
    )
    return Finding(
        "outbox", not dead and not overdue, detail, "okno outbox list --state dead;  okno outbox retry --all"
    )


def check_intake() -> Finding:
    """That everything taken in was understood."""
    failed = db.session.scalar(select(func.count(Intake.id)).where(Intake.state == "failed")) or 0
    stale = select(func.count(Intake.id)).where(Intake.state == "new", Intake.due_at < now() - OVERDUE)
    waiting = db.session.scalar(stale) or 0
    detail = Text(f"{failed} failed, {waiting} overdue", f"не принято: {failed}, просрочено: {waiting}")
    return Finding(
        "intake", not failed and not waiting, detail, "okno intake list --state failed;  okno intake retry --all"
    )


def check_workflows() -> Finding:
    """That no run gave up."""
    failed = db.session.scalar(select(func.count(WorkflowRun.id)).where(WorkflowRun.state == "failed")) or 0
    mend = Text("look at the workflow's page for the error", "ошибка видна на странице процесса")
    return Finding("workflows", not failed, Text(f"{failed} runs failed", f"сбоев: {failed}"), mend)


def check_faults() -> Finding:
    """That no plugin raised since yesterday."""
    query = select(PluginFault).where(PluginFault.last_at > now() - RECENT).order_by(PluginFault.last_at.desc())
    found = list(db.session.scalars(query))
    if not found:
        return Finding("faults", True, Text("no plugin failed in the last 24 hours", "за сутки плагины не сбоили"))
    worst = found[0]
    error = (worst.last_error.splitlines() or ["?"])[0][:200]
    detail = same(f"{worst.plugin}, {worst.hook}: {error} ({len(found)})")
    return Finding(
        "faults",
        False,
        detail,
        Text("see the admin page «Plugins», and the log", "смотрите страницу «Плагины» и журнал"),
    )


def check_people() -> Finding:
    """That somebody can sign in, and that a service takes what comes."""
    users = (
        db.session.scalar(select(func.count(User.id)).where(User.disabled_at.is_(None), User.password_hash != "")) or 0
    )
    services = db.session.scalar(select(func.count(Service.id)).where(Service.active)) or 0
    if not users:
        nobody = Text("nobody can sign in", "никто не может войти")
        return Finding("people", False, nobody, "okno users add LOGIN --first-name NAME --role admin")
    if not services:
        none = Text("no active service takes messages", "нет сервиса, который принимал бы сообщения")
        return Finding("people", False, none, "okno services add KEY --title NAME --team TEAM")
    return Finding(
        "people", True, Text(f"{users} users, {services} services", f"пользователей: {users}, сервисов: {services}")
    )
