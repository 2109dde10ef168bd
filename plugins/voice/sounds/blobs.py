"""What becomes of the content of sounds that are taken away: recordings must be gone, not only out of sight."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from core import storage
from core.db import db, on_commit, transaction
from core.model import StoredFile


def forget(sha256: str | None) -> None:
    """Remove a content from the disk unless something else still holds it. Call it after the row that held it is gone."""
    if not sha256:
        return
    with transaction():
        db.session.flush()
        try:
            with db.session.begin_nested():
                db.session.execute(delete(StoredFile).where(StoredFile.sha256 == sha256))
        except IntegrityError:
            return
        on_commit(lambda: storage.path(sha256).unlink(missing_ok=True))
