"""What ``okno doctor`` says about mail."""

from __future__ import annotations

import socket

from sqlalchemy import select

from core.contracts import HealthCheck
from core.db import db
from core.house import okno
from plugins.email.models import Mailbox
from plugins.email.sending import smtp_settings
from plugins.email.smtp_send import check


def checks() -> list[HealthCheck]:
    """The listener answers, the sending server lets us in, the mailbox was read."""
    return [*_listener(), *_sending(), *_mailboxes()]


def _listener() -> list[HealthCheck]:
    get = okno().config.get
    if not get("email.listen"):
        return []
    place = (get("email.listen_host"), get("email.smtp_port"))
    try:
        with socket.create_connection(place, timeout=2):
            return [HealthCheck("email: SMTP listener", True, f"answers on {place[0]}:{place[1]}")]
    except OSError as error:
        mend = "start the worker (okno worker), or free the port, or set email.smtp_port"
        return [HealthCheck("email: SMTP listener", False, f"{place[0]}:{place[1]}: {error}", mend)]


def _sending() -> list[HealthCheck]:
    settings = smtp_settings()
    if settings is None:
        return [HealthCheck("email: sending", True, "no email.smtp_server: letters are kept on the mailbox page")]
    trouble = check(settings)
    mend = "check email.smtp_server, its port, encryption, user and password"
    return [
        HealthCheck(
            "email: sending",
            not trouble,
            trouble or f"{settings.host}:{settings.port} lets us in",
            mend if trouble else "",
        )
    ]


def _mailboxes() -> list[HealthCheck]:
    return [
        HealthCheck(
            f"email: {row.name}",
            not row.error,
            row.error or f"read up to UID {row.last_uid}",
            "check email.imap_*" if row.error else "",
        )
        for row in db.session.scalars(select(Mailbox))
    ]
