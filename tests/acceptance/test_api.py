"""The REST API and webhooks as another system meets them: over HTTP, with tokens made by the command."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.test_first_case import send_letter
from tests.support.okno_process import Served
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = [pytest.mark.feature("P-08"), pytest.mark.slow]
SUBJECT = "Не приходит код подтверждения"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass(frozen=True)
class Program:
    """A program with a token."""

    url: str
    secret: str

    def ask(
        self, method: str, path: str, body: Any = None, status: int = 200, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Call the API; the status must be as expected. Names of headers have ``_`` for ``-``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = f"Bearer {self.secret}"
        if body is not None:
            raw, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(f"{self.url}/api/v1{path}", raw, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.headers, error.read())
        assert answer.status == status, answer.raw.decode()
        return answer

    def get(self, path: str) -> Any:
        return self.ask("GET", path).body

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        answer = self.ask("POST", path, body, status, **headers)
        return answer.body if answer.raw else None


def program(served: Served, login: str, *scopes: str) -> Program:
    """A token by the command, with these scopes or all."""
    chosen = [word for scope in scopes for word in ("--scope", scope)]
    made = served.okno("tokens", "create", login, "--name", "test", *chosen, "--json")
    assert made.code == 0, made.stderr
    return Program(served.url, made.json()["data"]["secret"])


def multipart(fields: Mapping[str, str], file: tuple[str, bytes]) -> tuple[bytes, str]:
    """A body of ``multipart/form-data`` and its content type."""
    mark = uuid.uuid4().hex
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{file[0]}"\r\n'
    body = "".join(parts).encode() + head.encode() + b"Content-Type: text/plain\r\n\r\n" + file[1]
    return body + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def test_the_whole_life_of_a_case_by_api_alone(serve: Callable[..., Served]) -> None:
    served = serve("--demo")
    agent = program(served, "a.sokolova")
    me = agent.get("/me")
    assert me["login"] == "a.sokolova"
    assert agent.ask("PUT", "/me/state", {"state": "not_ready", "reason": ""}).body["state"] == "not_ready"

    send_letter(served.smtp_port, SUBJECT)
    waiting = wait_until(
        lambda: [item for item in agent.get("/queue?limit=200")["items"] if item["case"]["subject"] == SUBJECT],
        what="the letter in the queue",
    )[0]
    taken = agent.post(f"/interactions/{waiting['id']}/take")
    assert (taken["state"], taken["agent"]["id"]) == ("active", me["id"])
    assert agent.get("/me/state")["state"] == "busy"
    agent.ask("POST", "/me/heartbeat", status=204)

    case_path = f"/cases/{waiting['case']['id']}"
    seen = agent.ask("GET", case_path)
    assert seen.body["assignee"]["login"] == "a.sokolova"
    changed = agent.ask("PATCH", case_path, {"priority": "high"}, If_Match=seen.headers["ETag"])
    assert changed.body["priority"] == "high"
    late = agent.ask("PATCH", case_path, {"priority": "low"}, 412, If_Match=seen.headers["ETag"], Accept_Language="ru")
    assert late.body["title"] == "Изменено другим"
    incoming = agent.get(f"{case_path}/messages")["items"][0]
    assert agent.ask("GET", f"/attachments/{incoming['attachments'][0]['id']}").raw == b"%PDF-1.4 snapshot"

    agent.post(f"{case_path}/notes", {"text": "Проверил номер телефона"}, 201)
    body, kind = multipart({"text": "Код отправлен ещё раз."}, ("справка.txt", b"hello"))
    once = str(uuid.uuid4())
    sent = agent.ask(
        "POST", f"/interactions/{taken['id']}/messages", raw=body, status=201, Content_Type=kind, Idempotency_Key=once
    )
    body, kind = multipart({"text": "Код отправлен ещё раз."}, ("справка.txt", b"hello"))
    again = agent.ask(
        "POST", f"/interactions/{taken['id']}/messages", raw=body, status=201, Content_Type=kind, Idempotency_Key=once
    )
    assert (sent.raw, again.headers["Idempotency-Replayed"]) == (again.raw, "true")
    assert [file["name"] for file in sent.body["attachments"]] == ["справка.txt"]
    assert len(agent.get(f"{case_path}/messages")["items"]) == 3  # the letter, its acknowledgement, the answer

    assert agent.post(f"/interactions/{taken['id']}/finish")["state"] == "wrap_up"
    service = taken["service"]["id"]
    outcomes = agent.get(f"/dispositions?service_id={service}")["items"]
    headings = {item["parent_id"] for item in outcomes}
    chosen = next(item for item in outcomes if item["closes_case"] and item["id"] not in headings)
    closed = agent.post(f"/interactions/{taken['id']}/complete", {"disposition_id": chosen["id"], "comment": "ок"})
    assert closed["state"] == "closed"
    assert agent.get(case_path)["status"] == "closed"
    kinds = [entry["kind"] for entry in agent.get(f"{case_path}/timeline?limit=200")["items"]]
    assert {"case.opened", "interaction.taken", "note", "message", "disposition", "case.closed"} <= set(kinds)
    refused = agent.ask("POST", f"/interactions/{taken['id']}/finish", status=409)
    assert refused.body["code"] == "not-your-interaction"

    # what the house has besides: articles of a plugin, the directory, search
    assert agent.get("/articles?limit=1")["items"][0]["sections"]
    assert agent.get("/contacts?q=sidorov")["items"] or agent.get("/contacts?q=сидоров")["items"]
    assert [hit for hit in agent.get("/search?q=" + waiting["case"]["number"])["items"] if hit["kind"] == "case"]

    # a narrow token does no more than it says, and none at all does nothing
    narrow = program(served, "a.sokolova", "cases:read")
    assert narrow.ask("GET", case_path).status == 200
    assert narrow.ask("POST", f"{case_path}/notes", {"text": "x"}, 403).body["code"] == "scope-missing"
    assert Program(served.url, "okno_pat_nothing").ask("GET", "/me", status=401).headers["WWW-Authenticate"]
    listed = served.okno("tokens", "list", "--json").json()["data"]
    assert served.okno("tokens", "revoke", str(listed[0]["id"])).code == 0
    narrow.ask("GET", case_path, status=401)


def worker_of(served: Served) -> int:
    """The process number of the worker that ``okno run`` keeps alive."""
    return int(json.loads((served.okno.home / "run/okno.json").read_text())["children"]["worker"])


def outbox(served: Served) -> list[tuple[str, int]]:
    """State and attempts of the webhook rows, read beside the centre."""
    connection = sqlite3.connect(f"file:{served.okno.home / 'okno.db'}?mode=ro", uri=True)
    try:
        query = "SELECT state, attempts FROM outbox WHERE kind = 'webhook.send' ORDER BY id"
        return [tuple(row) for row in connection.execute(query)]
    finally:
        connection.close()


def test_webhooks_arrive_signed_through_failures_and_a_killed_worker(
    serve: Callable[..., Served], receiver: WebhookReceiver
) -> None:
    served = serve("--demo", env={"OKNO_WEBHOOKS_ALLOW_PRIVATE": "true"})
    added = served.okno("webhooks", "add", receiver.url, "--event", "case.*", "--json")
    assert added.code == 0, added.stderr
    secret = added.json()["data"]["secret"]
    supervisor = program(served, "e.orlova")
    service = supervisor.get("/services")["items"][0]["id"]

    created = supervisor.post("/cases", {"subject": "Первый", "service_id": service}, 201)
    first = receiver.wait_for(lambda one: one.body["type"] == "case.created")
    assert first.signed_with(secret)
    assert not first.signed_with("whsec_" + "A" * 43 + "=")
    assert first.body["data"]["case"]["id"] == created["id"]

    # The worker is killed between its attempt and what it would remember of it.
    receiver.open.clear()
    supervisor.post("/cases", {"subject": "Второй", "service_id": service}, 201)
    lost = receiver.wait_for(lambda one: one.body["data"]["case"]["subject"] == "Второй")
    os.kill(worker_of(served), signal.SIGKILL)
    receiver.open.set()
    again = receiver.wait_for(
        lambda one: one is not lost and one.headers["webhook-id"] == lost.headers["webhook-id"], 60
    )
    assert again.body == lost.body
    assert again.signed_with(secret)
    wait_until(lambda: {state for state, _ in outbox(served)} == {"sent"}, what="everything delivered")
    assert len({one.headers["webhook-id"] for one in receiver.deliveries}) == len(outbox(served))
    row = served.okno("webhooks", "list", "--json").json()["data"][0]
    assert (row["active"], row["last_status"]) == (True, "HTTP 200")
    assert served.okno("webhooks", "test", str(row["id"])).code == 0
    receiver.wait_for(lambda one: one.body["type"] == "test")
