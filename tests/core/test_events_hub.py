"""The hub: subscribe, replay, live; slow readers are cut; heartbeats move the id on; presence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from core.events.hub import LONGEST_STREAM_SECONDS, STUCK_SECONDS, Hub, Stream
from core.events.log import LoggedEvent
from core.events.ring import Ring, encode


def event(number: int, topic: str = "desk", type: str = "happened") -> LoggedEvent:
    return LoggedEvent(number, topic, type, "{}")


class Reader:
    """A client whose reading can be stopped."""

    def __init__(self) -> None:
        self.data = b""
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        self.data += message["body"]

    @property
    def ids(self) -> list[int]:
        return [int(line[4:]) for line in self.data.decode().splitlines() if line.startswith("id: ")]


def listen(hub: Hub, *topics: str, live: bool = True, **who: int) -> tuple[Stream, Reader]:
    reader = Reader()
    stream = Stream(topics, reader.send, asyncio.get_running_loop().create_future(), **who)
    stream.last = hub.last
    hub.subscribe(stream)
    if live:
        hub.go_live(stream)
    return stream, reader


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))  # type: ignore[arg-type]


def test_only_the_topics_asked_for_arrive_once_and_in_order() -> None:
    async def test() -> None:
        hub = Hub(0)
        _, desk = listen(hub, "desk", "user:1", "desk")
        _, other = listen(hub, "user:2")
        hub.fan_out([event(1), event(2, "user:1"), event(3, "user:2")])
        hub.fan_out([event(2, "user:1"), event(4)])
        await settle()
        assert desk.ids == [1, 2, 4]
        assert other.ids == [3]

    run(test)


def test_what_happens_during_the_replay_waits_and_is_not_told_twice() -> None:
    async def test() -> None:
        hub = Hub(0)
        stream, reader = listen(hub, "desk", live=False)
        hub.fan_out([event(1), event(2), event(3)])
        await settle()
        assert reader.data == b""
        stream.last = 2
        hub.go_live(stream)
        await settle()
        assert reader.ids == [3]

    run(test)


def test_a_slow_reader_is_cut_and_the_others_go_on() -> None:
    async def test() -> None:
        hub = Hub(0, queue_limit=5)
        slow, stuck = listen(hub, "desk")
        quick, reader = listen(hub, "desk")
        stuck.reads.clear()
        for number in range(1, 11):
            hub.fan_out([event(number)])
            await settle()
        assert slow.gone.result() is False
        assert hub.cut == 1
        assert not quick.gone.done()
        assert reader.ids == list(range(1, 11))

    run(test)


def test_a_reader_that_takes_nothing_for_long_is_cut_by_the_timer() -> None:
    async def test() -> None:
        time = 0.0
        hub = Hub(0, clock=lambda: time)
        stream, reader = listen(hub, "desk")
        reader.reads.clear()
        hub.fan_out([event(1)])
        await settle()
        hub.beat()
        assert not stream.gone.done()
        time = STUCK_SECONDS + 1
        hub.beat()
        assert stream.gone.result() is False

    run(test)


def test_a_heartbeat_is_only_an_id_and_moves_quiet_streams_on() -> None:
    async def test() -> None:
        time = 0.0
        hub = Hub(0, clock=lambda: time)
        _, quiet = listen(hub, "user:1")
        hub.fan_out([event(7)])
        hub.beat()
        await settle()
        assert quiet.data == b""
        time = 20.0
        hub.beat()
        hub.beat()
        await settle()
        assert quiet.data == b"id: 7\n\n"
        time = 40.0
        hub.beat()
        await settle()
        assert quiet.data == b"id: 7\n\n" * 2

    run(test)


def test_a_stream_that_is_open_for_half_a_day_has_to_come_back() -> None:
    async def test() -> None:
        time = 0.0
        hub = Hub(0, clock=lambda: time)
        stream, _ = listen(hub, "desk")
        time = LONGEST_STREAM_SECONDS + 1
        hub.beat()
        assert stream.gone.result() is True

    run(test)


def test_presence_tells_a_newcomer_at_once_and_everybody_regularly() -> None:
    async def test() -> None:
        told: list[frozenset[int]] = []
        hub = Hub(0, present=told.append)
        first, _ = listen(hub, "desk", user_id=1)
        second, _ = listen(hub, "desk", user_id=1)
        listen(hub, "desk", user_id=2)
        listen(hub, "session:x")
        assert told == [{1}, {2}]
        hub.report_present()
        assert told[-1] == {1, 2}
        hub.unsubscribe(first)
        assert hub.present_users() == {1, 2}
        hub.unsubscribe(second)
        hub.report_present()
        assert told[-1] == {2}

    run(test)


def test_streams_of_a_revoked_sign_in_end_and_no_others() -> None:
    async def test() -> None:
        hub = Hub(0)
        revoked, _ = listen(hub, "desk", sign_in_id=1)
        kept, _ = listen(hub, "desk", sign_in_id=2)
        visitor, _ = listen(hub, "session:x")
        hub.end_sign_ins({1, 3})
        assert revoked.gone.result() is True
        assert not kept.gone.done()
        assert not visitor.gone.done()

    run(test)


def test_a_hub_that_stops_ends_all_streams_also_those_that_come_late() -> None:
    async def test() -> None:
        hub = Hub(0)
        stream, _ = listen(hub, "desk")
        hub.stop()
        late, _ = listen(hub, "desk")
        assert stream.gone.done()
        assert late.gone.done()

    run(test)


def test_the_ring_replays_topics_merged_by_id_and_knows_how_far_it_reaches() -> None:
    ring = Ring(4, floor=10)
    for number, topic in ((11, "a"), (12, "b"), (13, "a"), (14, "c")):
        ring.add(topic, encode(event(number, topic)))
    assert [block.id for block in ring.after(["a", "b"], 10) or ()] == [11, 12, 13]
    assert [block.id for block in ring.after(["a", "b"], 11) or ()] == [12, 13]
    assert ring.after(["unknown"], 10) == []
    assert ring.after(["a"], 9) is None
    ring.add("b", encode(event(15, "b")))
    assert ring.after(["a"], 10) is None
    assert [block.id for block in ring.after(["a", "b"], 11) or ()] == [12, 13, 15]
    assert len(ring) == 4
