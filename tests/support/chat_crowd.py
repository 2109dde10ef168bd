"""A crowd of chat visitors and one agent, as their browsers behave: each message is repeated until it is answered."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

PATIENCE = 90.0
PAUSE = 0.05
# A command whose first attempt is still at work, or was when its process was killed.
IN_PROGRESS = "idempotency-in-progress"
BROKEN = (OSError, http.client.HTTPException)


class Line:
    """A keep-alive connection to ``port`` that is opened again when it broke."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, token: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """Status and JSON of one attempt; (0, None) when the server went away."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        self._open = self._open or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            self._open.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self._open.getresponse()
            text = answer.read()
        except BROKEN:
            self._open.close()
            self._open = None
            return 0, None
        return answer.status, json.loads(text) if text else None

    def insist(self, method: str, path: str, token: str, body: Any = None, key: str = "") -> Any:
        """The answer, after as many attempts as it takes. Raises ``AssertionError`` for a refusal or after a minute and a half."""
        deadline, pause = time.monotonic() + PATIENCE, threading.Event()
        while time.monotonic() < deadline:
            status, answer = self.ask(method, path, token, body, key)
            if status in (200, 201, 204):
                return answer
            assert status in (0, 503) or (answer or {}).get("code") == IN_PROGRESS, (status, answer)
            pause.wait(PAUSE)
        raise AssertionError(f"{path} was not answered within {PATIENCE:g} s")


@dataclass
class Told:
    """What a thread has to say when it is over."""

    problem: BaseException | None = None
    attempts: int = 0


class Sender(threading.Thread):
    """Sends its messages one after the other, ``every`` so many seconds unless the server is behind."""

    def __init__(self, texts: list[str], send: Callable[[str], None], every: float, taken: list[str]) -> None:
        super().__init__(daemon=True)
        self.texts, self.send, self.every, self.taken = texts, send, every, taken
        self.told = Told()

    def run(self) -> None:
        begun, pause = time.monotonic(), threading.Event()
        try:
            for number, text in enumerate(self.texts):
                pause.wait(max(0.0, begun + number * self.every - time.monotonic()))
                self.send(text)
                self.taken.append(text)
        except BaseException as problem:  # noqa: BLE001 -- the test looks at it
            self.told.problem = problem


@dataclass
class Page(threading.Thread):
    """A visitor's open page: it listens, reads what came after the last message it has, and never looks at what it has."""

    port: int
    token: str
    wanted: int
    shown: list[tuple[int, str]] = field(default_factory=list)
    streams: int = 0
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.line = Line(self.port)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE
        try:
            while len(self.shown) < self.wanted and time.monotonic() < deadline:
                self._listen(deadline)
        except BaseException as problem:  # noqa: BLE001 -- the test looks at it
            self.told.problem = problem

    def _look(self) -> dict[str, Any]:
        last = self.shown[-1][0] if self.shown else 0
        answer: dict[str, Any] = self.line.insist("GET", f"/chat/messages?after={last}", self.token)
        self.shown += [(message["id"], message["text"]) for message in answer["messages"]]
        return answer

    def _listen(self, deadline: float) -> None:
        state = self._look()
        stream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            stream.request("GET", f"/events?token={quote(state['stream'])}&after={state['events_after']}")
            answer = stream.getresponse()
            if answer.status != 200:
                threading.Event().wait(PAUSE)
                return
            self.streams += 1
            while len(self.shown) < self.wanted and time.monotonic() < deadline:
                said = answer.readline()
                if not said:
                    return
                if said.startswith(b"data:") and b"chat.message" in said:
                    self._look()
        except BROKEN:
            threading.Event().wait(PAUSE)
        finally:
            stream.close()
