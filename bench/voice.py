"""Calls through the embedded switch: what a party costs by the way it is served, delay, memory, a busy hour.

    python -m bench.voice [--legs 20] [--seconds 8] [--calls 100] [--agents 20]

The switch runs in a process of its own, as it does in a centre; parties are WebRTC connections of this process over loopback,
which send packets that were encoded before and count what comes. Processor time is the switch's alone. A party that is forwarded
gets the other's packets as they are; one that is mixed for is decoded, mixed and encoded; one that waits gets music that was
encoded once for all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.house import circumstances, cpu_seconds, percentile, table
from bench.voice_lines import Caller, Remote, music_packets, signal_packets
from plugins.switch.opus import Decoder
from plugins.switch.precedence import REALTIME, take_precedence

SETTLE_SECONDS = 1.5
PACKETS_A_SECOND = 50
SIGNALS = 15
BROWSER_MS = 60
PACKET_MS = 20
MEAN_TALK_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds of one way of serving."""

    name: str
    legs: int
    cpu: float
    rate: float
    gap_p99: float
    gap_most: float
    late: float
    left_out: int

    def row(self) -> tuple[object, ...]:
        """For the table."""
        # On a machine too busy for 50 packets a second a leg takes less than its due; this is what it would take.
        each = self.cpu / self.legs * PACKETS_A_SECOND / self.rate
        return (
            self.name,
            self.legs,
            f"{self.cpu * 100:.0f}",
            f"{each * 100:.2f}",
            f"{1 / each:.0f}",
            f"{self.rate:.1f}",
            f"{self.gap_p99 * 1000:.0f}",
            f"{self.gap_most * 1000:.0f}",
            f"{self.late * 1000:.0f}",
            self.left_out,
        )


HEAD = ("way", "legs", "CPU %", "a leg %", "legs a core", "packets/s", "gap p99", "gap most", "beat late", "left out")


def memory(pid: int) -> float:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(remote: Remote, name: str, callers: Sequence[Caller], seconds: float) -> Stretch:
    """What the switch takes for these parties as they are served now."""
    await asyncio.sleep(SETTLE_SECONDS)
    before = await remote.do("beats")
    for caller in callers:
        caller.ear.count, caller.ear.gaps = 0, []
    cpu, began = cpu_seconds(remote.process.pid), time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    used = (cpu_seconds(remote.process.pid) - cpu) / took
    rate = sum(caller.ear.count for caller in callers) / len(callers) / took
    gaps = [gap for caller in callers for gap in caller.ear.gaps]
    after = await remote.do("beats")
    left_out = after["left_out"] - before["left_out"]
    return Stretch(name, len(callers), used, rate, percentile(gaps, 0.99), max(gaps), after["latest"], left_out)


async def connect(remote: Remote, count: int, packets: list[bytes], name: str = "leg") -> list[Caller]:
    """So many parties, each somewhere else in the music."""
    return [await Caller(remote, f"{name}{number}", packets, number * 37).connect() for number in range(count)]


async def ways(remote: Remote, count: int, seconds: float, packets: list[bytes]) -> list[Stretch]:
    """All ways of serving, one after the other, with the same parties."""
    callers, found = await connect(remote, count, packets), []
    pairs = [callers[at : at + 2] for at in range(0, count - 1, 2)]
    for caller in callers:
        await remote.do("play", caller.leg, f"music-{caller.leg}", "music:default", True)
    found.append(await measure(remote, "waiting with music", callers, seconds))
    for number, pair in enumerate(pairs):
        await remote.do("bridge", f"pair{number}")
        for caller in pair:
            await remote.do("stop_playback", f"music-{caller.leg}")
            await remote.do("add", f"pair{number}", caller.leg)
    found.append(await measure(remote, "two talk, forwarded", callers, seconds))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(len(pairs)):
            await remote.do("record", f"pair{number}", f"tape{number}", f"{folder}/{number}.wav")
        found.append(await measure(remote, "forwarded and recorded", callers, seconds))
        for number in range(len(pairs)):
            await remote.do("stop_recording", f"tape{number}")
    for number in range(len(pairs)):
        await remote.do("play", f"pair{number}", f"news{number}", "silence:1000", True)
    found.append(await measure(remote, "two talk, mixed", callers, seconds))
    await remote.do("bridge", "all")
    for caller in callers:
        await remote.do("add", "all", caller.leg)
    found.append(await measure(remote, f"conference of {count}", callers, seconds))
    for caller in callers[2:]:
        await remote.do("mute", caller.leg, True)
    found.append(await measure(remote, "two of them speak", callers, seconds))
    for caller in callers:
        await caller.leave()
    for bridge in ("all", *(f"pair{number}" for number in range(len(pairs)))):
        await remote.do("destroy", bridge)
    return found


