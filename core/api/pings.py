"""Pings (пинги): questions from a case to experts and supervisors."""

from __future__ import annotations

from typing import Any

from flask import abort

from core import pings
from core.api import fields as f
from core.api import lookups
from core.api.auth import me
from core.api.errors import Problem
from core.api.resource import Resource
from core.api.shapes import PingShape, PingTargetShape
from core.contracts import Rejected, Text
from core.model import Ping, PingTarget

resource = Resource("cases", Text("Cases", "Запросы"))


class PingInput(f.Input):
    target_id = f.key(required=True)
    question = f.text(20_000, required=True, least=1)
    values = f.StrictObject(
        keys=f.text(40),
        values=f.text(2000),
        load_default=dict,
        metadata={"description": Text("What the target's fields ask for", "Значения полей адресата")},
    )
    interaction_id = f.key(allow_none=True, load_default=None)


class AnswerInput(f.Input):
    text = f.text(20_000, required=True, least=1)


@resource.get("/ping-targets", Text("Whom a ping may reach", "Адресаты пингов"), answer=PingTargetShape, many=True)
def list_ping_targets() -> list[PingTarget]:
    """Those switched on."""
    return pings.targets()


@resource.get("/pings", Text("Pings to answer", "Пинги, ждущие ответа"), answer=PingShape, many=True)
def list_pings() -> list[Ping]:
    """What waits for the user: taken ones first, then by age; at most a hundred."""
    return pings.to_answer(me().id)


@resource.get(
    "/cases/<id:case_id>/pings",
    Text("Pings of a case", "Пинги запроса"),
    permission="case.view",
    answer=PingShape,
    many=True,
)
def list_case_pings(case_id: int) -> list[Ping]:
    """The newest first."""
    lookups.case(case_id)
    return pings.of_case(case_id)


@resource.post(
    "/cases/<id:case_id>/pings",
    Text("Ask", "Задать вопрос"),
    permission="case.reply",
    body=PingInput,
    answer=PingShape,
    status=201,
)
def ask_ping(case_id: int, body: dict[str, Any]) -> Ping:
    """A question; its answer becomes a note of the case."""
    lookups.case(case_id)
    ping_id = pings.ask(case_id, me().id, body["target_id"], body["question"], body["values"], body["interaction_id"])
    return pings.get(ping_id)


def _seen(ping_id: int) -> Ping:
    try:
        ping = pings.get(ping_id)
    except Rejected:
        abort(404)
    if ping.asked_by_id != me().id and not pings.may_answer(ping, me().id):
        raise Problem(403, "not-yours", Text("This ping is not for you.", "Этот пинг адресован не вам."))
    return ping


@resource.get("/pings/<id:ping_id>", Text("A ping", "Пинг"), answer=PingShape)
def get_ping(ping_id: int) -> Ping:
    """For who asked and who may answer."""
    return _seen(ping_id)


@resource.post("/pings/<id:ping_id>/take", Text("Take a ping", "Взять пинг"), answer=PingShape)
def take_ping(ping_id: int) -> Ping:
    """Nobody else answers it then."""
    _seen(ping_id)
    pings.take(ping_id, me().id)
    return pings.get(ping_id)


@resource.post("/pings/<id:ping_id>/give-back", Text("Give a ping back", "Вернуть пинг"), answer=PingShape)
def give_back_ping(ping_id: int) -> Ping:
    """Another addressee may answer."""
    _seen(ping_id)
    pings.give_back(ping_id, me().id)
    return pings.get(ping_id)


@resource.post(
    "/pings/<id:ping_id>/answer", Text("Answer a ping", "Ответить на пинг"), body=AnswerInput, answer=PingShape
)
def answer_ping(ping_id: int, body: dict[str, Any]) -> Ping:
    """Waiting, or taken by the user."""
    _seen(ping_id)
    pings.answer(ping_id, me().id, body["text"])
    return pings.get(ping_id)


@resource.post("/pings/<id:ping_id>/withdraw", Text("Withdraw a ping", "Отозвать пинг"), answer=PingShape)
def withdraw_ping(ping_id: int) -> Ping:
    """By who asked, while there is no answer."""
    _seen(ping_id)
    pings.withdraw(ping_id, me().id)
    return pings.get(ping_id)
