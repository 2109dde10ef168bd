"""A busy hour of the queue: calls arrive, wait with music, are offered, answered, held, passed on and wrapped up, in compressed time.

    python -m bench.voice_queue [--calls 100] [--agents 20]

Everything but the sound is real: routing, calls, scenes, the arranger of the voice process; the backend carries no media, so that the
figures are those of the calls alone (``bench.voice`` measures the media). Time stands still while work is done and jumps to the next
thing that happens. At the end nothing may be left: no leg, no bridge, no open call, nobody Busy.
"""

from __future__ import annotations

import argparse
import heapq
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from bench.house import circumstances, cpu_seconds, percentile

PLUGINS = ["voice"]
MEAN_TALK, MEAN_WRAP, PATIENCE = 480.0, 30.0, 600.0
HOUR = 3600.0


class Hour:
    """The things to come, by their second of the hour."""

    def __init__(self, house: object, agents: list[str], calls: int, seed: int) -> None:
        self.house, self.agents, self.random = house, agents, random.Random(seed)
        self.things: list[tuple[float, int, Callable[[], None]]] = []
        self.count = self.answered = self.abandoned = self.passed_on = 0
        self.second = 0.0
        self.waits: list[float] = []
        for _ in range(calls):
            self.later(self.random.uniform(0, HOUR), self.comes)

    def later(self, seconds: float, thing: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.things, (self.second + seconds, self.count, thing))

    def comes(self) -> None:
        began = self.second
        key = self.house.visitor(f"+7495{self.count:07}", "")  # type: ignore[attr-defined]
        self.later(PATIENCE, lambda: self.tires(key))
        self.later(0.1, lambda: self.route(began))

    def tires(self, key: str) -> None:
        if self.house.call(key).state == "queued":  # type: ignore[attr-defined]
            self.house.voice.driver.goes(self.house.customer(key))  # type: ignore[attr-defined]
            self.house.voice.pump()  # type: ignore[attr-defined]
            self.abandoned += 1

    def route(self, began: float = 0.0) -> None:
        from sqlalchemy import select

        from core import assignment
        from core.db import db
        from core.model import Offer
        from plugins.voice.calls import talk
        from plugins.voice.models.calls import VoiceCall

        assignment.route_due()
        offers = select(Offer.agent_id, VoiceCall.key, VoiceCall.started_at).join(
            VoiceCall, VoiceCall.interaction_id == Offer.interaction_id
        )
        for agent_id, key, started in db.session.execute(offers.where(Offer.outcome.is_(None))).all():
            name = next(name for name, user_id in self.house.users.items() if user_id == agent_id)  # type: ignore[attr-defined]
            talk.answer(key, agent_id)
            self.house.browser(name)  # type: ignore[attr-defined]
            self.answered += 1
            self.waits.append((moment_of(self.second) - started).total_seconds())
            talks = self.random.expovariate(1 / MEAN_TALK)
            self.later(talks * 0.5, lambda key=key, agent_id=agent_id: self.holds(key, agent_id))  # type: ignore[misc]
            self.later(talks, lambda key=key, agent_id=agent_id: self.ends(key, agent_id))  # type: ignore[misc]

    def holds(self, key: str, agent_id: int) -> None:
        from core.contracts import Rejected
        from plugins.voice.calls import company, talk
        from plugins.voice.calls.dialling import Target

        try:
            talk.hold(key, agent_id)
            talk.retrieve(key, agent_id)
            if self.random.random() < 0.1:
                company.transfer(key, agent_id, Target(service_id=self.house.other_service_id))  # type: ignore[attr-defined]
                self.passed_on += 1
                self.route()
        except Rejected:
            self.house.voice.pump()  # type: ignore[attr-defined]

    def ends(self, key: str, agent_id: int) -> None:
        from core.contracts import Rejected
        from plugins.voice.calls import ending

        try:
            ending.hang_up(key, agent_id)
        except Rejected:
            return
        self.house.voice.pump()  # type: ignore[attr-defined]
        self.later(self.random.expovariate(1 / MEAN_WRAP), lambda: self.wraps_up(key, agent_id))

    def wraps_up(self, key: str, agent_id: int) -> None:
        from core import assignment

        interaction = self.house.interaction(key)  # type: ignore[attr-defined]
        if interaction.state == "wrap_up" and interaction.agent_id == agent_id:
            assignment.complete(interaction.id, agent_id, None)
        self.route()

    def run(self) -> None:
        from core import clock

        while self.things:
            self.second, _, thing = heapq.heappop(self.things)
            with clock.at(moment_of(self.second)):
                thing()


START = datetime.fromisoformat("2026-11-20T09:00:00+00:00")


def moment_of(second: float) -> datetime:
    """A second of the hour as a time."""
    return START + timedelta(seconds=second)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.voice_queue", description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    from core import clock
    from core.db import db, transaction
    from core.migrate import upgrade
    from core.model import Presence, Team, TeamMember, User
    from plugins.voice.models.calls import VoiceCall
    from tests.support.applications import make_app
    from tests.support.call_house import call_house

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        app = make_app(
            home, f"sqlite:///{home / 'okno.db'}", {"core.plugins": PLUGINS, "log.level": "error"}, check_schema=False
        )
        upgrade(app)
        with call_house(app) as house:
            names = [f"agent{number}" for number in range(arguments.agents)]
            with transaction():
                team = db.session.scalars(db.select(Team)).one()
                for name in names:
                    user = User(login=name, first_name=name)
                    db.session.add(user)
                    db.session.flush()
                    db.session.add(TeamMember(team_id=team.id, user_id=user.id))
                    house.users[name] = user.id
            with clock.at(START):
                for name in names:
                    house.ready(name)
            hour, cpu, wall = (
                Hour(house, names, arguments.calls, arguments.seed),
                cpu_seconds(os.getpid()),
                time.perf_counter(),
            )
            hour.run()
            spent, took = cpu_seconds(os.getpid()) - cpu, time.perf_counter() - wall
            stuck = house.live_legs()
            still = db.session.scalars(db.select(VoiceCall.key).where(VoiceCall.ended_at.is_(None))).all()
            busy = db.session.scalars(db.select(Presence.user_id).where(Presence.state.in_(("busy", "ringing")))).all()
            waits = sorted(hour.waits)
            print(circumstances())
            print(
                f"{arguments.calls} calls in an hour, {arguments.agents} agents, {MEAN_TALK:.0f} s of talk: {hour.answered} times answered, "
                f"{hour.passed_on} passed on, {hour.abandoned} gone before an answer; wait p50 {median(waits):.1f} s, "
                f"p95 {percentile(waits, 0.95):.0f} s"
            )
            print(f"{1000 * spent / arguments.calls:.0f} ms of a processor a call, the hour in {took:.0f} s")
            print(
                f"left over: {len(stuck)} legs, {len(house.voice.driver.bridges)} bridges, {len(still)} calls, {len(busy)} busy agents"
            )
            return int(bool(stuck or still or busy or house.voice.driver.bridges))


if __name__ == "__main__":
    sys.exit(main())
