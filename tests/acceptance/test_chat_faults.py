"""``kill -9`` while two hundred chat messages a second go both ways: each is kept once, shown once, in its order."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.chat_crowd import PATIENCE, Line, Page, Sender
from tests.support.okno_process import Okno
from tests.support.shift_house import ShiftHouse, shift  # noqa: F401 -- a fixture
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.feature("T-13"), pytest.mark.slow]
VISITORS, ANSWERED, MESSAGES = 30, 10, 15
EVERY = 0.2
NO_LIMITS = {"chat_flood_messages": "100000", "chat_sessions_a_minute": "0", "api_requests_per_minute": "0"}


def agents_token(okno: Okno) -> str:
    """A token of Anna's for the REST API."""
    scopes = ("--scope", "interactions:write", "--scope", "me:write")
    done = okno("tokens", "create", "anna", "--name", "load", *scopes)
    assert done.code == 0, done.stdout + done.stderr
    return done.stdout.split()[-1]


class Killer:
    """Kills the centre's processes by name, each process once, at moments drawn from a fixed seed."""

    def __init__(self, home: Path) -> None:
        self.home, self.killed = home, set[int]()

    def strike(self, name: str) -> None:
        pid = wait_until(lambda: self._fresh(name), PATIENCE, f"a {name} to kill")
        self.killed.add(pid)
        os.kill(pid, signal.SIGKILL)

    def _fresh(self, name: str) -> int:
        pid = int(json.loads((self.home / "run/okno.json").read_text())["children"].get(name, 0))
        return 0 if pid in self.killed else pid


def test_no_message_is_lost_doubled_or_out_of_order_while_the_processes_are_killed(
    shift: ShiftHouse,  # noqa: F811
    okno: Okno,
):
    shift.furnish(capacity={"chat": {"push": 0, "limit": ANSWERED}})
    token = agents_token(okno)
    served = shift.start(**NO_LIMITS, routing_grace_seconds="3600")
    port = urlsplit(served.url).port or 0
    line = Line(port)
    visitors = [line.insist("POST", "/chat/session", "", {"entry": "site"})["token"] for _ in range(VISITORS)]
    said = {visitor: [f"v{number}-{step}" for step in range(MESSAGES)] for number, visitor in enumerate(visitors)}
    answers = {
        visitor: [f"a{number}-{step}" for step in range(MESSAGES)] for number, visitor in enumerate(visitors[:ANSWERED])
    }
    for number, visitor in enumerate(visitors):
        line.insist("POST", "/chat/messages", visitor, {"id": f"first-{number:04}", "text": "начало", "entry": "site"})
    held = [row[0] for row in shift.rows("SELECT id FROM interaction ORDER BY id")][:ANSWERED]
    line.insist("PUT", "/api/v1/me/state", token, {"state": "ready"})
    for interaction in held:
        line.insist("POST", f"/api/v1/interactions/{interaction}/take", token, {})

    pages = [Page(port, visitor, 1 + 2 * MESSAGES) for visitor in visitors[:ANSWERED]]
    taken: list[str] = []
    senders = [Sender(said[visitor], _visitor(port, visitor), EVERY, taken) for visitor in visitors]
    senders += [
        Sender(answers[visitor], _agent(port, token, interaction), EVERY, taken)
        for visitor, interaction in zip(visitors, held, strict=False)
    ]
    total = MESSAGES * (VISITORS + ANSWERED)
    for thread in (*pages, *senders):
        thread.start()
    killer, moments = Killer(shift.home), sorted(random.Random(13).sample(range(50, total - 100), 4))
    for moment, name in zip(moments, ("web", "worker", "web", "web"), strict=True):
        wait_until(lambda moment=moment: len(taken) >= moment, PATIENCE, f"{moment} messages")
        killer.strike(name)
    for thread in (*senders, *pages):
        thread.join(PATIENCE)

    assert [thread.told.problem for thread in (*senders, *pages) if thread.told.problem] == []
    assert len(taken) == total and len(killer.killed) == 4
    check_store(shift, said, answers)
    for page, visitor in zip(pages, visitors, strict=False):
        texts = [text for _, text in page.shown]
        assert [text for text in texts if text.startswith("v")] == said[visitor]
        assert [text for text in texts if text.startswith("a")] == answers[visitor]
        ids = [id for id, _ in page.shown]
        assert ids == sorted(set(ids)) and len(ids) == page.wanted
        assert page.streams > 1, "the page never had to connect again"


def _visitor(port: int, visitor: str):
    line = Line(port)

    def send(text: str) -> None:
        line.insist("POST", "/chat/messages", visitor, {"id": f"message-{text}", "text": text, "entry": "site"})

    return send


def _agent(port: int, token: str, interaction: int):
    line = Line(port)

    def send(text: str) -> None:
        line.insist("POST", f"/api/v1/interactions/{interaction}/messages", token, {"text": text}, key=f"answer-{text}")

    return send


def check_store(house: ShiftHouse, said: dict[str, list[str]], answers: dict[str, list[str]]) -> None:
    """Every message is one row, and the rows of each writer in each conversation are in the order they were sent."""
    kept: dict[tuple[int, str], list[str]] = defaultdict(list)
    for interaction, author, text in house.rows("SELECT interaction_id, author, body_text FROM message ORDER BY id"):
        if text != "начало" and author in ("contact", "agent"):
            kept[interaction, author].append(text)
    assert sorted(texts for (_, author), texts in kept.items() if author == "contact") == sorted(said.values())
    assert sorted(texts for (_, author), texts in kept.items() if author == "agent") == sorted(answers.values())
