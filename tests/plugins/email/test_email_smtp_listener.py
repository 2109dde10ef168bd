"""The listener with a real client: 250 means stored."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator

import pytest

from plugins.email.smtp_listener import ListenerSettings, PermanentFailure, SmtpListener, TemporaryFailure
from plugins.email.smtp_send import Outcome, SmtpSettings, send


class Store:
    """Keeps what was taken in, or fails as told."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, tuple[str, ...], bytes, str]] = []
        self.failure: Exception | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    def accept(self, envelope_from: str, recipients: tuple[str, ...], raw: bytes, peer: str) -> None:
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.failure is not None:
            raise self.failure
        self.mails.append((envelope_from, recipients, raw, peer))

    @staticmethod
    def knows(recipient: str) -> bool:
        if recipient.startswith("broken"):
            raise OSError("the data base is locked")
        return recipient.startswith(("support", "помощь", "sales"))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def listener(store: Store) -> Iterator[SmtpListener]:
    running = SmtpListener(store.accept, store.knows, ListenerSettings(max_size=1_000_000, max_connections=5))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(listener: SmtpListener) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", listener.port, timeout=10) as connected:
        connected.ehlo()
        yield connected


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\r\n\r\nhello\r\n",
        b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\n...b\r\n",
        b"\r\n",
        b"no header at all\r\n",
        b"Subject: long line\r\n\r\n" + b"a" * 500_000 + b"\r\n",
        b"Subject: 8bit\r\n\r\n" + "Здравствуйте".encode("koi8-r") + b"\r\n",
        b"Subject: nul\r\n\r\n\x00\x01\xff\r\n",
        b"Subject: smuggled\r\n\r\na\n.\nMAIL FROM:<evil@x>\r\n",
    ],
)
def test_what_is_stored_is_what_was_sent(client, store, content) -> None:
    client.mail("a@b.ru")
    client.rcpt("support@okno.test")
    assert client.docmd("DATA")[0] == 354
    client.send(
        b"\r\n".join(b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n")) + b".\r\n"
    )
    assert client.getreply()[0] == 250
    assert store.mails == [("a@b.ru", ("support@okno.test",), content, "127.0.0.1")]


def test_an_empty_mail_and_pipelined_commands(listener, store) -> None:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as connection:
        stream = connection.makefile("rwb")
        stream.readline()
        stream.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<support@x>\r\nDATA\r\n.\r\n")
        stream.write(b"MAIL FROM:<b@x>\r\nRCPT TO:<support@x>\r\nDATA\r\nS: 2\r\n\r\n.\r\nQUIT\r\n")
        stream.flush()
        answers = [line[:3] for line in stream.readlines() if line[3:4] == b" "]
    assert answers == [b"250", b"250", b"250", b"354", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert [(mail[0], mail[2]) for mail in store.mails] == [("", b""), ("b@x", b"S: 2\r\n\r\n")]


def test_250_comes_only_after_the_mail_is_stored(listener, store) -> None:
    store.gate = threading.Event()
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<support@x>\r\nDATA\r\nS: x\r\n\r\nhi\r\n.\r\n")
        stream.flush()
        for _ in range(5):
            stream.readline()
        assert store.entered.wait(10)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.setblocking(True)
        connection.settimeout(10)
        store.gate.set()
        assert stream.readline().startswith(b"250")
    assert len(store.mails) == 1


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (TemporaryFailure("the data base is locked"), 451, b"the data base is locked"),
        (PermanentFailure(554, "5.7.1 Refused by a rule"), 554, b"5.7.1 Refused by a rule"),
        (OSError("disk full"), 451, b"could not be stored"),
    ],
)
def test_failures_are_told_to_the_sender(client, store, failure, code, said) -> None:
    store.failure = failure
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("a@b.ru", ["support@x"], b"Subject: x\r\n\r\n")
    assert refused.value.smtp_code == code and said in refused.value.smtp_error
    store.failure = None
    client.sendmail("a@b.ru", ["support@x"], b"Subject: x\r\n\r\n")
    assert len(store.mails) == 1


