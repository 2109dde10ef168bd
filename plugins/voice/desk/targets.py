"""Whom a call can be taken to: lines, colleagues, services, contacts with a number; the dialog of consultation, transfer and conference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from core import directory_book
from core.directory_book import Asked, Person
from core.model import Contact, Service, User
from core.permissions import allowed, require
from core.web.desk_frame import signed_in
from core.web.presence_marks import mark_of
from plugins.voice.lines import directory as lines
from plugins.voice.models import VoiceLine

PURPOSES = ("any", "consult", "transfer", "conference")
# Nobody is asked for advice in a queue: services are places to pass a call to.
TO_SERVICES = ("any", "transfer")
NEAREST = ("available", "busy", "wrap", "ringing", "dnd", "away", "offline")
MOST = 30
FEW = 12


@dataclass(frozen=True, slots=True)
class Found:
    """What the list shows; contacts as (name, number, id)."""

    question: Asked
    lines: list[VoiceLine]
    people: list[Person]
    services: list[Service]
    contacts: list[tuple[str, str, int]]


def find(user: User, text: str, purpose: str) -> Found:
    """Whom this agent may reach with what was typed; without a question colleagues and lines, whoever would answer first."""
    question = directory_book.asked(text)
    people = [one for one in directory_book.people(question, limit=MOST + 1).rows if one.user.id != user.id][:MOST]
    people.sort(key=lambda person: NEAREST.index(mark_of(person).key))
    services = directory_book.services(question, limit=FEW).rows if purpose in TO_SERVICES else []
    contacts: list[Any] = []
    if question and purpose != "consult" and allowed(user, "contact.view"):
        contacts = directory_book.contacts(question, limit=FEW).rows
    return Found(question, lines.find(text, user.id), people, services, _numbers(contacts))


def _numbers(contacts: list[Contact]) -> list[tuple[str, str, int]]:
    return [
        (contact.name or address.value, address.value, contact.id)
        for contact in contacts
        for address in contact.addresses
        if address.kind == "phone"
    ]


@require("voice.call")
def targets() -> str:
    """The dialog, or with ``list`` only what is found. ``for`` is one of PURPOSES, ``q`` what was typed."""
    purpose = request.args.get("for", "any")
    purpose = purpose if purpose in PURPOSES else "any"
    found = find(signed_in(), request.args.get("q", ""), purpose)
    titles = {
        "any": _("Consult, pass on, add"),
        "consult": _("Whom to consult"),
        "transfer": _("Pass the call on"),
        "conference": _("Add to the conversation"),
    }
    name = "targets_found" if request.args.get("list") else "targets"
    return render_template(
        f"voice/desk/{name}.html",
        found=found,
        purpose=purpose,
        titles=titles,
        call_key=request.args.get("call", ""),
    )
