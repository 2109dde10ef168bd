"""Webhooks: told in the transaction of the change, signed, tried again, kept away from private addresses."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from core import assignment, casework, outbox, presence, webhook_delivery, webhooks
from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from core.house import okno
from core.model import Case, Notification, OutboxRow, Webhook
from core.schemas import Invalid
from tests.core.api_house import person

pytestmark = pytest.mark.feature("P-08")


def told() -> list[dict]:
    rows = db.session.scalars(db.select(OutboxRow).where(OutboxRow.kind == webhooks.KIND).order_by(OutboxRow.id))
    return [row.payload["body"] for row in rows.all()]


def kinds() -> list[str]:
    return [body["type"] for body in told()]


@pytest.fixture
def local(centre, receiver):
    """The centre with a webhook to the receiver, private addresses allowed."""
    okno().config.values["webhooks.allow_private"] = True
    centre.webhook = webhooks.add(receiver.url, ["*"])
    return centre


def make_due() -> None:
    """The pause between two attempts is over."""
    with transaction():
        db.session.execute(db.update(OutboxRow).where(OutboxRow.state == "pending").values(due_at=now()))


def send() -> int:
    return outbox.send_due(lane=webhooks.LANE)


# --- telling -----------------------------------------------------------------------------------------


def test_a_conversation_is_told_step_by_step_each_step_once(local):
    interaction_id = local.taken(local.agents[0])
    casework.reply(interaction_id, local.agents[0], "<p>Ответ</p>", command_key="r1")
    assignment.complete(interaction_id, local.agents[0], local.solved_id)
    found = kinds()
    for kind in ("case.created", "message.received", "interaction.queued", "interaction.assigned"):
        assert found.count(kind) == 1, kind
    for kind in ("message.sent", "interaction.closed", "case.closed"):
        assert found.count(kind) == 1, kind
    assert "agent.state_changed" in found
    assert "case.updated" in found


def test_the_data_has_the_shape_of_the_api(local):
    local.mail(subject="Не открывается")
    created = next(body for body in told() if body["type"] == "case.created")
    assert set(created) == {"id", "type", "at", "data"}
    assert created["data"]["case"]["subject"] == "Не открывается"
    assert created["data"]["case"]["service"]["key"] == "support"
    assert created["at"].endswith("Z")
    message = next(body for body in told() if body["type"] == "message.received")["data"]["message"]
    assert (message["text"], message["attachments"][0]["name"]) == ("Помогите", "note.txt")


def test_what_is_rolled_back_is_not_told(local):
    local.mail()
    case = db.session.scalars(db.select(Case)).one()
    before = len(told())

    def fail() -> None:
        with transaction():
            casework.touch(case, cause="test", priority="high")
            raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        fail()
    assert len(told()) == before


def test_only_what_was_asked_for_is_told_and_nothing_without_webhooks(local):
    webhooks.update(local.webhook.id, events=["message.*", "case.closed"])
    local.mail()
    assert set(kinds()) == {"message.received"}
    webhooks.update(local.webhook.id, active=False)
    local.mail("boris@example.org")
    assert len(kinds()) == 1


def test_the_rule_of_names():
    assert webhooks.wants(["*"], "case.created")
    assert webhooks.wants(["ping.*"], "ping.taken")
    assert not webhooks.wants(["case.created"], "case.closed")


def test_addresses_and_events_are_checked(centre):
    for url in (
        "ftp://example.com",
        "https://",
        "/hook",
        "https://a:b@example.com/",
        "https://exa mple.com",
        "https://пример.рф",
    ):
        with pytest.raises(Invalid):
            webhooks.add(url, ["*"])
    with pytest.raises(Invalid):
        webhooks.add("https://example.com", ["case.eaten"])
    with pytest.raises(Rejected):
        webhooks.remove(77)


# --- delivery ----------------------------------------------------------------------------------------


def test_a_delivery_is_signed_and_a_failed_one_comes_again_with_the_same_id(local, receiver):
    webhooks.test(local.webhook.id)
    receiver.answers = [500, 200]
    assert send() == 1
    assert send() == 0
    make_due()
    assert send() == 1
    first, second = receiver.deliveries
    assert first.signed_with(local.webhook.secret)
    assert second.signed_with(local.webhook.secret)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == first.body["id"]
    assert first.body == second.body
    row = db.session.scalars(db.select(OutboxRow).where(OutboxRow.kind == webhooks.KIND)).one()
    assert (row.state, row.detail, row.attempts) == ("sent", "HTTP 200", 2)
    assert webhooks.get(local.webhook.id).failures == 0


def test_letters_do_not_wait_for_webhooks(local, receiver):
    local.taken(local.agents[0])
    waiting = len(told())
    assert waiting
    outbox.send_due()
    assert not receiver.deliveries
    assert send() == waiting


def test_redirects_are_refused_and_gone_switches_off(local, receiver):
    receiver.answers = [302, 410]
    webhooks.test(local.webhook.id)
    send()
    assert len(receiver.deliveries) == 1
    assert "redirects are not followed" in webhooks.get(local.webhook.id).last_status
    make_due()
    send()
    assert not webhooks.get(local.webhook.id).active
    assert [row.state for row in db.session.scalars(db.select(OutboxRow)).all()] == ["dead"]


def test_many_failures_switch_it_off_and_tell_who_manages(local):
    root = person("root", "admin")
    for _ in range(webhooks.DISABLE_AFTER - 1):
        webhooks.note_attempt(local.webhook.id, False, "HTTP 500")
    assert webhooks.get(local.webhook.id).active
    webhooks.note_attempt(local.webhook.id, False, "HTTP 500")
    assert not webhooks.get(local.webhook.id).active
    notice = db.session.scalars(db.select(Notification)).one()
    assert (notice.user_id, notice.kind) == (root, "webhook.disabled")
    webhooks.update(local.webhook.id, active=True)
    assert webhooks.get(local.webhook.id).failures == 0


def test_after_a_rotation_both_secrets_sign_for_a_day(local, receiver):
    old = local.webhook.secret
    new = webhooks.rotate(local.webhook.id).secret
    assert old != new
    webhooks.test(local.webhook.id)
    send()
    assert receiver.deliveries[0].signed_with(old)
    assert receiver.deliveries[0].signed_with(new)
    with transaction():
        db.session.get_one(Webhook, local.webhook.id).old_secret_until = now() - timedelta(seconds=1)
    webhooks.test(local.webhook.id)
    send()
    assert not receiver.deliveries[1].signed_with(old)


def test_what_waits_for_a_removed_webhook_is_given_up(local, receiver):
    webhooks.test(local.webhook.id)
    webhooks.remove(local.webhook.id)
    send()
    assert not receiver.deliveries
    assert [(row.state, row.detail) for row in db.session.scalars(db.select(OutboxRow)).all()] == [
        ("dead", "the webhook was removed")
    ]


# --- private addresses -------------------------------------------------------------------------------


def test_private_addresses_are_refused_however_they_are_written():
    for address in (
        "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "fe80::1%eth0",
    ):  # fmt: skip
        assert not webhook_delivery.is_public(address), address
    for address in ("8.8.8.8", "2a00:1450:4010:c05::64", "64:ff9b::808:808"):
        assert webhook_delivery.is_public(address), address


def test_nothing_is_sent_to_a_private_address(centre, receiver):
    webhook = webhooks.add(receiver.url, ["*"])
    webhooks.test(webhook.id)
    send()
    assert not receiver.deliveries
    row = db.session.scalars(db.select(OutboxRow)).one()
    assert row.state == "dead"
    assert "not a public address" in row.detail


def test_the_connection_goes_to_the_address_that_was_checked(centre, monkeypatch):
    """DNS rebinding: whatever the name says a second time, nobody asks."""
    asked, connected = [], []

    def lookup(host, port, **_options):
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address, *_options):
        connected.append(address)
        raise ConnectionRefusedError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        webhook_delivery.post("https://rebind.example/hook", b"{}", {})
    assert (asked, connected) == (["rebind.example"], [("8.8.8.8", 443)])


def test_one_private_address_among_several_is_enough_to_refuse(monkeypatch):
    def lookup(_host, port, **_options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("8.8.8.8", "10.0.0.7")]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(webhook_delivery.Refused):
        webhook_delivery.resolve("https://mixed.example", allow_private=False)


def test_a_receiver_that_never_ends_its_answer_is_cut_off(local, new_port):
    okno().config.values["webhooks.timeout_seconds"] = 1
    with socket.create_server(("127.0.0.1", new_port())) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        webhooks.update(local.webhook.id, url=url)
        webhooks.test(local.webhook.id)
        assert send() == 1
    assert db.session.scalars(db.select(OutboxRow)).one().state == "pending"
    assert webhooks.get(local.webhook.id).failures == 1


def test_states_are_told_with_the_agent(local):
    presence.sign_on(local.agents[0])
    body = next(body for body in told() if body["type"] == "agent.state_changed")
    assert body["data"]["agent"]["login"] == "anna"
    assert body["data"]["state"] in ("not_ready", "ready")