def test_unknown_recipients_are_refused_and_known_ones_kept(client, store) -> None:
    refused = client.sendmail("a@b.ru", ["nobody@x", "support@x", "broken@x"], b"Subject: x\r\n\r\n")
    assert refused["nobody@x"] == (550, b"5.1.1 No such mailbox here")
    assert refused["broken@x"][0] == 451
    assert store.mails[0][1] == ("support@x",)


def test_the_size_limit_is_announced_and_kept(client, store) -> None:
    assert client.esmtp_features["size"] == "1000000"
    assert client.docmd("MAIL", "FROM:<a@b> SIZE=1000001") == (552, b"5.3.4 Message too big")
    client.mail("a@b")
    client.rcpt("support@x")
    assert client.data(b"x" * 2_000_000) == (552, b"5.3.4 Message too big")
    client.sendmail("a@b.ru", ["support@x"], b"Subject: after\r\n\r\n")
    assert [mail[2] for mail in store.mails] == [b"Subject: after\r\n\r\n"]


def test_smtputf8_addresses(client, store) -> None:
    client.command_encoding = "utf-8"
    client.rset()
    assert client.mail("иван@почта.рф", ["SMTPUTF8"])[0] == 250
    assert client.rcpt("помощь@окно.рф")[0] == 250
    assert client.data(b"Subject: x\r\n\r\n")[0] == 250
    assert store.mails[0][:2] == ("иван@почта.рф", ("помощь@окно.рф",))


def test_too_many_connections_are_asked_to_come_back(listener) -> None:
    held = [socket.create_connection(("127.0.0.1", listener.port), timeout=10) for _ in range(5)]
    try:
        assert all(one.recv(3) == b"220" for one in held)
        with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as one_more:
            assert one_more.recv(100).startswith(b"421")
    finally:
        for one in held:
            one.close()


def test_an_idle_client_is_dropped(store) -> None:
    listener = SmtpListener(store.accept, store.knows, ListenerSettings(timeout=0.05))
    listener.start()
    try:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as idle:
            assert idle.recv(3) == b"220"
            while idle.recv(1000):
                pass
    finally:
        listener.stop()


def test_stopping_lets_a_mail_in_storage_finish(store) -> None:
    listener = SmtpListener(store.accept, store.knows)
    listener.start()
    store.gate = threading.Event()
    result: list[object] = []
    settings = SmtpSettings("127.0.0.1", listener.port, local_hostname="x", timeout=10)
    sender = threading.Thread(target=lambda: result.append(send(b"S: x\r\n\r\n", "a@b.ru", ["support@x"], settings)))
    sender.start()
    assert store.entered.wait(10)
    stopper = threading.Thread(target=listener.stop)
    stopper.start()
    store.gate.set()
    stopper.join(10)
    sender.join(10)
    assert len(store.mails) == 1
    assert result[0].of(Outcome.DELIVERED) == ("support@x",)  # type: ignore[attr-defined]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", settings.port), timeout=5)
    listener.stop()


def test_a_taken_port_is_an_error_at_start(listener, store) -> None:
    with pytest.raises(OSError):
        SmtpListener(store.accept, store.knows, ListenerSettings(port=listener.port)).start()


def test_a_client_that_hangs_up_during_data_stores_nothing(listener, store) -> None:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<support@x>\r\nDATA\r\n")
        stream.flush()
        for _ in range(5):
            stream.readline()
        connection.sendall(b"Subject: half a mail\r\n")
    with smtplib.SMTP("127.0.0.1", listener.port, timeout=10) as client:
        client.sendmail("a@b.ru", ["support@x"], b"Subject: whole\r\n\r\n")
    assert [mail[2] for mail in store.mails] == [b"Subject: whole\r\n\r\n"]


def test_many_mails_from_many_connections_all_arrive(store) -> None:
    listener = SmtpListener(store.accept, store.knows)
    listener.start()

    def deliver(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", listener.port, "x", timeout=10) as client:
            for part in range(25):
                client.sendmail("a@b.ru", ["support@x"], b"Subject: %d-%d\r\n\r\n" % (number, part))

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    listener.stop()
    assert len({mail[2] for mail in store.mails}) == 200
