"""Imports from the editors' page: one at a time a person, in a thread of the web process, told by events as it goes.

What was sent stays in ``<home>/imports`` until it is done, with the report beside it. An import that the end of the process
cut off is sent again and goes on where it ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import User
from plugins.kb.exchange import sources
from plugins.kb.exchange.portable import BadSource

SUFFIXES = (".zip", ".csv", ".tsv", ".json")
STEP = 25
SHOWN_PROBLEMS = 500
EXTENSION = "okno_kb_imports"
log = structlog.get_logger("okno.kb")


def folder() -> Path:
    """Where what was sent lies."""
    place = okno().config.home / "imports"
    place.mkdir(exist_ok=True)
    return place


def report_of(user_id: int) -> Mapping[str, Any]:
    """How the person's last import went; empty when there was none."""
    path = folder() / f"{user_id}.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {**found, "running": is_running(user_id)}


def _threads() -> dict[int, threading.Thread]:
    found: dict[int, threading.Thread] = current_app.extensions.setdefault(EXTENSION, {})
    return found


def is_running(user_id: int) -> bool:
    """Whether an import of this person is under way in this process."""
    thread = _threads().get(user_id)
    return thread is not None and thread.is_alive()


def start(user_id: int, name: str, content: bytes, *, dry: bool, restart: bool) -> threading.Thread:
    """Begin an import. Raises ``Rejected``: ``import-type``, ``import-running``."""
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES or not content:
        raise Rejected(Text("Choose a .zip, .csv or .json file", "Выберите файл .zip, .csv или .json"), "import-type")
    if is_running(user_id):
        raise Rejected(Text("Your last import is still under way", "Ваш прошлый импорт ещё идёт"), "import-running")
    path = folder() / f"{user_id}{suffix}"
    path.write_bytes(content)
    _keep(user_id, {"name": name, "dry": dry, "done": 0, "total": 0})
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    work = {"dry": dry, "restart": restart}
    thread = threading.Thread(target=_run, args=(app, user_id, name, path), kwargs=work, name="kb-import", daemon=True)
    _threads()[user_id] = thread
    thread.start()
    return thread


def _run(app: Flask, user_id: int, name: str, path: Path, *, dry: bool, restart: bool) -> None:
    with app.app_context():
        try:
            user = db.session.get(User, user_id)
            with audit.acting_as(user.login if user else audit.SYSTEM):
                _import(user_id, name, path, dry=dry, restart=restart)
        except (BadSource, SQLAlchemyError, OSError) as problem:
            db.session.rollback()
            log.warning("an import of articles ended", error=str(problem)[:300])
            words = str(problem) if isinstance(problem, BadSource) else f"{type(problem).__name__}: {problem}"[:300]
            _keep(user_id, {"name": name, "dry": dry, "problem": words})
        finally:
            path.unlink(missing_ok=True)
            db.session.remove()
            _tell(user_id, {"finished": True})


def _import(user_id: int, name: str, path: Path, *, dry: bool, restart: bool) -> None:
    told = 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done - told >= STEP or done == total:
            told = done
            _tell(user_id, {"done": done, "total": total})

    outcome = sources.load(path, user_id, progress, dry=dry, restart=restart, source=f"upload:{name}")
    found = asdict(outcome)
    for kind in ("errors", "warnings"):
        found[f"{kind}_count"], found[kind] = len(found[kind]), found[kind][:SHOWN_PROBLEMS]
    _keep(user_id, {"name": name, "dry": dry, "outcome": found})


def _keep(user_id: int, report: Mapping[str, Any]) -> None:
    path = folder() / f"{user_id}.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(report, ensure_ascii=False), "utf-8")
    fresh.replace(path)


def _tell(user_id: int, payload: dict[str, Any]) -> None:
    with transaction():
        events.publish(f"user:{user_id}", "kb.import", payload)
