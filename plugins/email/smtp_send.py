"""Hands a composed mail to an SMTP server and says of every recipient what became of it (RFC 5321)."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from plugins.email.headers import ascii_address


class Outcome(StrEnum):
    """What became of a mail for one recipient."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where and how to send. ``access_token`` gives a fresh OAuth2 token (XOAUTH2) and takes the password's place."""

    host: str
    port: int = 25
    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    access_token: Callable[[], str] | None = field(default=None, repr=False)
    timeout: float = 30.0
    local_hostname: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """The server's answer for one recipient; ``code`` is 0 when the connection failed before any answer."""

    address: str
    outcome: Outcome
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class SendResult:
    """One result per recipient, in the order given."""

    recipients: tuple[RecipientResult, ...]

    def of(self, outcome: Outcome) -> tuple[str, ...]:
        """The addresses with this outcome."""
        return tuple(result.address for result in self.recipients if result.outcome is outcome)

    @property
    def done(self) -> bool:
        """Whether nobody is left to try again for."""
        return not self.of(Outcome.TEMPORARY)


class _Refused(Exception):
    """The server refused a step that concerns all recipients still open."""

    def __init__(self, outcome: Outcome, code: int, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.code = code
        self.text = text


def send(raw: bytes, envelope_from: str, recipients: Sequence[str], settings: SmtpSettings) -> SendResult:
    """Send once; never raises for what the network or the server does.

    One recipient's refusal leaves the others alone. Trouble with connection or sign-in is temporary for all still open,
    so that a wrong password delays mail instead of dropping it. After a lost connection the mail may have arrived:
    the retry carries the same Message-ID.
    """
    results: dict[str, RecipientResult] = {}
    order = list(dict.fromkeys(recipients))
    try:
        _deliver(raw, envelope_from, order, settings, results)
    except _Refused as refused:
        _fill(results, order, refused.outcome, refused.code, refused.text)
    except (smtplib.SMTPException, OSError, ssl.SSLError, EOFError) as error:
        _fill(results, order, Outcome.TEMPORARY, 0, _describe(error))
    return SendResult(tuple(results[address] for address in order))


def check(settings: SmtpSettings) -> str:
    """Connect and sign in; '' when that works, else what went wrong, for the administrator's page and ``okno doctor``."""
    try:
        _connect(settings).quit()
    except _Refused as refused:
        return f"{refused.code} {refused.text}".strip()
    except (smtplib.SMTPException, OSError, ssl.SSLError, EOFError) as error:
        return _describe(error)
    return ""


def _deliver(
    raw: bytes, envelope_from: str, order: list[str], settings: SmtpSettings, results: dict[str, RecipientResult]
) -> None:
    server = _connect(settings)
    try:
        _open_envelope(server, raw, envelope_from, order)
        accepted = [address for address in order if _recipient_accepted(server, address, results)]
        if accepted:
            code, text = server.data(raw)
            _fill(results, accepted, _outcome(code), code, _text(text))
    except smtplib.SMTPDataError as error:
        _fill(results, order, _outcome(error.smtp_code), error.smtp_code, _text(error.smtp_error))
    finally:
        _close(server)


def _connect(settings: SmtpSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(
            settings.host, settings.port, settings.local_hostname, timeout=settings.timeout, context=context
        )
    else:
        server = smtplib.SMTP(settings.host, settings.port, settings.local_hostname, timeout=settings.timeout)
    try:
        server.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            server.starttls(context=context)
            server.ehlo()
        _sign_in(server, settings)
    except BaseException:
        server.close()
        raise
    return server


def _sign_in(server: smtplib.SMTP, settings: SmtpSettings) -> None:
    if settings.access_token is not None:
        try:
            token = settings.access_token()
        except Exception as error:
            raise _Refused(Outcome.TEMPORARY, 0, f"no OAuth2 token: {error}") from error
        initial = base64.b64encode(f"user={settings.username}\x01auth=Bearer {token}\x01\x01".encode()).decode()
        code, text = server.docmd("AUTH", f"XOAUTH2 {initial}")
        if code == 334:
            code, text = server.docmd("")
        if code != 235:
            raise _Refused(Outcome.TEMPORARY, code, f"sign-in refused: {_text(text)}")
    elif settings.username:
        try:
            server.login(settings.username, settings.password)
        except smtplib.SMTPAuthenticationError as error:
            raise _Refused(Outcome.TEMPORARY, error.smtp_code, f"sign-in refused: {_text(error.smtp_error)}") from error


def _open_envelope(server: smtplib.SMTP, raw: bytes, envelope_from: str, order: list[str]) -> None:
    options = []
    if server.does_esmtp and server.has_extn("size"):
        options.append(f"SIZE={len(raw)}")
    if not raw.isascii() and server.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    if any(not address.rpartition("@")[0].isascii() for address in (*order, envelope_from)) and server.has_extn(
        "smtputf8"
    ):
        options.append("SMTPUTF8")
        server.command_encoding = "utf-8"
    try:
        sender = ascii_address(envelope_from) if envelope_from else ""
        code, text = server.mail(sender, options)
    except ValueError as error:
        raise _Refused(Outcome.PERMANENT, 553, str(error)) from error
    if code != 250:
        # 530 and 538 ask for a sign-in: our settings are wrong, not the mail.
        outcome = Outcome.TEMPORARY if code in (530, 534, 535, 538) else _outcome(code)
        raise _Refused(outcome, code, _text(text))


def _recipient_accepted(server: smtplib.SMTP, address: str, results: dict[str, RecipientResult]) -> bool:
    try:
        code, text = server.rcpt(ascii_address(address))
    except ValueError as error:
        results[address] = RecipientResult(address, Outcome.PERMANENT, 553, str(error))
        return False
    if code in (250, 251):
        return True
    # RFC 5321, 4.5.3.1.10: 552 to RCPT is an old way of saying "too many recipients", to be taken as 452.
    outcome = Outcome.TEMPORARY if code == 552 else _outcome(code)
    results[address] = RecipientResult(address, outcome, code, _text(text))
    if code == 421:
        raise _Refused(Outcome.TEMPORARY, code, _text(text))
    return False


def _close(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _fill(results: dict[str, RecipientResult], order: Sequence[str], outcome: Outcome, code: int, text: str) -> None:
    for address in order:
        results.setdefault(address, RecipientResult(address, outcome, code, text))


def _outcome(code: int) -> Outcome:
    if 200 <= code < 300:
        return Outcome.DELIVERED
    return Outcome.PERMANENT if 500 <= code < 600 else Outcome.TEMPORARY


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:500]


def _describe(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, socket.gaierror):
        return f"the server's name is unknown: {error.strerror}"
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    return f"{type(error).__name__}: {error}"[:500]
