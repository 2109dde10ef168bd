"""Half-written answers and notes with their files, saved as typed; one per agent, case and kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from core import file_limits, storage
from core.clock import now
from core.contracts import FileIn, Rejected, Text
from core.db import current_work, db, transaction
from core.model import Draft

LONGEST = 500_000
KINDS = ("reply", "note")
KIND = re.compile(r"[a-z]{1,10}")
FACT = 2000
_TABLE = Draft.__table__
_FORGET = delete(_TABLE).where(
    _TABLE.c.user_id == bindparam("user"), _TABLE.c.case_id == bindparam("case"), _TABLE.c.kind == bindparam("kind")
)


def save(
    user_id: int,
    case_id: int,
    kind: str,
    html: str,
    data: dict[str, Any] | None = None,
    files: Sequence[dict[str, Any]] | None = None,
) -> Draft | None:
    """Keep what is being typed with its ``to``, ``cc``, ``bcc``, ``subject``; None once nothing is left of it.

    ``data`` and files keep a draft whose text is empty. Files stay as they are unless given.
    """
    with transaction():
        draft = _held(user_id, case_id, kind)
        facts: dict[str, Any] = {name: str(value)[:FACT] for name, value in (data or {}).items() if value}
        if kept := draft.data.get("files", []) if files is None else list(files):
            facts["files"] = kept
        if not html.strip() and not facts:
            db.session.delete(draft)
            return None
        draft.body_html, draft.data, draft.saved_at = html[:LONGEST], facts, now()
        return draft


def _held(user_id: int, case_id: int, kind: str) -> Draft:
    """The draft, made when it is not there, held until the open transaction ends."""
    if not KIND.fullmatch(kind):
        raise Rejected(Text("There is no such kind of draft", "Такого вида черновика нет"), "draft-unknown")
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    key = {"user_id": user_id, "case_id": case_id, "kind": kind}
    fresh = insert(Draft).values(**key, body_html="", data={}, saved_at=now())
    db.session.execute(fresh.on_conflict_do_nothing(index_elements=list(key)))
    query = select(Draft).filter_by(**key).with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one()


def find(user_id: int, case_id: int, kind: str) -> Draft | None:
    """The draft, when there is one."""
    query = select(Draft).where(Draft.user_id == user_id, Draft.case_id == case_id, Draft.kind == kind)
    return db.session.scalar(query)


def forget(user_id: int, case_id: int, kind: str) -> None:
    """What it was for is done; in the open transaction."""
    db.session.flush()
    current_work().connection.execute(_FORGET, {"user": user_id, "case": case_id, "kind": kind})


# --- files -------------------------------------------------------------------------------------------


def add_file(user_id: int, case_id: int, kind: str, file: FileIn) -> list[dict[str, Any]]:
    """Attach a file to a draft; returns all of them. Raises ``Rejected`` when it is, or all are, too large."""
    file_limits.check([file])
    with transaction():
        draft = _held(user_id, case_id, kind)
        kept = list(draft.data.get("files", []))
        file_limits.check_total([*(one["size"] for one in kept), len(file.content)])
        sha256 = storage.put(file.content)
        name, size = file.name[:300] or "file", len(file.content)
        kept.append({"sha256": sha256, "name": name, "type": file.content_type[:120], "size": size})
        draft.data, draft.saved_at = {**draft.data, "files": kept}, now()
        return kept


def remove_file(user_id: int, case_id: int, kind: str, sha256: str) -> list[dict[str, Any]]:
    """Take a file out of a draft again; returns those left."""
    with transaction():
        draft = _held(user_id, case_id, kind)
        kept = [one for one in draft.data.get("files", []) if one["sha256"] != sha256]
        save(user_id, case_id, kind, draft.body_html, {k: v for k, v in draft.data.items() if k != "files"}, kept)
        return kept


def files(user_id: int, case_id: int, kind: str) -> list[FileIn]:
    """The files of a draft with their content, to be sent."""
    draft = find(user_id, case_id, kind)
    kept = draft.data.get("files", []) if draft else []
    return [FileIn(one["name"], one["type"], storage.get(one["sha256"])) for one in kept]
