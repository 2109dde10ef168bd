"""The demo centre with a Telegram bot: run by processes, told of a local Bot API, with the bot before the agent on demand."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.support.bot_api_server import TOKEN, BotApiServer
from tests.support.kb_house import KnowledgeHouse
from tests.support.okno_process import DemoTemplate, Okno, Served


def _free_port() -> int:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


@dataclass
class MessengerHouse(KnowledgeHouse):
    """A running demo centre beside a Bot API; ``start`` begins it anew after a kill, on the same ports."""

    api: BotApiServer
    ports: dict[str, str]

    def start(self) -> None:
        okno, log = self.served.okno, self.served.log
        process = okno.start("run", "--demo", log=log, env=self.ports)
        self.served = Served(okno, process, self.served.url, self.served.smtp_port, log)
        self.served.wait_until_ready()

    def command(self, *arguments: str, **env: str) -> str:
        """What a command prints; it must succeed."""
        done = self.served.okno(*arguments, env={**self.ports, **env})
        assert done.code == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def messenger_house(demo_template: DemoTemplate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessengerHouse]:
    """One for the module; nothing is offered, agents take what a test is about."""
    folder = tmp_path_factory.mktemp("messenger-house")
    home = folder / "home"
    home.mkdir()
    demo_template.copy(home)
    with closing(sqlite3.connect(home / "okno.db")) as connection, connection:
        nothing_pushed = {channel: {"push": 0, "limit": 9} for channel in ("chat", "email", "call", "telegram")}
        connection.execute("UPDATE team SET after_sign_in = 'not_ready', capacity = ?", [json.dumps(nothing_pushed)])
    api, port, smtp_port = BotApiServer(_free_port()), _free_port(), _free_port()
    api.start()
    ports = {"OKNO_WEB_PORT": str(port), "OKNO_EMAIL_SMTP_PORT": str(smtp_port), "OKNO_TELEGRAM_API_BASE": api.base}
    okno, log = Okno(home), folder / "run.log"
    process = okno.start("run", "--demo", log=log, env=ports)
    house = MessengerHouse(Served(okno, process, f"http://127.0.0.1:{port}", smtp_port, log), api, ports)
    try:
        house.served.wait_until_ready()
        house.command("telegram", "add", "--service", "support", TELEGRAM_TOKEN=TOKEN)
        yield house
    finally:
        house.served.stop()
        api.stop()
