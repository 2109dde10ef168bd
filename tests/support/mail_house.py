"""A furnished home folder for a centre that runs as processes, letters to it, and what its data base then says."""

from __future__ import annotations

import smtplib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ACKNOWLEDGEMENT = "Здравствуйте, $(from.name)!\n\nВаш запрос $(case.number) принят.\n"


@dataclass
class MailHouse:
    """The home of a centre with the email plugin and one service; ``database_url`` '' means SQLite in the home folder."""

    home: Path
    database_url: str = ""

    def furnish(self) -> None:
        """Write the settings, migrate, and add the service that ``support@okno.example`` leads to."""
        from core import directory, services
        from core.app import create_app
        from core.db import db
        from core.migrate import upgrade

        address = f"database_url = {self.database_url!r}\n" if self.database_url else ""
        (self.home / "okno.toml").write_text(f"[core]\nplugins = ['email']\n{address}", "utf-8")
        app = create_app(self.home, check_schema=False)
        upgrade(app)
        with app.app_context():
            directory.ensure_roles()
            directory.add_team("first", "First line", "Первая линия")
            service = services.add_service(
                "support", "Support", "Поддержка", teams=["first"], texts={"acknowledgement": ACKNOWLEDGEMENT}
            )
            services.add_entry(service.id, "email", "support@okno.example")
            db.session.remove()
            db.engine.dispose()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement gives, read beside the running centre."""
        if self.database_url:
            with psycopg.connect(self.database_url.replace("+psycopg", "")) as server:
                return server.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(f"file:{self.home / 'okno.db'}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    def count(self, statement: str) -> int:
        """The one number that a statement gives."""
        return int(self.rows(statement)[0][0])


def deliver(
    port: int, raw: bytes, sender: str = "anna@example.org", to: Sequence[str] = ("support@okno.example",)
) -> None:
    """Hand one letter to the listener. Raises what smtplib raises when it is not taken."""
    with smtplib.SMTP("127.0.0.1", port, timeout=100) as smtp:
        smtp.sendmail(sender, list(to), raw)


def listens(port: int) -> bool:
    """Whether the SMTP listener greets."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5):
            return True
    except (OSError, smtplib.SMTPException):
        return False
