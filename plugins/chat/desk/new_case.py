"""A case of its own from a chat: another matter comes up while one is talked about."""

from __future__ import annotations

from core import case_changes, case_links, case_notes, casework, company
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Case, Interaction, Service
from plugins.chat.desk import transcript

NOTE = Text("From the chat in case № {number}:", "Из чата в запросе № {number}:")


def open_case(interaction_id: int, user_id: int, subject: str, *, service_id: int | None = None) -> Case:
    """A new case for the same contact, linked with the chat's, with the transcript as its first note.

    The same subject again returns what it opened. Raises ``Rejected``: ``not-your-interaction``, ``subject-missing``,
    ``transfer-service-unknown``.
    """
    with transaction():
        interaction = db.session.get(Interaction, interaction_id)
        mine = interaction is not None and (
            interaction.agent_id == user_id or company.takes_part(interaction_id, user_id)
        )
        if interaction is None or not mine:
            words = Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас")
            raise Rejected(words, "not-your-interaction")
        subject = " ".join(subject.split())[:300]
        if not subject:
            raise Rejected(Text("Say what it is about", "Укажите тему"), "subject-missing")
        case_changes.locked(interaction.case_id)
        linked = (one.case for one in case_links.linked_cases(interaction.case_id))
        same = next((case for case in linked if case.subject == subject and case.status != "closed"), None)
        if same is not None:
            return same
        return _open(interaction, user_id, subject, _service(service_id, interaction))


def _service(service_id: int | None, interaction: Interaction) -> Service:
    service = db.session.get(Service, service_id or interaction.service_id)
    if service is None or not service.active:
        raise Rejected(Text("There is no such service", "Такого сервиса нет"), "transfer-service-unknown")
    return service


def _open(interaction: Interaction, user_id: int, subject: str, service: Service) -> Case:
    before = interaction.case
    case = casework.create(
        subject=subject,
        service=service,
        contact=before.contact,
        language=before.language,
        cause="chat",
        assignee_id=user_id,
    )
    language = before.language or service.language
    head = NOTE.to(language).format(number=before.number)
    case_notes.add(case.id, user_id, f"{head}\n\n{transcript.as_text(interaction, language)}"[:49_000])
    case_links.link(case.id, before.id, "related", user_id)
    return case
