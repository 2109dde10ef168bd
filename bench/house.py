"""A fresh centre for measuring: its home folder, a data base, people, services; and what a process has used."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

PASSWORD = "measured twice"
SERVICES = ("support", "sales", "billing", "signature", "delivery")


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def make_house(
    home: Path, plugins: Sequence[str], database_url: str = "", smtp_port: int = 0, acknowledge: bool = False
) -> Flask:
    """Write ``okno.toml``, migrate, and add five services with a team of four agents each, and an administrator."""
    from core import directory, reasons, services
    from core.app import create_app
    from core.migrate import upgrade

    home.mkdir(parents=True, exist_ok=True)
    lines = ["[core]", f"plugins = [{', '.join(repr(name) for name in plugins)}]"]
    lines += [f"database_url = {database_url!r}"] if database_url else []
    lines += ["[log]", "level = 'error'"]
    lines += ["[email]", f"smtp_port = {smtp_port}"] if "email" in plugins else []
    (home / "okno.toml").write_text("\n".join(lines) + "\n", "utf-8")
    app = create_app(home, check_schema=False)
    upgrade(app)
    with app.app_context():
        directory.ensure_roles()
        reasons.ensure_reasons()
        directory.add_user("admin", "Admin", password=PASSWORD, roles=["admin"])
        for key in SERVICES:
            directory.add_team(key, key.title(), key.title())
            service = services.add_service(key, key.title(), key.title(), teams=[key])
            services.add_entry(service.id, "email", f"{key}@okno.example")
            if acknowledge:
                text = "Здравствуйте, $(from.name)!\n\nВаш запрос $(case.number) принят, мы ответим в течение двух часов.\n"
                services.update_service(service.id, texts={"acknowledgement": text})
            for number in range(4):
                directory.add_user(f"{key}{number}", f"Agent {number}", password=PASSWORD, teams=[key])
    return app


def cookie_of(app: Flask, user_id: int) -> str:
    """The value of the session's cookie in a sign-in of the user's own. Passwords are slow on purpose, and not what is measured."""
    from core import sessions

    with app.app_context():
        token, _ = sessions.open_session(user_id, ip="127.0.0.1", user_agent="bench", force=True)
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return str(serializer.dumps({"token": token}))


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The address of an empty data base on the server that tests use; None where PostgreSQL is not installed."""
    try:
        from tests.support.postgresql_server import find_programs, running_server
    except ImportError:
        yield None
        return
    if find_programs() is None:
        yield None
        return
    with running_server() as server:
        yield server.url(server.create())


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def circumstances() -> str:
    """How busy the machine is, without which wall times mean little."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; above that number, read CPU times only, with care"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in plain text: the first column to the left, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
