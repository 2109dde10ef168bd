"""The variables that belong to the core: the agent, the contact, the case."""

from __future__ import annotations

from core import hookimpl
from core.contracts import Text, Variable, VariableContext
from core.db import db
from core.model import Case, Contact, ContactAddress, Interaction, Service, User


def _user(context: VariableContext) -> User | None:
    return db.session.get(User, context.user_id) if context.user_id else None


def _case(context: VariableContext) -> Case | None:
    return db.session.get(Case, context.case_id) if context.case_id else None


def _contact(context: VariableContext) -> Contact | None:
    return db.session.get(Contact, context.contact_id) if context.contact_id else None


def user_first_name(context: VariableContext) -> str:
    user = _user(context)
    return user.first_name if user else ""


def user_last_name(context: VariableContext) -> str:
    user = _user(context)
    return user.last_name if user else ""


def from_name(context: VariableContext) -> str:
    contact = _contact(context)
    return contact.name if contact else ""


def from_email(context: VariableContext) -> str:
    if (
        context.interaction_id
        and (interaction := db.session.get(Interaction, context.interaction_id))
        and "@" in interaction.address
    ):
        return interaction.address
    contact = _contact(context)
    emails: list[ContactAddress] = (
        [address for address in contact.addresses if address.kind == "email"] if contact else []
    )
    return emails[0].value if emails else ""


def case_number(context: VariableContext) -> str:
    case = _case(context)
    return case.number if case else ""


def case_subject(context: VariableContext) -> str:
    case = _case(context)
    return case.subject if case else ""


def service_title(context: VariableContext) -> str:
    service = db.session.get(Service, context.service_id) if context.service_id else None
    if service is None:
        return ""
    return service.title_ru if service.language == "ru" else service.title_en


@hookimpl
def register_variables() -> list[Variable]:
    """The names are those agents know from FEATURES.md, K-05."""
    return [
        Variable("User.firstName", Text("Agent's first name", "Имя оператора"), user_first_name, "Анна"),
        Variable("User.lastName", Text("Agent's last name", "Фамилия оператора"), user_last_name, "Иванова"),
        Variable("from.name", Text("Contact's name", "Имя контакта"), from_name, "Пётр"),
        Variable("from.emailAddress", Text("Contact's address", "Адрес контакта"), from_email, "petr@example.org"),
        Variable("case.number", Text("Case number", "Номер запроса"), case_number, "10042"),
        Variable("case.subject", Text("Case subject", "Тема запроса"), case_subject, "…"),
        Variable("service.name", Text("Service", "Сервис"), service_title, "Поддержка"),
    ]
