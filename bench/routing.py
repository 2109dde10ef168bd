"""Time of a routing decision with 1,000 agents and 10,000 waiting: the decision alone, and passes of the live router.

``python -m bench.routing [--agents N] [--waiting N] [--decisions N] [--pure]``. The goal is less than 2 ms a decision.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.house import postgresql
from core.routing.plan import Agent, Plan, ServiceRules, TeamRule, Waiting
from core.routing.rules import SkillRule

SERVICES, TEAMS, SKILLS = 40, 30, 8
CHANNELS = ("voice", "chat", "email")
CAPACITY = {"voice": 1, "chat": 3, "email": 1}


def make_services(chance: random.Random) -> list[ServiceRules]:
    """Services with two lines, an overflow team and up to two skills that relax."""
    made = []
    for number in range(1, SERVICES + 1):
        first, second, third = chance.sample(range(1, TEAMS + 1), 3)
        teams = (TeamRule(first), TeamRule(second, after_seconds=120), TeamRule(third, line=2))
        asked = chance.sample(range(1, SKILLS + 1), chance.randrange(3))
        skills = tuple(SkillRule(skill, chance.randint(2, 5), 60, 1) for skill in asked)
        made.append(ServiceRules(number, teams, skills, last_agent_seconds=30))
    return made


def make_agents(chance: random.Random, count: int) -> list[Agent]:
    """Agents of one to three teams who know up to four skills."""
    return [
        Agent(
            number,
            frozenset(chance.sample(range(1, TEAMS + 1), chance.randint(1, 3))),
            {skill: chance.randint(1, 5) for skill in chance.sample(range(1, SKILLS + 1), chance.randint(0, 4))},
            capacity=CAPACITY,
        )
        for number in range(1, count + 1)
    ]


def item(chance: random.Random, number: int, at: float, agents: int) -> Waiting:
    """One that begins to wait: any service and channel, every tenth on the second line, every fifth known to somebody."""
    return Waiting(
        number,
        chance.randint(1, SERVICES),
        chance.choice(CHANNELS),
        at,
        priority=chance.choice((0, 0, 100, 200)),
        line=2 if chance.random() < 0.1 else 1,
        preferred=chance.randint(1, agents) if chance.random() < 0.2 else None,
    )


def decide(agents: int, waiting: int, decisions: int) -> list[float]:
    """Seconds of each decision in a centre under more load than it can serve: somebody gets free, somebody else comes."""
    chance = random.Random(3)
    plan = Plan(make_services(chance))
    for agent in make_agents(chance, agents):
        plan.put_agent(agent)
    now = 0.0
    for number in range(waiting):
        plan.put(item(chance, number, chance.uniform(-300.0, 0.0), agents))
    number, in_hand = waiting, []
    while (decision := plan.decide(now)) is not None:
        in_hand.append(decision.agent)
    while len(plan.waiting) < waiting:
        plan.put(item(chance, number, now, agents))
        number += 1
        while (decision := plan.decide(now)) is not None:
            in_hand.append(decision.agent)
    spent = []
    for _ in range(decisions):
        now += chance.expovariate(10.0)
        agent = plan.agents[in_hand.pop(chance.randrange(len(in_hand)))]
        channel = chance.choice([name for name, held in agent.in_hand.items() if held])
        new = item(chance, number, now, agents)
        number += 1
        began = time.perf_counter()
        plan.free(agent.id, channel, now)
        plan.put(new)
        found = [decision] if (decision := plan.decide(now)) else []
        spent.append(time.perf_counter() - began)
        while (decision := plan.decide(now)) is not None:
            found.append(decision)
        in_hand += [decision.agent for decision in found]
    return spent


def quiet(agents: int, decisions: int) -> list[float]:
    """Seconds of each decision where everybody is free and one item comes at a time: the choice is among many."""
    chance = random.Random(4)
    plan = Plan(make_services(chance))
    for agent in make_agents(chance, agents):
        plan.put_agent(agent)
    spent = []
    for number in range(decisions):
        new = item(chance, number, float(number), agents)
        began = time.perf_counter()
        plan.put(new)
        decision = plan.decide(float(number))
        spent.append(time.perf_counter() - began)
        if decision is not None:
            plan.free(decision.agent, new.channel, float(number))
            plan.decide(float(number))
    return spent


# --- the live router ---------------------------------------------------------------------------------


def furnish(home: Path, database_url: str, agents: int, waiting: int) -> Any:
    """A centre with the same services, agents and queue in its data base; everybody signed on, with a full hand."""
    from sqlalchemy import insert

    from core import directory
    from core.app import create_app
    from core.clock import now
    from core.db import db, transaction
    from core.migrate import upgrade
    from core.model import (
        Case,
        Interaction,
        Presence,
        Service,
        ServiceSkill,
        ServiceTeam,
        Skill,
        Team,
        TeamMember,
        User,
        UserSkill,
    )

    home.mkdir(parents=True, exist_ok=True)
    app = create_app(
        home, {"core.plugins": [], "core.database_url": database_url, "log.level": "error"}, check_schema=False
    )
    upgrade(app)
    chance = random.Random(3)
    rules, people = make_services(chance), make_agents(chance, agents)
    capacity = {name: {"push": number, "limit": number} for name, number in CAPACITY.items()}
    with app.app_context(), transaction():
        directory.ensure_roles()

        def fill(model: Any, rows: list[dict[str, Any]]) -> None:
            db.session.execute(insert(model), rows)

        titled = [(number, {"title_en": f"N{number}", "title_ru": f"N{number}"}) for number in range(1, 101)]
        fill(Team, [{"id": n, "key": f"t{n}", "capacity": capacity, "mix": [], **t} for n, t in titled[:TEAMS]])
        fill(Skill, [{"id": n, "key": f"s{n}", **t} for n, t in titled[:SKILLS]])
        fill(Service, [{"id": n, "key": f"v{n}", "last_agent_seconds": 30, **t} for n, t in titled[:SERVICES]])
        places = [(one.id, rule) for one in rules for rule in one.teams]
        fill(
            ServiceTeam,
            [
                {"service_id": key, "team_id": r.team, "line": r.line, "after_seconds": r.after_seconds}
                for key, r in places
            ],
        )
        asked = [(one.id, rule) for one in rules for rule in one.skills]
        fill(
            ServiceSkill,
            [
                {"service_id": key, "skill_id": r.skill, "level": r.level, "relax_seconds": 60, "floor": 1}
                for key, r in asked
            ],
        )
        fill(User, [{"id": one.id, "login": f"u{one.id}", "first_name": "A"} for one in people])
        fill(TeamMember, [{"team_id": team, "user_id": one.id} for one in people for team in one.teams])
        fill(
            UserSkill,
            [{"user_id": one.id, "skill_id": s, "level": level} for one in people for s, level in one.skills.items()],
        )
        fill(Presence, [{"user_id": one.id, "state": "busy", "next_state": "not_ready"} for one in people])
        fill(Case, [{"id": 1, "number": "1", "subject": "s", "thread_token": "T", "service_id": 1}])
        moment = now()
        queue = [item(chance, number, chance.uniform(-300.0, 0.0), agents) for number in range(waiting)]
        times = [moment + timedelta(seconds=one.queued_at) for one in queue]
        fill(
            Interaction,
            [
                {
                    "channel": one.channel,
                    "case_id": 1,
                    "service_id": one.service,
                    "priority": one.priority,
                    "line": one.line,
                    "preferred_agent_id": one.preferred,
                    "queued_at": at,
                    "waiting_since": at,
                }
                for one, at in zip(queue, times, strict=True)
            ],
        )
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return app


def passes(app: Any, agents: int, rounds: int, freed: int) -> dict[str, list[float]]:
    """Seconds of the parts of each pass when ``freed`` agents have become free; for deciding and offering, by the offer."""
    from sqlalchemy import update

    from core.db import db, transaction
    from core.model import Presence
    from core.routing import offers, reading, router

    chance = random.Random(5)
    spent: dict[str, list[float]] = {"read": [], "decision": [], "offer": [], "pass": []}
    with app.app_context():
        for _ in range(rounds):
            free = chance.sample(range(1, agents + 1), freed)
            with transaction():
                ready = update(Presence).where(Presence.user_id.in_(free), Presence.state == "busy")
                db.session.execute(ready.values(state="ready", next_state=""))
            began = time.perf_counter()
            board = reading.read(50)
            db.session.rollback()
            read = time.perf_counter()
            if board is None:
                continue
            with transaction():
                proposals = router.decide(board, 50)
                decided = time.perf_counter()
                made = offers.make(proposals)
            ended = time.perf_counter()
            if made:
                spent["read"].append(read - began)
                spent["decision"] += [(decided - read) / made] * made
                spent["offer"] += [(ended - decided) / made] * made
                spent["pass"].append(ended - began)
        db.session.remove()
        db.engine.dispose()
    return spent


def measure_live(name: str, database_url: str, agents: int, waiting: int) -> None:
    """Print the parts of the live router's passes on one data base."""
    with tempfile.TemporaryDirectory(prefix="okno-bench-") as folder:
        home = Path(folder) / "home"
        app = furnish(home, database_url or f"sqlite:///{home / 'okno.db'}", agents, waiting)
        for freed, rounds in ((1, 60), (20, 30)):
            for part, seconds in passes(app, agents, rounds, freed).items():
                print(line(f"{name}, {freed} freed: {part}", seconds))


