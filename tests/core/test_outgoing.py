"""An agent begins: a new case with an outgoing interaction in hand, once for each command."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from core import casework, hookimpl, outgoing, presence
from core.contracts import Capabilities, Channel, Initiation, Rejected, Text
from core.db import db
from core.house import okno
from core.model import Case, Contact, Interaction, Message, Presence
from tests.core.conftest import Centre

pytestmark = pytest.mark.feature("D-05")


class Phone:
    """A channel in which agents begin at once; it refuses one number."""

    def __init__(self) -> None:
        self.begun: list[Initiation] = []

    def initiate(self, initiation: Initiation) -> None:
        if initiation.address == "+70000000000":
            raise Rejected(Text("No such number", "Нет такого номера"), "address-invalid")
        self.begun.append(initiation)

    @hookimpl
    def register_channels(self) -> list[Channel]:
        able = Capabilities(live=True, media=True, initiate=True)
        label = Text("Call", "Звонок")
        return [
            Channel(
                "phone", label, "phone", able, "phone", lambda _: None, None, self.initiate, Text("Call", "Позвонить")
            )
        ]


@pytest.fixture
def phone(centre: Centre) -> Phone:
    found = Phone()
    centre.register(found, "phone")
    return found


def test_a_case_opens_in_the_agents_hands_once_for_each_command(centre: Centre, phone: Phone) -> None:
    anna = centre.agents[0]
    presence.sign_on(anna)
    first = outgoing.start(
        "phone", anna, " +79123456789 ", command_key="one", subject="Перезвонить  клиенту", name="Пётр"
    )
    again = outgoing.start("phone", anna, "+79123456789", command_key="one")
    assert (again.case_id, again.interaction_id, again.repeated) == (first.case_id, first.interaction_id, True)
    row = db.session.get_one(Interaction, first.interaction_id)
    assert (row.direction, row.state, row.agent_id, row.address) == ("out", "active", anna, "+79123456789")
    case = db.session.get_one(Case, first.case_id)
    assert (case.subject, case.assignee_id, case.contact.name if case.contact else "") == (
        "Перезвонить клиенту",
        anna,
        "Пётр",
    )
    assert db.session.get_one(Presence, anna, populate_existing=True).state == presence.BUSY
    assert [begun.interaction_id for begun in phone.begun] == [first.interaction_id]

    outgoing.start("phone", anna, "+79123456789", command_key="two")
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 1


def test_what_cannot_be_begun_leaves_nothing_behind(centre: Centre, phone: Phone) -> None:
    anna = centre.agents[0]
    attempts = [
        ("toy", "anna@example.org", {}, "cannot-begin"), ("ghost", "1", {}, "cannot-begin"), ("phone", "  ", {}, "address-missing"),
        ("phone", "+79123456789", {"service_id": 999}, "service-not-served"), ("phone", "+79123456789", {}, "offline"),
    ]  # fmt: skip
    for number, (channel, address, more, code) in enumerate(attempts):
        with pytest.raises(Rejected) as refused:
            outgoing.start(channel, anna, address, command_key=str(number), **more)
        assert refused.value.code == code
    presence.sign_on(anna)
    with pytest.raises(Rejected) as refused:
        outgoing.start("phone", anna, "+70000000000", command_key="bad")
    assert refused.value.code == "address-invalid"
    counts = [db.session.scalar(select(func.count()).select_from(model)) for model in (Case, Interaction, Contact)]
    assert counts == [0, 0, 0]


def test_only_channels_that_can_begin_are_offered_by_kind_of_address(centre: Centre, phone: Phone) -> None:
    assert {kind: [channel.name for channel in channels] for kind, channels in outgoing.starters().items()} == {
        "phone": ["phone"]
    }
    assert "toy" in okno().channels


def test_the_message_then_goes_out_of_that_case(centre: Centre, phone: Phone) -> None:
    anna = centre.agents[0]
    presence.sign_on(anna)
    started = outgoing.start("phone", anna, "+79123456789", command_key="one")
    message = casework.reply(started.interaction_id, anna, "<p>Здравствуйте</p>", command_key="m")
    assert db.session.get_one(Message, message).case_id == started.case_id
