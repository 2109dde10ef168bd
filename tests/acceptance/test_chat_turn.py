"""A call through a TURN server with credentials that expire: coturn itself, when it is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.support.chat_media_house import MediaHouse, browser, media_house, talks
from tests.support.okno_process import DemoTemplate
from tests.support.waiting import wait_until

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECRET = "north-wind"


@pytest.fixture(scope="module")
def turn_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """coturn on this machine with a shared secret; gives its port."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no coturn (apt install coturn)")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as holder:
        holder.bind(("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
    folder = tmp_path_factory.mktemp("turn")
    options = [
        "--use-auth-secret",
        f"--static-auth-secret={SECRET}",
        "--realm=okno.example",
        "--no-tls",
        "--no-dtls",
        "--no-cli",
    ]
    options += [
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        f"--listening-port={port}",
        "--allow-loopback-peers",
    ]
    options += ["-n", "--log-file=stdout", f"--pidfile={folder / 'turn.pid'}", f"--db={folder / 'turn.db'}"]
    with (folder / "turn.log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log, cwd=folder)
        try:
            wait_until(lambda: _accepts(port), what="coturn")
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def house(
    turn_port: int, demo_template: DemoTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MediaHouse]:
    """A centre whose calls may go through that server only."""
    settings = {
        "OKNO_CHAT_ICE_SERVERS": f"turn:127.0.0.1:{turn_port}?transport=udp",
        "OKNO_CHAT_TURN_SECRET": SECRET,
        "OKNO_CHAT_RELAY_ONLY": "true",
    }
    with media_house(demo_template, tmp_path_factory.mktemp("turn-house"), **settings) as made:
        yield made


@pytest.mark.feature("T-11")
def test_a_call_goes_through_the_turn_server_alone(pages, house: MediaHouse):
    shop, desk = pages.open(), pages.open()
    panel = house.visit(shop, "Звонок через TURN")
    house.sign_in(desk, "a.sokolova")
    house.take(desk, "Звонок через TURN")
    desk.get_by_role("button", name="Позвонить").first.click()
    panel.get_by_role("button", name="Ответить", exact=True).click()
    expect(desk.locator("#call-dock [data-call-since]")).to_be_visible(timeout=20_000)
    assert talks(shop, "document.querySelector('okno-chat').shadowRoot.querySelector('.call audio')")
    assert talks(desk, "document.querySelector('#call-dock .call-far')")
