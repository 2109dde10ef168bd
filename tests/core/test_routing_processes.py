"""Several workers route at once on PostgreSQL and are killed while agents answer: one agent each, room kept, nothing stuck."""

from __future__ import annotations

import random
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from tests.support.applications import make_app
from tests.support.okno_process import Okno
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.feature("R-04", "A-05")]
AGENTS, WORKERS, INTERACTIONS = 6, 3, 150
PATIENCE = 90.0
# Room that nobody may ever exceed: what the router fills up to.
PUSH = {"chat": 2, "letter": 1}
HELD = (
    "SELECT agent_id, channel, count(*) FROM interaction WHERE state IN ('offered', 'active', 'wrap_up') GROUP BY 1, 2"
)
DOUBLE = """
SELECT i.id, i.state, count(o.id) FROM interaction i LEFT JOIN offer o ON o.interaction_id = i.id AND o.outcome IS NULL
GROUP BY i.id, i.state HAVING count(o.id) <> CASE WHEN i.state = 'offered' THEN 1 ELSE 0 END
"""
HOLDERS = "SELECT id, state, agent_id FROM interaction WHERE (agent_id IS NULL) <> (state = 'queued')"


class Life(threading.Thread):
    """An agent who answers most offers, declines some, lets some ring out, and leaves the desk now and then."""

    def __init__(self, centre: Centre, agent_id: int, done: threading.Event) -> None:
        super().__init__(name=f"agent-{agent_id}", daemon=True)
        self.centre, self.agent_id, self.done = centre, agent_id, done
        self.chance = random.Random(agent_id)
        self.problem: Exception | None = None
        self.ignored: set[int] = set()

    def run(self) -> None:
        from core.contracts import Rejected

        with self.centre.app.app_context():
            while not self.done.wait(0.005):
                try:
                    self.step()
                except Rejected:
                    continue
                except SQLAlchemyError as error:
                    self.problem = error
                    return

    def step(self) -> None:
        from core import assignment, presence
        from core.db import db
        from core.model import Interaction, Offer

        db.session.rollback()
        state = presence.of(self.agent_id).state
        if state in ("offline", "not_ready"):
            presence.sign_on(self.agent_id)
            presence.set_state(self.agent_id, "ready")
        if self.chance.random() < 0.1:
            presence.touch([self.agent_id])
        rings = db.select(Offer.id).where(Offer.agent_id == self.agent_id, Offer.outcome.is_(None))
        for offer_id in list(db.session.scalars(rings)):
            self.answer(offer_id)
        mine = db.select(Interaction.id).where(Interaction.agent_id == self.agent_id, Interaction.state == "active")
        for interaction_id in list(db.session.scalars(mine)):
            if self.chance.random() < 0.5:
                assignment.complete(interaction_id, self.agent_id, None)
        if self.chance.random() < 0.01:
            presence.sign_off(self.agent_id)

    def answer(self, offer_id: int) -> None:
        from core import assignment

        if offer_id in self.ignored:
            return
        drawn = self.chance.random()
        if drawn < 0.8:
            assignment.accept(offer_id, self.agent_id)
        elif drawn < 0.95:
            assignment.reject(offer_id, self.agent_id)
        else:
            self.ignored.add(offer_id)


