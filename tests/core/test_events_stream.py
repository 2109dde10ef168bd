"""``/events`` from the outside of the application: who may listen, and that a returning client misses nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from core.clock import at, now
from core.db import db, transaction
from core.events import log
from core.events.hub import Hub
from core.events.ring import Ring
from core.events.stream import EventStreams
from tests.core.small_house import Client, Signal, identify, make_house, tell

AGENT = {"cookie": "who=1.5"}


@pytest.fixture
def house(database_url: str, home: Path) -> Flask:
    return make_house(database_url, home)


@asynccontextmanager
async def serving(streams: EventStreams) -> AsyncIterator[Hub]:
    await streams.open()
    assert streams.hub is not None
    try:
        yield streams.hub
    finally:
        await streams.close()


@asynccontextmanager
async def asking(
    streams: EventStreams, target: str = "/events", headers: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    client = Client("GET", target, AGENT if headers is None else headers)
    task = asyncio.create_task(streams(client.scope, client.receive, client.send))
    try:
        await client.until(lambda: b"retry: 1000\n\n" in client.body or client.complete)
        yield client
    finally:
        client.left.set()
        await asyncio.wait_for(task, 15)


def ids(client: Client) -> list[int]:
    return [int(number) for number in re.findall(rb"id: (\d+)\ndata:", client.body)]


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))  # type: ignore[arg-type]


def test_a_client_hears_its_topics_from_now_on(house: Flask) -> None:
    tell(house, "desk")

    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams), asking(streams) as client:
            await client.until_body(b"id: 1\n\n")
            await asyncio.to_thread(tell, house, "user:2", "user:1", "desk")
            await client.until_body(b'data: {"type":"happened","topic":"desk","payload":{"number":2}}\n\n')
            assert ids(client) == [3, 4]
        assert client.headers["content-type"].startswith("text/event-stream")
        assert client.headers["x-accel-buffering"] == "no"
        assert client.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in client.headers

    run(test)


def test_a_page_begins_at_its_snapshot_and_a_returning_client_at_its_last_id(house: Flask) -> None:
    tell(house, "desk", "user:1", "user:2", "desk")

    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams):
            async with asking(streams, "/events?after=1") as client:
                await client.until_body(b"id: 4\n\n")
                assert ids(client) == [2, 4]
            async with asking(streams, "/events?after=1", {**AGENT, "last-event-id": "2"}) as client:
                await client.until_body(b"id: 4\n\n")
                assert ids(client) == [4]

    run(test)


def test_what_the_ring_has_forgotten_comes_from_the_data_base(house: Flask) -> None:
    for _ in range(6):
        tell(house, *(["desk", "user:2"] * 100))

    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams) as hub:
            hub.ring = Ring(20_000, hub.last)
            async with asking(streams, "/events?after=0") as client:
                await asyncio.to_thread(tell, house, "desk")
                await client.until(lambda: b"id: 1201\n" in client.body)
                assert ids(client) == [*range(1, 1200, 2), 1201]

    run(test)


def test_no_event_is_lost_or_doubled_while_streams_come_and_go(house: Flask) -> None:
    async def test() -> None:
        streams = EventStreams(house, identify)
        got: list[int] = []
        async with serving(streams):
            writer = asyncio.get_running_loop().run_in_executor(None, lambda: [tell(house, "desk") for _ in range(120)])
            while not got or got[-1] < 120:
                target = f"/events?after={got[-1] if got else 0}"
                async with asking(streams, target) as client:
                    await client.until(lambda client=client: bool(ids(client)))
                    got += ids(client)
            await writer
        assert got == list(range(1, 121))

    run(test)


def test_a_client_from_before_the_kept_log_is_told_to_load_again(house: Flask) -> None:
    with at(now() - timedelta(hours=3)):
        tell(house, "desk", "desk", "desk")
    with house.app_context(), transaction():
        log.prune(now() - timedelta(hours=1))

    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams):
            for after in ("1", "99"):
                async with asking(streams, f"/events?after={after}") as client:
                    await client.until_body(b'id: 3\ndata: {"type":"reset"')
                    assert ids(client) == [3]

    run(test)


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/events", {}, 401),
        ("HEAD", "/events", {}, 401),
        ("HEAD", "/events", AGENT, 204),
        ("POST", "/events", AGENT, 405),
        ("GET", "/events?after=x", AGENT, 400),
        ("GET", "/events", {**AGENT, "last-event-id": "-1"}, 400),
    ],
)
def test_what_is_refused(house: Flask, method: str, target: str, headers: dict[str, str], status: int) -> None:
    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams):
            client = Client(method, target, headers)
            await streams(client.scope, client.receive, client.send)
            assert client.status == status
            assert client.complete
            assert client.headers["x-content-type-options"] == "nosniff"

    run(test)


def test_a_server_that_stops_ends_streams_and_answers_503(house: Flask) -> None:
    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams):
            async with asking(streams) as client:
                streams.stop()
                await client.until(lambda: client.complete)
            late = Client("GET", "/events", AGENT)
            await streams(late.scope, late.receive, late.send)
            assert late.status == 503

    run(test)


def test_a_token_opens_the_stream_to_other_sites_and_no_cookie_adds_to_it(house: Flask) -> None:
    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams), asking(streams, "/events?token=session:k", {"cookie": "desk=1"}) as client:
            await client.until_body(b"id: 0\n\n")
            await asyncio.to_thread(tell, house, "desk", "session:k")
            await client.until_body(b"session:k")
            assert ids(client) == [2]
            assert client.headers["access-control-allow-origin"] == "*"

    run(test)


def test_streams_of_ended_sign_ins_are_found_with_one_question(house: Flask) -> None:
    asked = Signal()

    def ended(sign_ins: list[int]) -> set[int]:
        asked(sign_ins)
        return {5}

    async def test() -> None:
        streams = EventStreams(house, identify, ended)
        async with serving(streams), asking(streams) as mine, asking(streams, headers={"cookie": "who=2.6"}) as other:
            # The event makes the regular check happen at once.
            await asyncio.to_thread(tell, house, "user:1", type="session.ended")
            await mine.until(lambda: mine.complete)
            assert not other.complete
        assert asked.calls == [[5, 6]]

    run(test)


def test_users_with_a_stream_are_reported_present(house: Flask) -> None:
    touched = Signal()

    async def test() -> None:
        streams = EventStreams(house, identify, touch=touched)
        async with serving(streams), asking(streams):
            assert await asyncio.to_thread(touched.wait)
        assert touched.calls[0] == {1}

    run(test)


def test_a_data_base_that_is_away_is_a_503(house: Flask) -> None:
    def broken(_environ: object) -> None:
        with db.engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")

    async def test() -> None:
        streams = EventStreams(house, broken)
        async with serving(streams), asking(streams) as client:
            assert client.status == 503

    run(test)


def test_a_reader_that_stops_reading_is_aborted(house: Flask) -> None:
    class Transport:
        aborted = 0

        def abort(self) -> None:
            self.aborted += 1
            client.left.set()

    client = Client("GET", "/events", AGENT)
    transport = Transport()
    client.scope["state"] = {"okno.transport": transport}

    async def test() -> None:
        streams = EventStreams(house, identify)
        async with serving(streams) as hub:
            hub._queue_limit = 10
            task = asyncio.create_task(streams(client.scope, client.receive, client.send))
            await client.until_body(b"id: 0\n\n")
            client.reads.clear()
            for _ in range(10):
                await asyncio.to_thread(tell, house, "desk", "desk")
            await asyncio.wait_for(task, 15)
            assert transport.aborted == 1
            assert hub.streams == set()

    run(test)
