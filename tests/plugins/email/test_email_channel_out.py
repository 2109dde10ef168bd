"""What leaves by mail: the acknowledgement once and to people only, answers in their thread, each recipient once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import casework, clock, intake, outbox, services
from core.db import db, transaction
from core.model import Case, Message, OutboxRow, TimelineEntry, WorkflowRun
from core.workflow import engine
from plugins.email.channel import without_unfilled
from tests.support.letters import answer_to, letter

MACHINES = [
    {"Auto-Submitted": "auto-generated"},
    {"Precedence": "bulk"},
    {"List-Id": "<news.example.org>"},
    {"X-Auto-Response-Suppress": "All"},
    {"X-Autoreply": "yes"},
]


@pytest.fixture
def settings() -> dict[str, object]:
    return {"core.plugins": ["email"]}


def rows(model: type) -> list:
    return list(db.session.scalars(db.select(model).order_by(model.id).execution_options(populate_existing=True)))


@pytest.mark.feature("E-05")
def test_the_acknowledgement_goes_out_once_in_the_thread_with_number_and_token(mail_centre):
    raw = letter(message_id="<first@example.org>", headers={"References": "<older@example.org>"})
    item = mail_centre.take(raw)
    intake.process(item)
    mail_centre.take(raw)
    [ack] = mail_centre.send()
    mail_centre.take(answer_to(ack))
    assert len(mail_centre.send()) == 1
    case = rows(Case)[0]
    [(sender, recipients, _)] = mail_centre.sink.received
    assert (sender, recipients) in (("", ("anna@example.org",)), ("<>", ("anna@example.org",)))
    assert ack["Subject"] == f"Re: Не открывается отчёт [Okno #{case.thread_token}]"
    assert ack["In-Reply-To"] == "<first@example.org>"
    assert str(ack["References"]).split() == ["<older@example.org>", "<first@example.org>"]
    assert ack["Auto-Submitted"] == "auto-replied"
    assert ack["From"].addresses[0].addr_spec == "support@okno.example"
    text = ack.get_body(("plain",)).get_content()
    assert f"Ваш запрос {case.number} принят" in text
    assert text.startswith("Здравствуйте, Анна Петрова!")
    assert "$(" not in ack.as_string()
    assert case.acknowledged_at is not None


@pytest.mark.feature("E-05")
@pytest.mark.parametrize("headers", MACHINES, ids=[next(iter(headers)) for headers in MACHINES])
def test_a_machine_gets_no_acknowledgement(mail_centre, headers):
    mail_centre.take(letter(headers=headers))
    assert len(rows(Case)) == 1
    assert mail_centre.send() == []


@pytest.mark.feature("E-05")
@pytest.mark.parametrize(
    ("address", "envelope"), [("noreply@shop.example", "noreply@shop.example"), ("anna@example.org", "")]
)
def test_neither_does_an_address_that_reads_no_answers(mail_centre, address, envelope):
    mail_centre.take(letter(sender=address), sender=envelope)
    assert mail_centre.send() == []


@pytest.mark.feature("E-05")
def test_a_service_without_a_text_acknowledges_nothing(mail_centre):
    services.update_service(mail_centre.support_id, texts={"acknowledgement": ""})
    mail_centre.take(letter())
    assert mail_centre.send() == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Здравствуйте, $(from.name)!", "Здравствуйте!"),
        ("$(from.name), добрый день", "добрый день"),
        ("Запрос $(case.number) принят", "Запрос принят"),
        ("Отвечает $(User.firstName).\nДо связи", "Отвечает.\nДо связи"),
        ("Код  с  пробелами", "Код  с  пробелами"),
    ],
)
def test_what_a_machine_could_not_fill_in_goes_with_what_tied_it_in(text, left):
    assert without_unfilled(text) == left


def test_a_name_that_looks_like_a_variable_is_not_filled_in(mail_centre):
    mail_centre.take(letter(sender='"$(case.number)" <anna@example.org>'))
    [ack] = mail_centre.send()
    assert "$(" not in ack.get_body(("plain",)).get_content()


@pytest.mark.feature("E-01")
def test_an_answer_names_the_service_joins_the_thread_and_has_a_return_address(mail_centre):
    mail_centre.take(letter(message_id="<first@example.org>"))
    mail_centre.answer("<p>Проверьте <b>кабель</b>.</p>")
    answer = mail_centre.send()[-1]
    assert answer["In-Reply-To"] == "<first@example.org>"
    assert answer["From"].addresses[0].display_name == "Борис (Поддержка)"
    assert mail_centre.sink.received[-1][0] == "support@okno.example"
    assert answer["Auto-Submitted"] is None
    assert "<b>кабель</b>" in answer.get_body(("html",)).get_content()


@pytest.mark.feature("D-15")
def test_an_answer_is_set_in_the_font_of_its_author(mail_centre):
    mail_centre.take(letter(message_id="<first@example.org>"))
    mail_centre.answer("<p>Да</p>", data={"send_font": {"family": "Times New Roman", "size": "12"}})
    page = mail_centre.send()[-1].get_body(("html",)).get_content()
    assert '<div style="font-family:&#x27;Times New Roman&#x27;;font-size:12pt"><p>Да</p></div>' in page


@pytest.mark.feature("E-01")
def test_one_refused_recipient_costs_the_others_nothing_and_only_the_temporary_one_is_tried_again(mail_centre):
    mail_centre.take(letter())
    mail_centre.send()
    mail_centre.sink.answers = {
        "gone@example.org": "550 5.1.1 no such user",
        "slow@example.org": "451 4.7.1 greylisted",
    }
    message = mail_centre.answer(to="anna@example.org, gone@example.org, slow@example.org")
    mail_centre.send()
    assert mail_centre.sink.received[-1][1] == ("anna@example.org",)
    assert db.session.get(Message, message, populate_existing=True).delivery == "waiting"
    mail_centre.sink.answers = {}
    with clock.at(clock.now() + timedelta(minutes=5)):
        mail_centre.send()
    assert mail_centre.sink.received[-1][1] == ("slow@example.org",)
    assert db.session.get(Message, message, populate_existing=True).delivery == "sent"
    [refusal] = [entry for entry in rows(TimelineEntry) if entry.kind == "email.refused"]
    assert "gone@example.org: 550" in refusal.data["detail"]
    assert mail_centre.sink.received[-1][2] == mail_centre.sink.received[-2][2]


@pytest.mark.feature("E-01")
def test_a_letter_that_everybody_refuses_is_dead_and_can_be_sent_again(mail_centre):
    mail_centre.take(letter())
    mail_centre.sink.answers = {"anna@example.org": "550 5.1.1 no such user"}
    mail_centre.send()
    [row] = rows(OutboxRow)
    assert (row.state, "550" in row.detail) == ("dead", True)
    mail_centre.sink.answers = {}
    outbox.requeue(row.id)
    assert len(mail_centre.send()) == 1


@pytest.mark.feature("E-01")
@pytest.mark.parametrize("trouble", ["451 4.3.0 try later", "421 4.3.2 closing"])
def test_a_server_that_says_later_is_asked_later(mail_centre, trouble):
    mail_centre.take(letter())
    mail_centre.sink.mail_answer = trouble
    mail_centre.send()
    assert rows(OutboxRow)[0].state == "pending"
    mail_centre.sink.mail_answer = ""
    with clock.at(clock.now() + timedelta(minutes=1)):
        assert len(mail_centre.send()) == 1
        assert len(mail_centre.send()) == 1
    assert rows(OutboxRow)[0].state == "sent"


@pytest.mark.feature("E-01")
def test_a_lost_server_loses_nothing(mail_centre):
    from core.house import okno

    port = mail_centre.sink.port
    okno().config.values["email.smtp_server_port"] = 1
    for number in range(3):
        mail_centre.take(letter(subject=f"Письмо {number}"))
    for attempt in range(3):
        with clock.at(clock.now() + timedelta(hours=attempt)):
            mail_centre.send()
    assert {row.state for row in rows(OutboxRow)} == {"pending"}
    assert all("refused" in row.detail.lower() for row in rows(OutboxRow))
    okno().config.values["email.smtp_server_port"] = port
    with clock.at(clock.now() + timedelta(hours=12)):
        assert len(mail_centre.send()) == 3


@pytest.mark.feature("E-01")
def test_a_letter_claimed_by_a_killed_worker_is_sent_when_the_next_one_starts(mail_centre):
    mail_centre.take(letter())
    outbox._claim(10)
    assert mail_centre.send() == []
    assert outbox.release_abandoned() == 1
    assert len(mail_centre.send()) == 1


def test_what_a_living_worker_is_sending_stays_with_it(mail_centre, monkeypatch):
    mail_centre.take(letter())
    monkeypatch.setattr(outbox, "holder", lambda: "another-machine:1")
    outbox._claim(10)
    assert outbox.release_abandoned() == 0


@pytest.mark.feature("D-08")
def test_a_survey_leaves_after_its_wait_once_and_over_a_restart(mail_centre):
    template = {
        "subject": "Оцените ответ по запросу $(case.number)",
        "body": "Здравствуйте, $(from.name)!\nКак мы справились? $(Nobody.knows)",
    }
    steps = [{"type": "wait", "hours": 2}, {"type": "send_email", "template": template}]
    services.define_workflow("survey", "Survey", "Опрос", steps)
    mail_centre.take(letter())
    mail_centre.send()
    case = rows(Case)[0]
    with transaction():
        engine.start("survey", "once", case_id=case.id)
        engine.start("survey", "once", case_id=case.id)
    engine.run_due()
    assert len(mail_centre.send()) == 1
    db.session.remove()
    with clock.at(clock.now() + timedelta(hours=2, minutes=1)):
        # A worker killed in the middle of the step has written nothing of it.
        broken = pytest.MonkeyPatch()
        broken.setattr(casework, "post", lambda *_arguments, **_options: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            engine.run_due()
        broken.undo()
        for _ in range(3):
            engine.run_due()
            mail_centre.send()
    _, survey = mail_centre.letters()
    [case] = rows(Case)
    assert survey["Subject"] == f"Re: Оцените ответ по запросу {case.number} [Okno #{case.thread_token}]"
    assert survey.get_body(("plain",)).get_content().splitlines() == [
        "Здравствуйте, Анна Петрова!",
        "Как мы справились?",
    ]
    assert rows(WorkflowRun)[0].state == "done"
