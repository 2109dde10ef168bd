"""A demo centre and a site on another origin for tests of calls and shown pages; Chromium with a made-up microphone and camera."""

from __future__ import annotations

import http.server
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.support.browser import ARGUMENTS, PROGRAMS
from tests.support.kb_house import KnowledgeHouse, _free_port, _listens
from tests.support.okno_process import DemoTemplate, Okno, Served
from tests.support.waiting import wait_until

MEDIA = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]
KEY = "calls"
SITE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Магазин</title><style>body {{ font: 16px sans-serif; margin: 40px; }} #mark {{ position: absolute; left: 300px; top: 400px; }}</style></head>
<body><h1>Оформление заказа</h1><p id="hello">Добро пожаловать в магазин</p>
<form><input id="name" name="name" value="Пётр Иванов"><input id="password" type="password"><input id="card" autocomplete="cc-number">
<input type="hidden" name="csrf" value="hidden-token-913"><textarea id="about"></textarea>
<input id="city" data-okno-show value="Самара"><select id="size"><option>первый</option><option selected>второй</option></select></form>
<p data-okno-mask id="masked">Баланс 77 123 рубля</p><p id="preview"></p><p contenteditable id="editable">черновик письма</p>
<button id="mark" type="button">Оплатить</button><img src="data:image/png;base64,AA" onerror="window.stolen = 1" alt="">
<script src="{base}/chat/widget.js" data-entry="{key}" async></script></body></html>"""


class _Site(http.server.BaseHTTPRequestHandler):
    pages: dict[str, bytes] = {}

    def do_GET(self) -> None:
        page = self.pages.get(self.path.split("?")[0])
        self.send_response(200 if page is not None else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def site_of(base: str) -> Iterator[str]:
    """A shop on another origin whose pages carry the widget; gives its address."""
    page = SITE.format(base=base, key=KEY, language="ru").encode()
    handler = type("Site", (_Site,), {"pages": {"/": page, "/next": page, "/favicon.ico": b""}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class MediaHouse(KnowledgeHouse):
    """The centre and the shop."""

    site: str = ""

    def visit(self, page: Page, text: str) -> Locator:
        """A visitor opens the shop and writes; gives the widget's panel."""
        page.set_default_timeout(20_000)
        page.goto(self.site)
        page.get_by_role("button", name="Открыть чат").click()
        panel = page.get_by_role("dialog")
        panel.get_by_label("Ваше сообщение").fill(text)
        panel.get_by_role("button", name="Отправить").click()
        wait_until(lambda: self.rows('SELECT 1 FROM "case" WHERE subject = ?', text))
        return panel

    def set_rule(self, **rule: bool) -> None:
        """What the service of the shop's chat allows."""
        ticked = {"audio": True, "video": True, "recorded": False, "cobrowse": True, **rule}
        values = [int(ticked[name]) for name in ("audio", "video", "recorded", "cobrowse")]
        with closing(sqlite3.connect(self.served.okno.home / "okno.db", timeout=10)) as connection, connection:
            services = [row[0] for row in connection.execute("SELECT id FROM service")]
            sentence = "INSERT OR REPLACE INTO chat_call_rule (service_id, audio, video, recorded, cobrowse) VALUES (?, ?, ?, ?, ?)"
            connection.executemany(sentence, [(service, *values) for service in services])


def talks(page: Page, stream_of: str) -> bool:
    """Whether sound is heard now in the media element that the JavaScript expression gives."""
    return bool(
        page.evaluate(
            """async (expression) => {
              const element = Function(`return ${expression}`)();
              if (!element?.srcObject?.getAudioTracks().length) return false;
              const context = (window.listening ??= new AudioContext());
              await context.resume();
              const analyser = context.createAnalyser();
              context.createMediaStreamSource(element.srcObject).connect(analyser);
              const samples = new Float32Array(analyser.fftSize);
              for (let turn = 0; turn < 40; turn++) {
                await new Promise((go) => setTimeout(go, 50));
                analyser.getFloatTimeDomainData(samples);
                if (samples.some((sample) => Math.abs(sample) > 0.02)) return true;
              }
              return false;
            }""",
            stream_of,
        )
    )


def expect_picture(page: Page, video: Locator) -> None:
    """The picture moves."""
    expect(video).to_be_visible()
    wait_until(lambda: video.evaluate("element => element.videoWidth > 0 && element.currentTime > 0"), what="a picture")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium whose microphone beeps and whose camera shows a moving picture."""
    program = next((path for path in PROGRAMS if Path(path).exists()), None)
    if program is None:
        pytest.skip("no Chromium (apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *MEDIA])
        yield chromium
        chromium.close()


@contextmanager
def media_house(template: DemoTemplate, folder: Path, **settings: str) -> Iterator[MediaHouse]:
    """A demo centre that is open for the shop's chat at any hour."""
    home = folder / "home"
    home.mkdir()
    template.copy(home)
    with closing(sqlite3.connect(home / "okno.db")) as connection, connection:
        nothing_pushed = {channel: {"push": 0, "limit": 9} for channel in ("chat", "email", "call")}
        connection.execute("UPDATE team SET after_sign_in = 'not_ready', capacity = ?", [json.dumps(nothing_pushed)])
    okno, port, smtp_port = Okno(home), _free_port(), _free_port()
    ports = {"OKNO_WEB_PORT": str(port), "OKNO_EMAIL_SMTP_PORT": str(smtp_port), **settings}
    added = okno("chat-widgets", "add", KEY, "--offline", "never")
    assert added.code == 0, added.stderr
    log = folder / "run.log"
    served = Served(okno, okno.start("run", "--demo", log=log, env=ports), f"http://127.0.0.1:{port}", smtp_port, log)
    try:
        served.wait_until_ready()
        wait_until(lambda: _listens(smtp_port))
        with site_of(served.url) as site:
            yield MediaHouse(served, site)
    finally:
        served.stop()


@pytest.fixture(scope="module")
def house(demo_template: DemoTemplate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaHouse]:
    """One for the module."""
    with media_house(demo_template, tmp_path_factory.mktemp("media-house")) as made:
        yield made