async def delays(remote: Remote, packets: list[bytes], mixed: bool) -> list[float]:
    """Milliseconds from giving a packet to the network until the other side has its sound, by the way of serving."""
    speaker, listener = await connect(remote, 2, packets, "mixed" if mixed else "forwarded")
    await remote.do("bridge", "delay")
    for caller in (speaker, listener):
        await remote.do("add", "delay", caller.leg)
    if mixed:
        await remote.do("play", "delay", "quiet", "silence:1000", True)
    speaker.track.signals = listener.track.signals = signal_packets()
    await asyncio.sleep(SETTLE_SECONDS)
    found = []
    for _ in range(SIGNALS):
        listener.ear.heard_at, listener.ear.decoder = 0.0, Decoder()
        speaker.track.spoke_at, speaker.track.loud = 0.0, 10
        await asyncio.sleep(0.8 + random.random() * 0.02)
        if listener.ear.heard_at and speaker.track.spoke_at:
            found.append((listener.ear.heard_at - speaker.track.spoke_at) * 1000)
    for caller in (speaker, listener):
        await caller.leave()
    await remote.do("destroy", "delay")
    return found


async def busy_hour(remote: Remote, calls: int, agents: int, packets: list[bytes]) -> str:
    """So many calls that come at random, wait with music, are answered by the next free agent and end; none may stay."""
    staff = deque(await connect(remote, agents, packets, "agent"))
    free, served, waits = asyncio.Semaphore(agents), 0, []
    began = time.monotonic()

    async def call(number: int) -> None:
        nonlocal served
        customer = await Caller(remote, f"customer{number}", packets, number * 31).connect()
        came = time.monotonic()
        await remote.do("play", customer.leg, f"wait{number}", "music:default", True)
        async with free:
            waits.append(time.monotonic() - came)
            agent = staff.popleft()
            await remote.do("stop_playback", f"wait{number}")
            await remote.do("bridge", f"call{number}")
            for leg in (customer.leg, agent.leg):
                await remote.do("add", f"call{number}", leg)
            heard = customer.ear.count
            await asyncio.sleep(random.expovariate(1 / MEAN_TALK_SECONDS))
            served += customer.ear.count >= heard
            await customer.leave()
            await remote.do("destroy", f"call{number}")
            staff.append(agent)

    running = []
    for number in range(calls):
        running.append(asyncio.create_task(call(number)))
        await asyncio.sleep(random.expovariate(agents / MEAN_TALK_SECONDS))
    await asyncio.gather(*running)
    took = time.monotonic() - began
    await asyncio.gather(*(agent.leave() for agent in staff))
    left = await remote.do("snapshot")
    stuck = sum(len(left[kind]) for kind in ("legs", "bridges", "playbacks", "recordings"))
    return (
        f"{served} of {calls} calls served by {agents} agents in {took:.0f} s, longest wait {max(waits):.1f} s, "
        f"legs, bridges and sounds left behind: {stuck}"
    )


async def growth(remote: Remote, packets: list[bytes]) -> list[float]:
    """Memory after each ten calls of one second."""
    found = [memory(remote.process.pid)]
    for _ in range(5):
        for _ in range(10):
            pair = await connect(remote, 2, packets, "short")
            await remote.do("bridge", "short")
            for caller in pair:
                await remote.do("add", "short", caller.leg)
            await asyncio.sleep(0.1)
            for caller in pair:
                await caller.leave()
            await remote.do("destroy", "short")
        found.append(memory(remote.process.pid))
    return found


async def run(arguments: argparse.Namespace) -> None:
    take_precedence(REALTIME)  # who measures must not wait for others either
    packets, remote = music_packets(), await Remote.started()
    print(circumstances())
    print(f"the switch alone: {memory(remote.process.pid):.0f} MiB\n", flush=True)
    found = await ways(remote, arguments.legs, arguments.seconds, packets)
    print(table(HEAD, [stretch.row() for stretch in found]))
    print("gaps and lateness in ms; a browser's packets come 50 times a second\n", flush=True)
    for name, mixed in (("forwarded", False), ("mixed", True)):
        took = await delays(remote, packets, mixed)
        through = median(took)
        whole = PACKET_MS + through + BROWSER_MS
        print(
            f"delay through the switch, {name}: median {through:.0f} ms, most {max(took):.0f} ms of {len(took)}; mouth to ear "
            f"about {whole:.0f} ms with a packet's {PACKET_MS} and a browser's {BROWSER_MS}",
            flush=True,
        )
    print("\n" + await busy_hour(remote, arguments.calls, arguments.agents, packets), flush=True)
    sizes = await growth(remote, packets)
    print("memory after 0, 10, … 50 calls more: " + ", ".join(f"{size:.0f}" for size in sizes) + " MiB")
    await remote.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.voice", description=__doc__.splitlines()[0])
    parser.add_argument("--legs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--agents", type=int, default=20)
    asyncio.run(run(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
