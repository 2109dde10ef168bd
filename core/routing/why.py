"""Why something still waits, for those who watch the queue."""

from __future__ import annotations

from sqlalchemy import select

from core.contracts import Text
from core.db import db
from core.model import Interaction
from core.routing import queue_rows, reading

WORDS = {
    "pull": Text("Agents take from this service by hand", "Из этого сервиса операторы берут обращения сами"),
    "closed": Text("The service is closed: waits for the opening hours", "Сервис закрыт: ждёт рабочего времени"),
    "no-team": Text("No group serves this line of the service", "Эту линию сервиса не обслуживает ни одна группа"),
    "nobody-signed-on": Text("Nobody of its groups is at the desk", "Никого из нужных групп нет на рабочем месте"),
    "nobody-skilled": Text("Nobody at the desk has the skills", "Ни у кого на рабочих местах нет нужных навыков"),
    "last-agent": Text("Waits for the agent of before", "Ждёт оператора, который вёл запрос раньше"),
    "declined": Text("Those who are free have declined", "Свободные операторы отказались"),
    "agents-busy": Text("Those who may serve it are busy", "Все, кто может принять, заняты"),
    "next": Text("It is about to be offered", "Сейчас будет предложено оператору"),
}


def why_waiting(interaction_id: int) -> str:
    """The reason, a key of ``WORDS``; "" when it does not wait."""
    row = queue_rows.one(interaction_id)
    state = db.session.scalar(select(Interaction.state).where(Interaction.id == interaction_id))
    return reading.read_one(row).plan.why(interaction_id) if row and state == "queued" else ""
