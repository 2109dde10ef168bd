"""A call goes through the same contract as a letter: it rings, is answered, is hung up, and its history says so."""

from __future__ import annotations

import pytest

from core import assignment, casework
from core.contracts import DeskContext, Rejected
from core.db import db
from core.house import okno
from core.model import Case, Interaction, Message, TimelineEntry
from plugins.voice import operations
from tests.plugins.voice.conftest import NUMBER


def interaction() -> Interaction:
    return db.session.scalars(db.select(Interaction).execution_options(populate_existing=True)).one()


def buttons(context: DeskContext) -> list[str]:
    """The labels of the plugin's own controls."""
    return [control.label.ru for control in okno().hooks.controls(context) if control.url.startswith("/voice/")]


def test_a_call_rings_at_an_agent_is_answered_and_hung_up(centre):
    received = operations.ring("+7 (495) 123-45-67", NUMBER, name="Пётр")
    assert (interaction().channel, interaction().address, interaction().state) == ("voice", "+74951234567", "queued")
    context = DeskContext(centre.agent_id, "ru", received.case_id, received.interaction_id, "voice")
    offer = centre.offered()
    assert buttons(context) == []
    assignment.accept(offer.id, centre.agent_id)
    assert buttons(context) == ["Положить трубку"]
    operations.hang_up(received.interaction_id, centre.agent_id)
    assert interaction().state == "wrap_up"
    assert buttons(context) == []
    kinds = list(db.session.scalars(db.select(TimelineEntry.kind).order_by(TimelineEntry.id)))
    assert [kind for kind in kinds if kind.startswith(("offer", "interaction", "voice"))] == [
        "interaction.opened", "offer.made", "interaction.accepted", "voice.answered", "interaction.finished", "voice.ended"
    ]  # fmt: skip
    assert db.session.scalars(db.select(Message)).one().body_text == ""
    assert db.session.scalars(db.select(Case)).one().subject == "Звонок с +74951234567"


def test_the_same_call_twice_is_one_call_and_another_is_another(centre):
    first, again = operations.ring("+74951234567", NUMBER, "c1"), operations.ring("+74951234567", NUMBER, "c1")
    assert (first.duplicate, again.duplicate, first.case_id) == (False, True, again.case_id)
    assert operations.ring("+74951234567", NUMBER, "c2").interaction_id != first.interaction_id


@pytest.mark.parametrize("number", ["", "123", "8 495 1234567", "+0123456789", "+7495abc4567", "+" + "9" * 16])
def test_what_is_no_international_number_is_refused(centre, number):
    with pytest.raises(Rejected, match="not a number"):
        operations.ring(number, NUMBER)


def test_a_call_cannot_be_answered_in_writing(centre):
    operations.ring("+74951234567", NUMBER)
    interaction_id = assignment.accept(centre.offered().id, centre.agent_id)
    with pytest.raises(Rejected) as refusal:
        casework.reply(interaction_id, centre.agent_id, "<p>Здравствуйте</p>", command_key="k")
    assert refusal.value.code == "voice-no-text"
    assert len(db.session.scalars(db.select(Message)).all()) == 1


def test_the_channel_says_what_it_is(app):
    channel = app.extensions["okno"].channels["voice"]
    assert (channel.capabilities.live, channel.capabilities.media, channel.address_kind) == (True, True, "phone")


def test_the_admin_page_shows_numbers_and_settings_with_their_sources_and_no_secret(centre):
    client = centre.app.test_client()
    with client.session_transaction() as session:
        session["token"] = "a-token"
    page = client.get("/admin/voice").text
    assert "Только сигнализация" in page
    for shown in ("voice.stun", "turn.example:3478", "overrides", "по умолчанию", NUMBER, "Поддержка"):
        assert shown in page
    assert "hidden-word" not in page


def test_the_admin_page_is_for_administrators(app):
    assert app.test_client().get("/admin/voice").status_code == 302