class Centre:
    """A centre on PostgreSQL, its application in this process and its workers beside it."""

    def __init__(self, okno: Okno, url: str, logs: Path) -> None:
        self.okno, self.url, self.logs = okno, url, logs
        self.workers: list[subprocess.Popen[bytes]] = []
        text = f"[core]\nplugins = ['chat']\ndatabase_url = {url!r}\n[routing]\noffer_again_seconds = 0\n"
        (okno.home / "okno.toml").write_text(text, "utf-8")
        self.app = make_app(okno.home, url, {}, check_schema=False)
        with self.app.app_context():
            self.agents = self.furnish()

    def furnish(self) -> list[int]:
        from core import directory, services
        from core.db import db, transaction
        from core.migrate import upgrade
        from core.model import Case, Interaction, Team

        upgrade(self.app)
        directory.ensure_roles()
        team = directory.add_team("first", "First line", "Первая линия")
        service = services.add_service("support", "Support", "Поддержка", teams=["first"])
        services.update_service(service.id, offer_seconds=5, disposition_required=False)
        with transaction():
            db.session.get_one(Team, team.id).capacity = {name: {"push": number} for name, number in PUSH.items()}
            db.session.get_one(Team, team.id).after_reject = "ready"
            case = Case(number="1", subject="s", service_id=service.id, thread_token="T")
            db.session.add(case)
            db.session.flush()
            db.session.add_all(
                Interaction(
                    channel="letter" if number % 5 == 0 else "chat",
                    case_id=case.id,
                    service_id=service.id,
                    priority=number % 3,
                )
                for number in range(INTERACTIONS)
            )
        return [directory.add_user(f"agent{number}", f"A{number}", teams=["first"]).id for number in range(AGENTS)]

    def start_worker(self) -> None:
        log = self.logs / f"worker-{len(list(self.logs.glob('worker-*')))}.log"
        self.workers.append(self.okno.start("worker", log=log))

    def ask(self, statement: str) -> list[tuple]:
        """Read beside everybody, in a snapshot of its own."""
        with psycopg.connect(self.url.replace("+psycopg", "")) as server:
            return server.execute(statement.encode()).fetchall()

    def closed(self) -> int:
        return int(self.ask("SELECT count(*) FROM interaction WHERE state = 'closed'")[0][0])

    def check(self) -> None:
        """What holds at every moment."""
        assert self.ask(DOUBLE) == []
        assert self.ask(HOLDERS) == []
        for agent_id, channel, number in self.ask(HELD):
            assert number <= PUSH[channel], f"agent {agent_id} has {number} of {channel}"


@pytest.fixture
def centre(okno: Okno, postgresql_url: str, tmp_path: Path) -> Iterator[Centre]:
    made = Centre(okno, postgresql_url, tmp_path)
    yield made
    for worker in made.workers:
        worker.terminate()
    for worker in made.workers:
        worker.wait(30)
    from core.db import db

    with made.app.app_context():
        db.engine.dispose()


def test_workers_that_route_at_once_and_are_killed_double_and_lose_nothing(centre: Centre):
    chance = random.Random(3)
    for _ in range(WORKERS):
        centre.start_worker()
    done = threading.Event()
    lives = [Life(centre, agent_id, done) for agent_id in centre.agents]
    for life in lives:
        life.start()

    def reached(number: int) -> Callable[[], bool]:
        def look() -> bool:
            centre.check()
            assert [life.problem for life in lives] == [None] * AGENTS
            return centre.closed() >= number

        return look

    for part in (0.2, 0.4, 0.6, 0.8):
        wait_until(reached(int(INTERACTIONS * part)), PATIENCE, f"{part:.0%} served")
        victim = centre.workers.pop(chance.randrange(len(centre.workers)))
        victim.kill()
        victim.wait(30)
        centre.start_worker()
    wait_until(reached(INTERACTIONS), PATIENCE, "everything served")
    done.set()
    for life in lives:
        life.join(30)
    centre.check()
    served = centre.ask(
        "SELECT interaction_id, kind, count(*) FROM timeline_entry WHERE kind IN ('interaction.accepted', 'disposition', "
        "'interaction.returned') GROUP BY 1, 2"
    )
    counted: Counter[tuple[int, str]] = Counter({(key, kind): number for key, kind, number in served})
    for (key,) in centre.ask("SELECT id FROM interaction"):
        assert counted[key, "disposition"] == 1
        assert counted[key, "interaction.accepted"] == 1 + counted[key, "interaction.returned"]
    assert centre.ask("SELECT count(*) FROM presence WHERE state NOT IN ('ready', 'not_ready', 'offline')") == [(0,)]
    said = "".join(log.read_text("utf-8", errors="replace") for log in centre.logs.glob("worker-*.log"))
    assert "deadlock" not in said
    assert "loop failed" not in said
