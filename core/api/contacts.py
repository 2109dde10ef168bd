"""Contacts (контакты) and organisations (организации)."""

from __future__ import annotations

from typing import Any

from flask import abort
from sqlalchemy import select

from core import contacts_book, directory_book, organisations
from core.api import fields as f
from core.api import lookups
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import ContactShape, OrganisationShape
from core.contracts import Text
from core.db import db, transaction
from core.model import Contact, ContactAddress, Organisation

resource = Resource("contacts", Text("Contacts and organisations", "Контакты и организации"))
BY_ID = Order("contacts", ((Contact.id, True),))
ORGANISATIONS = Order("organisations", ((Organisation.id, True),))
READ = {"permission": "contact.view"}
EDIT = {"permission": "contact.edit"}


class ContactQuery(PageQuery):
    q = f.asked(f.text(120, Text("Beginnings of words or digits", "Начала слов или цифр"), least=1))
    address = f.asked(f.text(254, Text("An exact address", "Точный адрес")))
    organisation_id = f.asked(f.key())


class OrganisationQuery(PageQuery):
    q = f.asked(f.text(120, least=1))
    tax_id = f.asked(f.text(40))


class AddressInput(f.Input):
    kind = f.word(contacts_book.KINDS, required=True)
    value = f.text(254, required=True, least=1)


class ContactChanges(f.Input):
    name = f.text(200)
    organisation_id = f.key(allow_none=True)
    language = f.word(("", "ru", "en"))
    timezone = f.text(60)
    status = f.text(20)
    note = f.text(20_000)
    fields_ = f.StrictObject(keys=f.text(40), values=f.text(2000), data_key="fields")


class ContactInput(ContactChanges):
    name = f.text(200, required=True, least=1)
    addresses = f.items(f.StrictNested(AddressInput), contacts_book.ADDRESSES_MOST, load_default=list)


class OrganisationInput(f.Input):
    name = f.text(200, required=True, least=1)
    tax_id = f.text(40, load_default="")


class OrganisationChanges(f.Input):
    name = f.text(200, least=1)
    tax_id = f.text(40)


def _facts(body: dict[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_"): value for name, value in body.items() if name != "addresses"}


@resource.get("/contacts", Text("Contacts", "Контакты"), query=ContactQuery, answer=ContactShape, paged=True, **READ)
def list_contacts(query: dict[str, Any]) -> Page:
    """The newest first; ``q`` finds as the directory does."""
    statement = lookups.contact_query()
    if "q" in query and (asked := directory_book.asked(query["q"])):
        statement = statement.where(directory_book.matches("contact", Contact.id, asked))
    if "address" in query:
        value = query["address"].strip()
        exact = select(ContactAddress.contact_id).where(ContactAddress.value.in_((value, value.lower())))
        statement = statement.where(Contact.id.in_(exact))
    if "organisation_id" in query:
        statement = statement.where(Contact.organisation_id == query["organisation_id"])
    return page(statement, BY_ID, query, lambda contact: (contact.id,))


@resource.get("/contacts/<id:contact_id>", Text("A contact", "Контакт"), answer=ContactShape, **READ)
def get_contact(contact_id: int) -> Contact:
    """With addresses and organisation."""
    return lookups.contact(contact_id)


@resource.post(
    "/contacts", Text("Add a contact", "Добавить контакт"), body=ContactInput, answer=ContactShape, status=201, **EDIT
)
def create_contact(body: dict[str, Any]) -> Contact:
    """An address that belongs to somebody else is refused (409, ``exists``)."""
    addresses = [(item["kind"], item["value"]) for item in body["addresses"]]
    contact = contacts_book.create(addresses, **_facts(body))
    return lookups.contact(contact.id)


@resource.patch(
    "/contacts/<id:contact_id>",
    Text("Change a contact", "Изменить контакт"),
    body=ContactChanges,
    answer=ContactShape,
    **EDIT,
)
def change_contact(contact_id: int, body: dict[str, Any]) -> Contact:
    """The given fields."""
    lookups.contact(contact_id)
    contacts_book.update(contact_id, **_facts(body))
    return lookups.contact(contact_id)


@resource.post(
    "/contacts/<id:contact_id>/addresses",
    Text("Add an address", "Добавить адрес"),
    body=AddressInput,
    answer=ContactShape,
    **EDIT,
)
def add_contact_address(contact_id: int, body: dict[str, Any]) -> Contact:
    """Safe to repeat."""
    lookups.contact(contact_id)
    contacts_book.add_address(contact_id, body["kind"], body["value"])
    return lookups.contact(contact_id)


@resource.delete(
    "/contacts/<id:contact_id>/addresses/<id:address_id>", Text("Remove an address", "Убрать адрес"), **EDIT
)
def remove_contact_address(contact_id: int, address_id: int) -> None:
    """What comes from it next makes a new contact."""
    contacts_book.remove_address(contact_id, address_id)


# --- organisations -----------------------------------------------------------------------------------


@resource.get(
    "/organisations",
    Text("Organisations", "Организации"),
    query=OrganisationQuery,
    answer=OrganisationShape,
    paged=True,
    **READ,
)
def list_organisations(query: dict[str, Any]) -> Page:
    """The newest first; ``q`` finds as the directory does."""
    statement = select(Organisation)
    if "q" in query and (asked := directory_book.asked(query["q"])):
        statement = statement.where(directory_book.matches("organisation", Organisation.id, asked))
    if "tax_id" in query:
        statement = statement.where(Organisation.tax_id == query["tax_id"])
    return page(statement, ORGANISATIONS, query, lambda row: (row.id,))


@resource.get(
    "/organisations/<id:organisation_id>", Text("An organisation", "Организация"), answer=OrganisationShape, **READ
)
def get_organisation(organisation_id: int) -> Organisation:
    """By id."""
    organisation = db.session.get(Organisation, organisation_id)
    if organisation is None:
        abort(404)
    return organisation


@resource.post(
    "/organisations",
    Text("Add an organisation", "Добавить организацию"),
    body=OrganisationInput,
    answer=OrganisationShape,
    status=201,
    **EDIT,
)
def create_organisation(body: dict[str, Any]) -> Organisation:
    """A name or tax number that is there already is refused (409, ``exists``)."""
    return organisations.add(body["name"], body["tax_id"])


@resource.patch(
    "/organisations/<id:organisation_id>",
    Text("Change an organisation", "Изменить организацию"),
    body=OrganisationChanges,
    answer=OrganisationShape,
    **EDIT,
)
def change_organisation(organisation_id: int, body: dict[str, Any]) -> Organisation:
    """The given fields."""
    with transaction():
        return contacts_book.update_organisation(organisation_id, **body)
