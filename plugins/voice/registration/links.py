"""Calls registered at cases: by hand with a number or from the list, during the call or after it. The only code that links them.

A call is registered when an agent has linked it, or has finished its own case with a disposition.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core import case_links, casework, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Case, User
from core.permissions import allowed
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.registration import CallLink

PERMISSION = "voice.registration"
CANDIDATES = 10
UNKNOWN = Text("There is no such call", "Такого звонка нет")
NO_CASE = Text("There is no such case", "Такого запроса нет")


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as pages of registration show it. ``how``: linked, disposition (its own case was finished with one) or "" (not registered)."""

    call: VoiceCall
    link: CallLink | None
    case: Case | None
    how: str


def view_of(call: VoiceCall) -> CallView:
    """How a call stands."""
    link = db.session.get(CallLink, call.id, options=[joinedload(CallLink.case), joinedload(CallLink.by)])
    if link is not None:
        return CallView(call, link, link.case, "linked")
    finished = call.interaction is not None and call.interaction.disposition_id is not None
    case = db.session.get(Case, call.case_id) if call.case_id else None
    return CallView(call, None, case, "disposition" if finished else "")


def find_call(text: str) -> VoiceCall:
    """A call by its id, as the list shows it (a number, or the key of the call). Raises ``Rejected`` (``call-unknown``)."""
    wanted = text.strip().removeprefix("#")
    condition = VoiceCall.key == wanted.lower()
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        condition = or_(condition, VoiceCall.id == int(wanted))
    query = select(VoiceCall).where(condition).options(joinedload(VoiceCall.agent), joinedload(VoiceCall.interaction))
    row: VoiceCall | None = db.session.scalar(query.order_by(VoiceCall.key != wanted.lower()).limit(1))
    if row is None:
        raise Rejected(Text(f"There is no call '{wanted}'", f"Нет звонка «{wanted}»"), "call-unknown")
    return row


def call_of_interaction(interaction_id: int) -> VoiceCall | None:
    """The call of an interaction."""
    query = select(VoiceCall).where(VoiceCall.interaction_id == interaction_id)
    row: VoiceCall | None = db.session.scalar(query.options(joinedload(VoiceCall.interaction)))
    return row


def candidates(call: VoiceCall) -> list[Case]:
    """Cases that the call may belong to: the caller's newest ones but its own."""
    contact = call.interaction.contact_id if call.interaction else None
    if contact is None:
        return []
    query = select(Case).where(Case.contact_id == contact, Case.id != (call.case_id or 0))
    return list(db.session.scalars(query.order_by(Case.created_at.desc(), Case.id.desc()).limit(CANDIDATES)))


def case_by_number(number: str) -> Case:
    """A case by what people write of it. Raises ``Rejected`` (``case-unknown``)."""
    wanted = number.strip().removeprefix("#").removeprefix("№").strip().upper()
    row: Case | None = db.session.scalar(select(Case).where(Case.number == wanted))
    if row is None:
        raise Rejected(Text(f"There is no case '{wanted}'", f"Нет запроса «{wanted}»"), "case-unknown")
    return row


def link(call_id: int, case_id: int, by_id: int | None) -> CallLink:
    """Register a call at a case, in place of any other; its own case, when another, is marked as the same matter.

    Raises ``Rejected``: ``call-unknown``, ``call-not-yours`` unless the agent had the call or keeps registration, ``case-unknown``.
    """
    with transaction():
        call = db.session.get(VoiceCall, call_id, with_for_update=True)
        if call is None:
            raise Rejected(UNKNOWN, "call-unknown")
        _check_right(call, by_id)
        case = db.session.get(Case, case_id)
        if case is None:
            raise Rejected(NO_CASE, "case-unknown")
        row = db.session.get(CallLink, call_id)
        if row is not None and row.case_id == case_id:
            return row
        if row is None:
            row = CallLink(call_id=call_id)
            db.session.add(row)
        row.case_id, row.by_id, row.at = case_id, by_id, now()
        db.session.flush()
        _tell(call, case, by_id)
        return row


def _tell(call: VoiceCall, case: Case, by_id: int | None) -> None:
    who = call.from_number or call.name
    title = Text(f"Call {call.id} registered here: {who}", f"Здесь зарегистрирован звонок {call.id}: {who}")
    timeline.write(case.id, "voice.registered", actor_id=by_id, title_en=title.en, title_ru=title.ru, call_id=call.id)
    casework.tell(case, "voice")
    if call.case_id and call.case_id != case.id:
        case_links.link(call.case_id, case.id, "related", by_id)


def unlink(call_id: int, by_id: int | None) -> None:
    """Take a registration back. Raises ``call-unknown``, ``call-not-yours``."""
    with transaction():
        call = db.session.get(VoiceCall, call_id, with_for_update=True)
        row = db.session.get(CallLink, call_id)
        if call is None or row is None:
            raise Rejected(UNKNOWN, "call-unknown")
        _check_right(call, by_id)
        title = Text(f"Call {call_id} is registered here no more", f"Регистрация звонка {call_id} снята")
        timeline.write(row.case_id, "voice.unregistered", actor_id=by_id, title_en=title.en, title_ru=title.ru)
        db.session.delete(row)


def _check_right(call: VoiceCall, by_id: int | None) -> None:
    if by_id is None or by_id == call.agent_id:
        return
    user = db.session.get(User, by_id)
    if user is None or not allowed(user, PERMISSION):
        words = Text("Only the agent who had the call links it", "Звонок привязывает оператор, который его принял")
        raise Rejected(words, "call-not-yours")


def calls_of_case(case_id: int) -> list[VoiceCall]:
    """The calls of a case and those registered at it, the newest first, at most 20."""
    linked = select(CallLink.call_id).where(CallLink.case_id == case_id)
    query = select(VoiceCall).where(or_(VoiceCall.case_id == case_id, VoiceCall.id.in_(linked)))
    query = query.options(joinedload(VoiceCall.agent), joinedload(VoiceCall.interaction))
    return list(db.session.scalars(query.order_by(VoiceCall.id.desc()).limit(20)))