def line(name: str, spent: Sequence[float], unit: str = "") -> str:
    """Mean, p95 and p99 in ms."""
    ms = sorted(1000 * second for second in spent)
    p95, p99 = (ms[min(len(ms) - 1, int(len(ms) * part))] for part in (0.95, 0.99))
    return f"{name:46} {len(ms):7} {statistics.fmean(ms):8.3f} {p95:8.3f} {p99:8.3f}  {unit}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.routing", description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=5000)
    parser.add_argument("--pure", action="store_true", help="leave the live router out")
    chosen = parser.parse_args()
    print(f"{chosen.agents} agents, {chosen.waiting} waiting, {SERVICES} services, {TEAMS} teams, {SKILLS} skills")
    print(f"{'':46} {'number':>7} {'mean ms':>8} {'p95':>8} {'p99':>8}")
    print(line("decision, overloaded", decide(chosen.agents, chosen.waiting, chosen.decisions)))
    print(line("decision, everybody free", quiet(chosen.agents, chosen.decisions)))
    if chosen.pure:
        return 0
    measure_live("SQLite", "", chosen.agents, chosen.waiting)
    with postgresql() as url:
        if url is None:
            print("PostgreSQL: not installed")
        else:
            measure_live("PostgreSQL", url, chosen.agents, chosen.waiting)
    return 0


if __name__ == "__main__":
    sys.exit(main())
