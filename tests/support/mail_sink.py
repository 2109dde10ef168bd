"""A mail server that keeps what Okno sends, for tests to look at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class SunkMail:
    """One mail as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """The plain text of the mail."""
        body = self.message.get_body(("plain",))
        return "" if body is None else str(body.get_content())


class MailSink:
    """Listens on 127.0.0.1; ``mails`` is what came. ``answer`` may be set to refuse, for instance ``"451 later"``."""

    def __init__(self, port: int) -> None:
        self.host, self.port = "127.0.0.1", port
        self.mails: list[SunkMail] = []
        self.answer = "250 OK"
        self._arrived = threading.Condition()
        self._controller = Controller(self, hostname=self.host, port=port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        """Stop listening: from now on the server is lost to Okno. May be called twice."""
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
            with self._arrived:
                self.mails.append(SunkMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
                self._arrived.notify_all()
        return self.answer

    def wait_for(self, wanted: Callable[[SunkMail], bool], timeout: float = 10) -> SunkMail:
        """The first mail that is wanted, come or still coming. Raises AssertionError after ``timeout`` seconds."""

        def find() -> SunkMail | None:
            return next((mail for mail in self.mails if wanted(mail)), None)

        with self._arrived:
            found = self._arrived.wait_for(find, timeout)
        assert found is not None, f"no such mail within {timeout} s; came: {[m.message['Subject'] for m in self.mails]}"
        return found

    def wait_for_count(self, count: int, timeout: float = 10) -> list[SunkMail]:
        """The mails, as soon as there are ``count`` of them. Raises AssertionError after ``timeout`` seconds."""
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self.mails) >= count, timeout)
        assert enough, f"{len(self.mails)} of {count} mails within {timeout} s"
        return list(self.mails)


@pytest.fixture
def mail_sink(new_port: Callable[[], int]) -> Iterator[MailSink]:
    """A listening mail sink."""
    sink = MailSink(new_port())
    sink.start()
    yield sink
    sink.stop()
