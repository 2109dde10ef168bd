"""The doors: the embedded SMTP listener and the polling of an IMAP mailbox. Both store first and answer afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.db import db, transaction
from core.house import okno
from core.model import ServiceEntry
from plugins.email.channel import CHANNEL, take_in
from plugins.email.headers import normalise_address
from plugins.email.imap_poll import ImapSettings, MailboxState, PollResult, poll
from plugins.email.models import Mailbox
from plugins.email.smtp_listener import ListenerSettings, SmtpListener, TemporaryFailure

REMEMBER_SECONDS = 2.0
log = structlog.get_logger("okno.email")


class Addresses:
    """Our own addresses, read anew every two seconds: a letter for anybody else is refused at the door."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._read_at = float("-inf")
        self._known: frozenset[str] = frozenset()

    def __call__(self, recipient: str) -> bool:
        if time.monotonic() - self._read_at > REMEMBER_SECONDS:
            with self.app.app_context():
                entries = db.session.scalars(select(ServiceEntry.address).where(ServiceEntry.channel == CHANNEL))
                self._known = frozenset(entries)
            self._read_at = time.monotonic()
        return recipient.lower() in self._known or normalise_address(recipient) in self._known


def start_listener(app: Flask) -> Callable[[], None]:
    """Serve SMTP until the returned function is called. Raises ``OSError`` when the port is taken."""
    get = app.extensions["okno"].config.get

    def accept(envelope_from: str, recipients: tuple[str, ...], raw: bytes, peer: str) -> None:
        with app.app_context():
            try:
                take_in(raw, envelope_from=envelope_from, recipients=list(recipients), peer=peer, door="smtp")
            except (OSError, SQLAlchemyError) as error:
                log.error("a letter could not be stored", error=str(error)[:300])
                raise TemporaryFailure("cannot store the message now") from error

    settings = ListenerSettings(
        host=get("email.listen_host"),
        port=get("email.smtp_port"),
        hostname=get("email.domain"),
        max_size=get("email.max_mb") << 20,
        threads=2,
    )
    listener = SmtpListener(accept, Addresses(app), settings)
    listener.start()
    log.info("SMTP listener", host=settings.host, port=listener.port)
    return listener.stop


def imap_settings() -> ImapSettings | None:
    """The mailbox to poll; None when none is set."""
    get = okno().config.get
    if not get("email.imap_server"):
        return None
    return ImapSettings(
        host=get("email.imap_server"),
        username=get("email.imap_user"),
        port=get("email.imap_port"),
        security=get("email.imap_security"),
        password=get("email.imap_password"),
        folder=get("email.imap_folder"),
        move_taken=get("email.imap_move_to"),
        verify=get("email.imap_verify"),
    )


def poll_mailbox() -> PollResult | None:
    """Visit the IMAP mailbox once; what was taken in is remembered message by message."""
    settings = imap_settings()
    if settings is None:
        return None
    name = f"{settings.username}@{settings.host}/{settings.folder}"
    row = db.session.get(Mailbox, name)
    state = MailboxState(row.uidvalidity, row.last_uid, tuple(row.retry)) if row and row.uidvalidity else None
    db.session.rollback()
    try:
        result = poll(
            settings, state, lambda raw: _take(raw, name), checkpoint=lambda reached: remember(name, reached, "")
        )
    except Exception as error:  # the mailbox cannot be had: said on the page and in doctor, tried again next time
        remember(name, state, f"{type(error).__name__}: {error}"[:500])
        raise
    failures = "; ".join(f"UID {failure.uid}: {failure.reason}" for failure in result.failures)[:2000]
    remember(name, result.state, failures)
    return result


def _take(raw: bytes, name: str) -> None:
    take_in(raw, mailbox=name, door="imap")


def remember(name: str, state: MailboxState | None, error: str) -> None:
    """Write down how far the mailbox has been read."""
    values: dict[str, Any] = {"polled_at": now(), "error": error}
    if state is not None:
        values |= {"uidvalidity": state.uidvalidity, "last_uid": state.last_uid, "retry": list(state.retry)}
    with transaction():
        row = db.session.get(Mailbox, name)
        if row is None:
            row = Mailbox(name=name)
            db.session.add(row)
        for field, value in values.items():
            setattr(row, field, value)


def poll_job() -> None:
    """The periodic visit."""
    poll_mailbox()
