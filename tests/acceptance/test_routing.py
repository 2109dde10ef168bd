"""Routing through the real processes: visitors write on the website, agents hear it ring and answer over the API."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import urllib.error
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.okno_process import Served
from tests.support.routing_house import Agent, RoutingHouse, Visitor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


class Centre:
    """The running centre, its three agents and its data base."""

    def __init__(self, house: RoutingHouse, served: Served) -> None:
        self.house, self.served = house, served
        self.anna, self.boris, self.vera = (Agent(served, house, name) for name in ("anna", "boris", "vera"))

    def visitor(self) -> Visitor:
        return Visitor.comes(self.served)

    def waited(self, offer: dict) -> float:
        """Seconds that an interaction waited before it was offered."""
        [(queued, offered)] = self.house.rows(
            "SELECT i.queued_at, o.offered_at FROM offer o JOIN interaction i ON i.id = o.interaction_id WHERE o.id = ?",
            offer["id"],
        )
        return (datetime.fromisoformat(offered) - datetime.fromisoformat(queued)).total_seconds()

    def kill_worker(self) -> None:
        """``kill -9``; returns when the next one is there."""
        pid = self.worker()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.worker() not in (0, pid), 60, "another worker")

    def worker(self) -> int:
        return int(json.loads((self.house.home / "run/okno.json").read_text())["children"].get("worker", 0))


@pytest.fixture
def centre(home: Path, serve: Callable[..., Served]) -> Centre:
    house = RoutingHouse(home)
    house.furnish()
    return Centre(house, serve())


@pytest.mark.feature("R-03", "R-02", "R-01")
def test_skills_relax_teams_overflow_the_last_agent_is_waited_for_and_closed_services_wait(centre: Centre):
    # boris knows taxes to 3 of the 5 asked for: two seconds of waiting make him good enough
    centre.boris.state("ready")
    centre.visitor().writes("closed", "после работы")
    centre.visitor().writes("tax", "налоги")
    offer = centre.boris.rings()
    assert offer["interaction"]["case"]["subject"].startswith("налоги")
    assert centre.waited(offer) >= 2
    tax = centre.boris.accepts(offer)
    centre.boris.ask("POST", f"/interactions/{tax}/complete", {"disposition_id": None})
    regular = centre.visitor()
    regular.writes("known", "вопрос")
    known = centre.boris.accepts(centre.boris.rings())
    centre.boris.ask("POST", f"/interactions/{known}/complete", {"disposition_id": None})

    # the service of boris's second team: he is away, the night team joins after two seconds
    centre.boris.state("not_ready")
    centre.vera.state("ready")
    centre.visitor().writes("site", "с сайта")
    offer = centre.vera.rings()
    assert centre.waited(offer) >= 2
    centre.vera.accepts(offer)

    # the visitor of before is known to boris, who is at the desk: anna hears it only when that wait is over
    centre.anna.state("ready")
    regular.writes("known", "снова я")
    offer = centre.anna.rings()
    assert offer["interaction"]["service"]["key"] == "known"
    assert centre.waited(offer) >= 2
    centre.anna.accepts(offer)

    # all the while somebody was free for the closed service, and nobody heard it
    assert centre.house.rows(
        "SELECT i.state, count(o.id) FROM interaction i JOIN service s ON s.id = i.service_id "
        "LEFT JOIN offer o ON o.interaction_id = i.id WHERE s.key = 'closed' GROUP BY i.id"
    ) == [("queued", 0)]


@pytest.mark.feature("R-02", "R-04", "D-08")
def test_two_chats_at_once_a_third_waits_and_a_rejected_one_keeps_its_place(centre: Centre):
    first, second, third = (centre.visitor() for _ in range(3))
    first.writes("plain", "первый")
    second.writes("plain", "второй")
    third.writes("plain", "третий")
    centre.anna.state("ready")
    offer = centre.anna.rings()
    assert offer["interaction"]["case"]["subject"].startswith("первый")
    # declined, it goes back to the front: boris hears it before the second
    centre.anna.ask("POST", f"/offers/{offer['id']}/reject")
    centre.boris.state("ready")
    wait_until(lambda: centre.anna.hears() and centre.boris.hears(), 60, "both ring")
    offers = {"anna": centre.anna.rings(), "boris": centre.boris.rings()}
    assert offers["boris"]["interaction"]["case"]["subject"].startswith("первый")
    assert offers["anna"]["interaction"]["case"]["subject"].startswith("второй")
    mine = centre.anna.accepts(offers["anna"])
    assert centre.anna.state() == "busy"
    # beside the one in hand there is room for one more chat; she stays busy while it rings
    more = centre.anna.rings()
    assert more["interaction"]["case"]["subject"].startswith("третий")
    assert centre.anna.state() == "busy"
    centre.anna.accepts(more)
    centre.visitor().writes("plain", "четвёртый")
    [(waiting,)] = wait_until(
        lambda: centre.house.rows("SELECT id FROM interaction WHERE state = 'queued'"), 30, "the fourth"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        centre.anna.ask("POST", f"/interactions/{waiting}/take")
    assert json.loads(refused.value.read())["code"] == "capacity-limit"
    centre.anna.ask("POST", f"/interactions/{mine}/complete", {"disposition_id": None})
    assert centre.anna.state() == "busy"
    assert centre.anna.rings()["interaction"]["case"]["subject"].startswith("четвёртый")


@pytest.mark.feature("R-04")
def test_an_offer_outlives_the_worker_that_made_it_and_returns_when_nobody_answers(centre: Centre):
    centre.visitor().writes("plain", "важное")
    centre.anna.state("ready")
    offer = centre.anna.rings()
    centre.kill_worker()
    mine = centre.anna.accepts(offer)
    assert centre.house.rows("SELECT state, agent_id FROM interaction WHERE id = ?", mine) == [
        ("active", centre.house.users["anna"])
    ]
    centre.anna.ask("POST", f"/interactions/{mine}/complete", {"disposition_id": None})

    # nobody answers, and the worker that would have taken the offer back is killed in between
    centre.visitor().writes("plain", "второе")
    offer = centre.anna.rings()
    with closing(sqlite3.connect(centre.house.home / "okno.db", timeout=10)) as connection, connection:
        connection.execute("UPDATE offer SET expires_at = offered_at WHERE id = ?", (offer["id"],))
    centre.kill_worker()
    centre.boris.state("ready")
    again = centre.boris.rings()
    assert again["interaction"]["id"] == offer["interaction"]["id"]
    centre.boris.accepts(again)
    assert centre.house.rows("SELECT outcome FROM offer WHERE id = ?", offer["id"]) == [("no_answer",)]
    assert centre.house.rows("SELECT interaction_id FROM offer WHERE outcome IS NULL") == []


@pytest.mark.feature("R-06", "R-03")
def test_a_case_goes_up_a_line_and_down_again_with_its_history(centre: Centre):
    centre.visitor().writes("lines", "сложный вопрос")
    centre.anna.state("ready")
    mine = centre.anna.accepts(centre.anna.rings())
    centre.anna.ask("POST", f"/interactions/{mine}/line", {"line": 2, "note": "нужен эксперт"})
    centre.boris.state("ready")
    offer = centre.boris.rings()
    assert offer["interaction"]["id"] == mine
    centre.boris.accepts(offer)
    centre.boris.state("not_ready")
    centre.boris.ask("POST", f"/interactions/{mine}/line", {"line": 1, "note": "готово"})
    offer = centre.anna.rings()
    assert offer["interaction"]["id"] == mine
    centre.anna.accepts(offer)
    stays = centre.house.rows("SELECT line, left_at IS NULL, note FROM line_stay ORDER BY id")
    assert stays == [(1, 0, ""), (2, 0, "нужен эксперт"), (1, 1, "готово")]
    case_id = offer["interaction"]["case"]["id"]
    kinds = [entry["kind"] for entry in centre.anna.ask("GET", f"/cases/{case_id}/timeline?limit=50")["items"]]
    assert kinds.count("line.moved") == 2
