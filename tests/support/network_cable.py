"""A network between one browser and a centre that can be cut: pages by TCP, sound by UDP. Nothing else of the machine is touched."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Error, Route

T = TypeVar("T")
HOST = "127.0.0.1"
CANDIDATE = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)
PORT = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ 127\.0\.0\.1 )(\d+)(?= typ host)", re.MULTILINE)


class Wire(asyncio.DatagramProtocol):
    """One way of sound: what the browser sends here goes to the switch, what the switch sends goes to the browser."""

    def __init__(self, cable: Cable, port: int) -> None:
        self.cable, self.switch = cable, (HOST, port)
        self.browser: tuple[str, int] | None = None
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Carried on, or lost while the cable is cut."""
        if addr != self.switch:
            self.browser = addr
        to = self.browser if addr == self.switch else self.switch
        if self.cable.whole.is_set() and to is not None and self.transport is not None:
            self.transport.sendto(data, to)


class Cable:
    """Carries one browser's traffic to the centre on ``port``. Cut, it swallows what comes, as a network does: nobody is told."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="cable", daemon=True)
        self.thread.start()
        self.whole = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.wires: list[asyncio.BaseTransport] = []
        self.server = self.run(self._listen())
        self.mend()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this in the cable's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    @property
    def url(self) -> str:
        """The centre, through the cable."""
        return f"http://{HOST}:{self.server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """From now on nothing gets through."""
        self.loop.call_soon_threadsafe(self.whole.clear)

    def mend(self) -> None:
        """From now on all gets through, and what waited in connections."""
        self.loop.call_soon_threadsafe(self.whole.set)

    def carry_sound(self, context: BrowserContext) -> None:
        """The sound of this browser goes through the cable, too: its offers name no address but ours."""
        context.route("**/voice/leg", self._connect)

    def close(self) -> None:
        """Let go of everything."""
        self.run(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def _connect(self, route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        offer = route.request.post_data_json
        try:
            answer = route.fetch(post_data=json.dumps(offer | {"sdp": CANDIDATE.sub("", offer["sdp"])}))
        except Error:
            # The centre was not reached, or the page has gone.
            with suppress(Error):
                route.abort("connectionfailed")
            return
        said = answer.json()
        if answer.ok:
            said["sdp"] = PORT.sub(lambda found: f"{found[1]}{self.run(self._wire(int(found[2])))}", said["sdp"])
        route.fulfill(response=answer, json=said)

    async def _wire(self, port: int) -> int:
        transport, _ = await self.loop.create_datagram_endpoint(lambda: Wire(self, port), local_addr=(HOST, 0))
        self.wires.append(transport)
        found: int = transport.get_extra_info("sockname")[1]
        return found

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, HOST, 0)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self.port)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    await self.whole.wait()
                    target.write(data)
                    await target.drain()
        finally:
            target.close()

    async def _close(self) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for wire in self.wires:
            wire.close()


@contextmanager
def cable_to(url: str) -> Iterator[Cable]:
    """A cable to the centre at ``url``, until the end of the block."""
    port = urlsplit(url).port
    assert port is not None
    made = Cable(port)
    try:
        yield made
    finally:
        made.close()
