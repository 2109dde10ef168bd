"""Contacts (контакты) and their addresses, changed by hand or by program. Messages make contacts in :mod:`core.intake`.

An address belongs to one contact; the unique pair of kind and value decides between two writers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import phonenumbers
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Contact, ContactAddress, Organisation
from core.organisations import OrganisationForm
from core.schemas import EMAIL, Invalid, checked

KINDS = ("email", "phone", "chat", "telegram", "whatsapp", "vk", "max", "viber", "other")
FIELDS = ("name", "organisation_id", "language", "timezone", "status", "note", "fields")
ADDRESSES_MOST = 50


def normal(kind: str, value: str) -> str:
    """An address as it is compared: mail in lower case, telephones as E.164 where they can be read. Raises :class:`Invalid`."""
    value = value.strip()
    if kind not in KINDS:
        listed = ", ".join(KINDS)
        raise Invalid({"kind": Text(f"Choose one of: {listed}.", f"Выберите одно из: {listed}.")})
    if kind == "email":
        if not EMAIL.fullmatch(value) or len(value) > 254:
            raise Invalid({"value": Text("This is no email address.", "Это не адрес почты.")})
        return value.lower()
    if kind == "phone":
        return _phone(value)
    if not 0 < len(value) <= 254:
        raise Invalid({"value": Text("From 1 to 254 characters.", "От 1 до 254 знаков.")})
    return value


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, "RU")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        text = Text("A phone number, for instance +7 495 123-45-67.", "Введите телефон, например +7 495 123-45-67.")
        raise Invalid({"value": text})
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def create(addresses: Sequence[tuple[str, str]] = (), **fields: Any) -> Contact:
    """A new contact with addresses as (kind, value); ``fields`` are some of ``FIELDS``.

    Raises :class:`Invalid` (``exists`` for an address of somebody else, ``organisation-unknown``).
    """
    with transaction():
        contact = Contact(name="")
        _set(contact, fields)
        db.session.add(contact)
        db.session.flush()
        for kind, value in addresses:
            _add_address(contact, kind, value)
        after = {**_facts(contact), "addresses": [f"{item.kind}:{item.value}" for item in contact.addresses]}
        audit.record("contact.add", "contact", contact.id, after=after)
        return contact


def update(contact_id: int, **fields: Any) -> Contact:
    """Change the given fields. Raises ``Rejected`` (``not-found``) or :class:`Invalid`."""
    with transaction():
        contact = locked(contact_id)
        before = _facts(contact)
        _set(contact, fields)
        db.session.flush()
        audit.record("contact.change", "contact", contact_id, before, _facts(contact))
        return contact


def locked(contact_id: int) -> Contact:
    """The contact, held until the open transaction ends. Raises ``Rejected`` (``not-found``)."""
    contact = db.session.get(Contact, contact_id, with_for_update={"of": Contact}, populate_existing=True)
    if contact is None:
        raise Rejected(Text("There is no such contact", "Такого контакта нет"), "not-found")
    return contact


def _set(contact: Contact, fields: Mapping[str, Any]) -> None:
    if unknown := set(fields) - set(FIELDS):
        raise ValueError(f"not fields of a contact: {unknown}")
    organisation_id = fields.get("organisation_id")
    if organisation_id is not None and db.session.get(Organisation, organisation_id) is None:
        text = Text("There is no such organisation.", "Такой организации нет.")
        raise Invalid({"organisation_id": text}, "organisation-unknown")
    for name, value in fields.items():
        setattr(contact, name, value)


def _facts(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in FIELDS}


def add_address(contact_id: int, kind: str, value: str) -> ContactAddress:
    """Another address; safe to repeat. Raises ``Rejected`` (``not-found``) or :class:`Invalid` (``exists``)."""
    with transaction():
        contact = locked(contact_id)
        address = _add_address(contact, kind, value)
        audit.record("contact.address.add", "contact", contact_id, after={"address": f"{address.kind}:{address.value}"})
        return address


def _add_address(contact: Contact, kind: str, value: str) -> ContactAddress:
    value = normal(kind, value)
    same = select(ContactAddress).where(ContactAddress.kind == kind, ContactAddress.value == value)
    known = db.session.scalar(same)
    if known is None:
        if len(contact.addresses) >= ADDRESSES_MOST:
            text = Text(f"At most {ADDRESSES_MOST} addresses.", f"Не больше {ADDRESSES_MOST} адресов.")
            raise Invalid({"value": text})
        known = ContactAddress(contact_id=contact.id, kind=kind, value=value)
        try:
            with db.session.begin_nested():
                db.session.add(known)
        except IntegrityError:
            known = db.session.scalars(same).one()
        db.session.expire(contact, ["addresses"])
    if known.contact_id != contact.id:
        text = Text(
            f"This address belongs to contact {known.contact_id}.",
            f"Этот адрес принадлежит контакту {known.contact_id}.",
        )
        raise Invalid({"value": text}, "exists")
    return known


def remove_address(contact_id: int, address_id: int) -> None:
    """Take an address away; what comes from it next makes a new contact. Raises ``Rejected`` (``not-found``)."""
    with transaction():
        locked(contact_id)
        address = db.session.get(ContactAddress, address_id)
        if address is None or address.contact_id != contact_id:
            raise Rejected(Text("There is no such address", "Такого адреса нет"), "not-found")
        audit.record(
            "contact.address.remove", "contact", contact_id, before={"address": f"{address.kind}:{address.value}"}
        )
        db.session.delete(address)


def update_organisation(organisation_id: int, **fields: Any) -> Organisation:
    """Change the name or tax number of a company. Raises ``Rejected`` (``not-found``) or :class:`Invalid` (``exists``)."""
    values = checked(OrganisationForm, fields, partial=True)
    with transaction():
        organisation = db.session.get(Organisation, organisation_id, with_for_update=True)
        if organisation is None:
            raise Rejected(Text("There is no such organisation", "Такой организации нет"), "not-found")
        same = select(Organisation.id).where(
            Organisation.name == values.get("name", ""), Organisation.id != organisation_id
        )
        if db.session.scalar(same) is not None:
            text = Text("An organisation with this name exists.", "Организация с таким названием уже есть.")
            raise Invalid({"name": text}, "exists")
        before = {name: getattr(organisation, name) for name in values}
        for name, value in values.items():
            setattr(organisation, name, value)
        audit.record("organisation.change", "organisation", organisation_id, before, values)
        return organisation
