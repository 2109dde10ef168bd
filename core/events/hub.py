"""Who listens to what in this process, and how an event reaches them. Everything here runs on the event loop."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from core.events.log import LoggedEvent
from core.events.ring import Block, Ring, encode

RING_SIZE = 20_000
QUEUE_LIMIT = 1_000
HEARTBEAT_SECONDS = 10.0
STUCK_SECONDS = 30.0
# Whoever listens longer has to prove again who it is, by coming back.
LONGEST_STREAM_SECONDS = 12 * 3600.0

Send = Callable[[dict[str, Any]], Awaitable[None]]
Present = Callable[[frozenset[int]], None]


class Stream:
    """One listening client. ``last`` is the id up to which it has been told everything.

    ``gone`` is done when the stream has to end; its result says whether the client still reads.
    """

    # Ten thousand of them are kept at a time.
    __slots__ = (
        "beat_at",
        "busy_since",
        "gone",
        "last",
        "live",
        "opened_at",
        "queue",
        "send",
        "sign_in_id",
        "task",
        "topics",
        "user_id",
    )

    def __init__(
        self,
        topics: Iterable[str],
        send: Send,
        gone: asyncio.Future[bool],
        *,
        user_id: int | None = None,
        sign_in_id: int | None = None,
    ) -> None:
        self.topics = tuple(dict.fromkeys(topics))
        self.send, self.gone = send, gone
        self.user_id, self.sign_in_id = user_id, sign_in_id
        self.last = 0
        self.live = False
        self.queue: deque[Block] | None = None
        self.task: asyncio.Task[None] | None = None
        self.busy_since = self.beat_at = self.opened_at = 0.0

    def end(self, reading: bool = True) -> None:
        """Ask the request that owns the stream to finish."""
        if not self.gone.done():
            self.gone.set_result(reading)


class Hub:
    """Topic to streams, with a ring of the newest events for those who return.

    A stream subscribes first, is told what it missed, and only then goes live: whatever happens between waits in its
    queue, and ids it has been told already are skipped. A queue that fills ends its stream: the client returns with the
    last id it saw. ``present`` is called with the users who have a stream, at once for who comes or goes and then at each
    :meth:`report_present`; it must not block.
    """

    def __init__(
        self,
        head: int,
        *,
        ring_size: int = RING_SIZE,
        queue_limit: int = QUEUE_LIMIT,
        present: Present | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._queue_limit = queue_limit
        self._present = present
        self._topics: dict[str, set[Stream]] = {}
        self._users: Counter[int] = Counter()
        self.streams: set[Stream] = set()
        self.ring = Ring(ring_size, head)
        self.last = head
        self.stopping = False
        self.cut = 0
        self.session_ended = asyncio.Event()

    def subscribe(self, stream: Stream) -> None:
        """Queue events for ``stream`` from now on; they are sent after :meth:`go_live`."""
        self.streams.add(stream)
        for topic in stream.topics:
            self._topics.setdefault(topic, set()).add(stream)
        stream.opened_at = self._clock()
        stream.beat_at = stream.opened_at + HEARTBEAT_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
        user = stream.user_id
        if user is not None:
            self._users[user] += 1
            if self._present and self._users[user] == 1:
                self._present(frozenset({user}))
        if self.stopping:
            stream.end()

    def unsubscribe(self, stream: Stream) -> None:
        """Forget ``stream``."""
        self.streams.discard(stream)
        for topic in stream.topics:
            listeners = self._topics.get(topic)
            if listeners:
                listeners.discard(stream)
                if not listeners:
                    del self._topics[topic]
        if stream.user_id is not None:
            self._users[stream.user_id] -= 1
            self._users += Counter()
            # The grace of somebody who is gone begins now, not at the last regular report.
            if self._present and stream.user_id not in self._users:
                self._present(frozenset({stream.user_id}))
        if stream.task:
            stream.task.cancel()
        stream.queue = None

    def go_live(self, stream: Stream) -> None:
        """Send what has queued up and everything that comes."""
        stream.live = True
        if stream.queue:
            self._drain_soon(stream)

    def fan_out(self, events: Sequence[LoggedEvent]) -> None:
        """Give new events, in id order, to the ring and to whoever listens."""
        touched: set[Stream] = set()
        for event in events:
            if event.id <= self.last:
                continue
            self.last = event.id
            block = encode(event)
            self.ring.add(event.topic, block)
            for stream in self._topics.get(event.topic, ()):
                self._enqueue(stream, block)
                touched.add(stream)
            if event.type == "session.ended":
                self.session_ended.set()
        for stream in touched:
            if stream.live:
                self._drain_soon(stream)

    def beat(self) -> None:
        """The one timer of all streams, called every second: heartbeats where due, an end to readers that are stuck.

        A heartbeat is a block of only ``id: N``: it moves the client's Last-Event-ID on without being an event.
        """
        moment = self._clock()
        block = Block(self.last, b"id: %d\n\n" % self.last)
        for stream in list(self.streams):
            if moment - stream.opened_at > LONGEST_STREAM_SECONDS:
                stream.end()
            elif stream.task is not None:
                if moment - stream.busy_since > STUCK_SECONDS:
                    self._cut(stream)
            elif moment >= stream.beat_at and stream.live:
                stream.beat_at = moment + HEARTBEAT_SECONDS
                if block.id >= stream.last:
                    self._enqueue(stream, block)
                    self._drain_soon(stream)

    def report_present(self) -> None:
        """Tell who is here now."""
        if self._present and self._users:
            self._present(frozenset(self._users))

    def present_users(self) -> frozenset[int]:
        """The users with at least one stream in this process."""
        return frozenset(self._users)

    def end_sign_ins(self, sign_in_ids: Iterable[int]) -> None:
        """End the streams of sessions that have been revoked."""
        ended = frozenset(sign_in_ids)
        for stream in list(self.streams):
            if stream.sign_in_id in ended:
                stream.end()

    def stop(self) -> None:
        """End every stream and refuse new ones."""
        self.stopping = True
        for stream in list(self.streams):
            stream.end()

    def _enqueue(self, stream: Stream, block: Block) -> None:
        if stream.queue is None:
            stream.queue = deque()
        stream.queue.append(block)
        if len(stream.queue) > self._queue_limit:
            self._cut(stream)

    def _cut(self, stream: Stream) -> None:
        if not stream.gone.done():
            self.cut += 1
        stream.end(reading=False)

    def _drain_soon(self, stream: Stream) -> None:
        if stream.task is None and not stream.gone.done():
            stream.busy_since = self._clock()
            stream.task = self._loop.create_task(self._drain(stream))

    async def _drain(self, stream: Stream) -> None:
        try:
            while stream.queue and not stream.gone.done():
                blocks, stream.queue = stream.queue, None
                # A heartbeat repeats the last id on purpose; an event with it has been told before.
                fresh = [block.data for block in blocks if block.id > stream.last or _is_heartbeat(block, stream.last)]
                stream.last = max(stream.last, blocks[-1].id)
                if fresh:
                    await stream.send({"type": "http.response.body", "body": b"".join(fresh), "more_body": True})
                    stream.busy_since = self._clock()
        except OSError:
            stream.end(reading=False)
        finally:
            stream.task = None


def _is_heartbeat(block: Block, last: int) -> bool:
    return block.id == last and b"\n" not in block.data[:-2]
