"""Saying that a case is about to be late, or is: an entry of the timeline, a notice to whoever holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core import notifications, timeline
from core.contracts import Text
from core.db import db
from core.events import log as events
from core.house import okno
from core.model import Case, User
from plugins.sla.clock_state import ClockState, Flag
from plugins.sla.models import SlaClock

RESPONSE, RESOLUTION = "response", "resolution"
WORDS = {
    Flag.RESPONSE_WARNED: Text("The first answer is nearly due", "Подходит срок первого ответа"),
    Flag.RESPONSE_BREACHED: Text("The first answer is late", "Первый ответ просрочен"),
    Flag.RESOLUTION_WARNED: Text("The solution is nearly due", "Подходит срок решения"),
    Flag.RESOLUTION_BREACHED: Text("The solution is late", "Решение просрочено"),
}
_BREACH_OF = {
    Flag.RESPONSE_WARNED: Flag.RESPONSE_BREACHED,
    Flag.RESOLUTION_WARNED: Flag.RESOLUTION_BREACHED,
}


def tell(row: SlaClock, state: ClockState, new: Iterable[Flag], *, notify: bool) -> None:
    """Write each new flag to the timeline; with ``notify``, a notice as well while the promise is still open.

    A warning is left out when the breach comes with it, or when the promise was kept meanwhile.
    """
    raised = set(new)
    for flag in Flag:
        if flag not in raised or _BREACH_OF.get(flag) in state.flags:
            continue
        settled = _settled(flag, state)
        if flag in _BREACH_OF and settled:
            continue
        _write(row.case_id, flag, state)
        if notify and not settled:
            _notify(row.case_id, flag)
    events.publish("desk", "case.changed", {"case_id": row.case_id, "number": _case(row).number, "changes": ["sla"]})


def promise_of(flag: Flag) -> str:
    """Which promise a flag is about: ``response`` or ``resolution``."""
    return RESPONSE if flag in (Flag.RESPONSE_WARNED, Flag.RESPONSE_BREACHED) else RESOLUTION


def _settled(flag: Flag, state: ClockState) -> bool:
    kept = state.responded_at if promise_of(flag) == RESPONSE else state.resolved_at
    return kept is not None


def _case(row: SlaClock) -> Case:
    return db.session.get_one(Case, row.case_id)


def _write(case_id: int, flag: Flag, state: ClockState) -> None:
    promise, words = promise_of(flag), WORDS[flag]
    due = state.response_due if promise == RESPONSE else state.resolution_due
    timeline.write(
        case_id,
        "sla.warning" if flag in _BREACH_OF else "sla.breached",
        promise=promise,
        due_at=due.isoformat() if due else None,
        title_en=words.en,
        title_ru=words.ru,
    )


def _notify(case_id: int, flag: Flag) -> None:
    case = db.session.get_one(Case, case_id)
    default = okno().config.get("core.language")
    level = "warning" if flag in _BREACH_OF else "error"
    for topic, language in _listeners(case, default):
        text = f"{case.number}: {WORDS[flag].to(language)}"
        payload = {"level": level, "text": text, "case_id": case.id, "number": case.number, "code": f"sla.{flag}"}
        events.publish(topic, "notice", payload)
    _keep(case, flag)


def notice_words(data: Mapping[str, Any], _who: str) -> Text:
    """The line of the notification centre."""
    words = WORDS[Flag(data["flag"])]
    return Text(f"{words.en}: case {data['number']}", f"{words.ru}: запрос № {data['number']}")


def _keep(case: Case, flag: Flag) -> None:
    """Whoever holds the case finds it in the notification centre later, too."""
    if case.assignee_id is not None:
        kind = "sla.warning" if flag in _BREACH_OF else "sla.breached"
        data = {"flag": str(flag), "number": case.number, "subject": case.subject[:140]}
        notifications.notify([case.assignee_id], kind, f"/cases/{case.id}", data)


def _listeners(case: Case, language: str) -> list[tuple[str, str]]:
    """Topics with the language of who listens there: the assignee, else the teams of the service, else every desk."""
    if case.assignee_id is not None:
        user = db.session.get(User, case.assignee_id)
        return [(f"user:{case.assignee_id}", (user.language if user else "") or language)]
    if case.service is not None and case.service.teams:
        return [(f"team:{team.id}", language) for team in case.service.teams]
    return [("desk", language)]
