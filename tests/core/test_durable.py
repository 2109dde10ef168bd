"""What has been committed is on disk when its transaction returns; many that commit at once wait for the disk together."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from core.db import db, transaction
from core.durable import GroupSync
from core.model import Contact
from tests.support.waiting import wait_until


class Disk:
    """Syncs when it is let; counts."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = threading.Semaphore(0)

    def sync(self) -> None:
        self.begun += 1
        assert self.go.acquire(timeout=20)


def test_those_who_come_during_a_sync_share_the_next_one() -> None:
    disk = Disk()
    group = GroupSync(Path("unused"), disk.sync)
    done: list[int] = []

    def commit(number: int) -> threading.Thread:
        thread = threading.Thread(target=lambda: (group.wait(), done.append(number)), daemon=True)
        thread.start()
        return thread

    threads = [commit(0)]
    wait_until(lambda: disk.begun == 1)
    threads += [commit(number) for number in range(1, 6)]
    # The first sync began before they came: it does not count for them.
    wait_until(lambda: group._given == 6)
    disk.go.release()
    wait_until(lambda: disk.begun == 2)
    assert done == [0]
    disk.go.release()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == [0, 1, 2, 3, 4, 5] and disk.begun == 2


def test_a_sync_that_fails_is_told_and_tried_again_by_the_next() -> None:
    answers: list[Exception | None] = [OSError("disk is gone"), None]

    def sync() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    group = GroupSync(Path("unused"), sync)
    with pytest.raises(OSError, match="disk is gone"):
        group.wait()
    group.wait()
    assert not answers


def _fail() -> None:
    with transaction():
        db.session.add(Contact(name="Борис"))
        db.session.flush()
        _ = 1 // 0


def test_every_transaction_that_writes_is_synced_once_and_reading_costs_nothing(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            pytest.skip("PostgreSQL groups its commits itself")
        monkeypatch.setattr(os, "fsync", noted)
        with transaction(), transaction():
            db.session.add(Contact(name="Анна"))
        assert [name.endswith("-wal") for name in synced] == [True]
        with transaction():
            assert db.session.scalar(db.select(db.func.count()).select_from(Contact)) == 1
        with pytest.raises(ZeroDivisionError):
            _fail()
        assert len(synced) == 1
