"""What must leave leaves once; trouble is retried, then shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import casework, clock, outbox
from core.contracts import OutboxResult, Rejected
from core.db import db, transaction
from core.model import Message, OutboxRow


def row() -> OutboxRow:
    return db.session.scalars(db.select(OutboxRow).execution_options(populate_existing=True)).one()


def answer(centre, key="c1", html="<p>Готово</p>"):
    return casework.reply(centre.mine, centre.agents[0], html, command_key=key)


@pytest.fixture
def mine(centre):
    centre.mine = centre.taken(centre.agents[0])
    return centre


def test_a_reply_is_sent_once_and_says_so(mine):
    message = answer(mine)
    assert db.session.get(Message, message).delivery == "waiting"
    assert outbox.send_due() == 1
    assert outbox.send_due() == 0
    assert [key for key, _ in mine.toy.sent] == [f"toy:{message}"]
    assert db.session.get(Message, message, populate_existing=True).delivery == "sent"


def test_the_same_command_twice_is_one_message(mine):
    assert answer(mine, "same") == answer(mine, "same", "<p>другое</p>")
    assert outbox.send_due() == 1
    assert len(mine.toy.sent) == 1


def test_a_temporary_failure_is_tried_again_later_and_nothing_is_lost(mine):
    mine.toy.answers = [OutboxResult("retry", "450 later")]
    answer(mine)
    outbox.send_due()
    assert (row().state, row().attempts, row().detail) == ("pending", 1, "450 later")
    assert outbox.send_due() == 0
    with clock.at(clock.now() + timedelta(seconds=16)):
        assert outbox.send_due() == 1
    assert row().state == "sent"


def test_a_dead_letter_is_kept_and_can_be_sent_again(mine):
    mine.toy.answers = [OutboxResult("dead", "550 no such user")]
    message = answer(mine)
    outbox.send_due()
    assert row().state == "dead"
    assert db.session.get(Message, message, populate_existing=True).delivery == "failed"
    outbox.requeue(row().id)
    assert outbox.send_due() == 1
    assert row().state == "sent"
    with pytest.raises(LookupError):
        outbox.requeue(row().id)


def test_a_worker_killed_while_sending_leaves_a_row_that_comes_round_again(mine):
    answer(mine)
    outbox._claim(10)
    assert outbox.send_due() == 0
    with clock.at(clock.now() + timedelta(minutes=4)):
        assert outbox.send_due() == 1


def test_endless_trouble_ends_as_a_dead_letter(mine):
    mine.toy.answers = [OutboxResult("retry", "no route")] * 20
    answer(mine)
    for hours in range(0, 200, 13):
        with clock.at(clock.now() + timedelta(hours=hours)):
            outbox.send_due()
    assert row().state == "dead"


def test_enqueuing_the_same_key_twice_is_one_row(mine):
    with transaction():
        assert outbox.enqueue("toy.send", "k", {}) == outbox.enqueue("toy.send", "k", {})
    assert row().key == "k"


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<p> </p>", "empty-reply"),
        ("<p>Здравствуйте, $(from.name)</p>", "unfilled-variables"),
        ("$(no.such)", "unfilled-variables"),
    ],
)
def test_what_must_not_go_out_is_refused(mine, html, code):
    with pytest.raises(Rejected) as refused:
        answer(mine, html=html)
    assert refused.value.code == code
    assert db.session.scalars(db.select(OutboxRow)).all() == []


def test_a_reply_carries_no_script(mine):
    message = answer(mine, html='<p onclick="x()">да<script>alert(1)</script></p>')
    assert db.session.get(Message, message).body_html == "<p>да</p>"


def test_somebody_elses_interaction_cannot_be_answered(mine):
    with pytest.raises(Rejected) as refused:
        casework.reply(mine.mine, mine.agents[1], "<p>x</p>", command_key="k")
    assert refused.value.code == "not-your-interaction"
