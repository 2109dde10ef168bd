"""Translations by a plugin: asked for once, kept with the message, offered only while somebody translates."""

from __future__ import annotations

import pytest

from core import hookimpl, translating
from core.contracts import Rejected
from core.db import db, in_transaction, transaction
from core.live import talk
from core.model import Case, Interaction, Message, Service
from tests.core.test_desk import desk  # noqa: F401 -- the fixture


class Upside:
    """Translates by turning words round; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    @hookimpl
    def choose_translation(self, text: str, source: str, target: str) -> str | None:
        assert not in_transaction()
        self.asked.append((text, source, target))
        return None if "?" in text else text[::-1]


@pytest.fixture
def taken(centre):
    return db.session.get_one(Interaction, centre.taken(centre.agents[0]))


def first_message():
    return db.session.scalars(db.select(Message).where(Message.direction == "in")).one()


def test_without_a_translator_nothing_is_offered(desk, taken):  # noqa: F811
    message, case_id = first_message(), taken.case_id
    page = desk.get(f"/cases/{case_id}").text
    assert "/translation" not in page and not translating.is_offered()
    answer = desk.post(f"/messages/{message.id}/translation")
    assert answer.status_code == 422 and "no-translation" in answer.headers["HX-Trigger"]


def test_a_message_is_translated_once_and_shown_from_then_on(centre, desk, taken):  # noqa: F811
    upside = Upside()
    centre.register(upside, "upside")
    message_id, case_id = first_message().id, taken.case_id
    offer = f'hx-post="/messages/{message_id}/translation"'
    assert offer in desk.get(f"/cases/{case_id}").text
    assert "етигомоП" in desk.post(f"/messages/{message_id}/translation").text
    assert "етигомоП" in desk.post(f"/messages/{message_id}/translation").text
    assert len(upside.asked) == 1 and upside.asked[0][0] == "Помогите"
    page = desk.get(f"/cases/{case_id}").text
    assert "етигомоП" in page and offer not in page
    newest = db.session.scalar(db.select(db.func.max(Message.id)))
    assert newest == message_id
    # Other open pages draw the card again.
    assert "етигомоП" in desk.get(f"/cases/{case_id}/fresh?after=999").text


def test_what_the_contact_corrects_is_translated_anew(centre, taken):
    upside = Upside()
    centre.register(upside, "upside")
    message = first_message()
    translating.message(message.id, "en")
    with transaction():
        row = db.session.get_one(Message, message.id)
        row.source_key = "toy:corrected"
    assert talk.amend("toy", "corrected", "Спасибо")
    assert translating.kept(db.session.get_one(Message, message.id), "en") == ""
    assert translating.message(message.id, "en") == "обисапС"


def test_a_draft_goes_into_the_contacts_language_and_refusals_say_so(centre, desk, taken):  # noqa: F811
    upside = Upside()
    centre.register(upside, "upside")
    url = f"/cases/{taken.case_id}/translation"
    assert url in desk.get(f"/cases/{taken.case_id}").text
    assert desk.post(url, html="<div>abc</div>").json == {"html": "<div>cba</div>"}
    assert "no-translation" in desk.post(url, html="<div>abc?</div>").headers["HX-Trigger"]
    with pytest.raises(Rejected, match="characters"):
        translating.words("я" * (translating.LONGEST + 1), "ru", "en")
    assert desk.post("/messages/999999/translation").status_code == 404


def test_the_language_of_a_draft():
    service = Service(language="ru")
    for spoken, own, wanted in (("en", "ru", "en"), ("ru", "ru", "en"), ("", "en", "ru"), ("de", "ru", "de")):
        assert translating.wanted_by_contact(Case(language=spoken, service=service), own) == wanted
