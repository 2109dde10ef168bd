"""What the server is asked, and what trouble with it does. Needs okno and this package installed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core import translating
from core.app import create_app
from core.contracts import Rejected
from core.db import db
from core.house import okno
from core.migrate import upgrade


class Server:
    """Speaks as LibreTranslate does, backwards; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.status = 200
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                own.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(own.status)
                self.end_headers()
                self.wfile.write(json.dumps({"translatedText": own.asked[-1]["q"][::-1]}).encode())

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/translate"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def app(tmp_path: Path, server: Server) -> Iterator[Flask]:
    settings = {"core.plugins": ["translate"], "translate.url": server.url, "translate.key": "k"}
    application = create_app(tmp_path, settings, check_schema=False)
    upgrade(application)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def test_the_server_is_asked_and_guesses_an_unknown_language(app: Flask, server: Server) -> None:
    assert translating.is_offered()
    assert translating.words(" Привет ", "", "en") == "тевирП"
    assert translating.words("Hello", "en", "ru") == "olleH"
    assert server.asked[0] == {"q": "Привет", "source": "auto", "target": "en", "format": "text", "api_key": "k"}
    assert server.asked[1]["source"] == "en"


def test_a_server_in_trouble_is_told_to_the_agent_and_counted(app: Flask, server: Server) -> None:
    server.status = 503
    with pytest.raises(Rejected) as refused:
        translating.words("Привет", "ru", "en")
    assert refused.value.code == "no-translation"
    assert ("translate", "choose_translation") in okno().plugins.peek_faults()
