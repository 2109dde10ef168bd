"""The facts of a case that people change by hand, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import case_form
from core.contracts import Rejected, Text
from core.db import db
from core.model import Case, Interaction, Organisation, Service, User
from core.model.cases import CASE_STATUSES

PRIORITIES = ("low", "medium", "high", "critical")
CHANGEABLE: dict[str, Text] = {
    "subject": Text("Subject", "Тема"),
    "category": Text("Category", "Категория"),
    "priority": Text("Priority", "Приоритет"),
    "status": Text("Status", "Состояние"),
    "service_id": Text("Service", "Сервис"),
    "assignee_id": Text("Agent", "Оператор"),
    "organisation_id": Text("Organisation", "Организация"),
    "language": Text("Language", "Язык"),
    "is_candidate": Text("Worth an article", "Кандидат в знания"),
}


def check(case: Case, fresh: Mapping[str, Any]) -> None:
    """Raises ``Rejected`` or ``Invalid`` when one of the new values cannot be."""
    if fresh.get("priority", "medium") not in PRIORITIES:
        raise Rejected(Text("There is no such priority", "Такого приоритета нет"), "priority-unknown")
    if "category" in fresh:
        case_form.check_category(fresh.get("service_id", case.service_id), fresh["category"])
    for name, model, code in (
        ("assignee_id", User, "user-unknown"),
        ("organisation_id", Organisation, "organisation-unknown"),
        ("service_id", Service, "service-unknown"),
    ):
        row = db.session.get(model, fresh[name]) if fresh.get(name) is not None else None
        gone = row is None or getattr(row, "disabled_at", None) is not None or getattr(row, "active", True) is False
        if fresh.get(name) is not None and gone:
            title = CHANGEABLE[name]
            raise Rejected(Text(f"{title.en}: there is no such", f"{title.ru}: такого значения нет"), code)
    if "status" in fresh:
        _check_status(case, fresh["status"])


def _check_status(case: Case, status: str) -> None:
    if status not in CASE_STATUSES:
        raise Rejected(Text("There is no such status", "Такого состояния нет"), "status-unknown")
    if status != "closed":
        return
    going_on = select(Interaction.id).where(Interaction.case_id == case.id, Interaction.state != "closed").limit(1)
    if db.session.scalar(going_on) is not None:
        words = Text(
            "An interaction of this case is not finished: finish it with a disposition, the case closes with it.",
            "В запросе есть незавершённое обращение: завершите его со статусом, и запрос закроется.",
        )
        raise Rejected(words, "case-in-work")
    case_form.check_complete(case)


def title_of(name: str, value: Any) -> dict[str, Any]:
    """What the history shows in place of an id, as it was called then."""
    if value is None:
        return {}
    if name == "assignee_id":
        person = db.session.get(User, value)
        return {"title": person.name if person else ""}
    if name == "organisation_id":
        organisation = db.session.get(Organisation, value)
        return {"title": organisation.name if organisation else ""}
    if name == "service_id" and (service := db.session.get(Service, value)) is not None:
        return {"title_en": service.title_en, "title_ru": service.title_ru}
    return {}
