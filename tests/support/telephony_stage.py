"""The stage of the driver contract's tests: a rig in a loop of its own, and questions to it that wait for their answers.

A rig has a driver and far ends: people whose voice is a tone of their own, and an ear for what reaches each. What is asserted is
presence and absence of tones after they settled, never how long it took.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from core.telephony import Driver, DriverError, DriverEvent, LegView

# Between the notes of the tempered scale, so that no music is taken for somebody.
ANNA, BORIS, VERA, GLEB = 450, 640, 850, 1210
PROMPT, OTHER_PROMPT = 1520, 2030
KNOWN = (ANNA, BORIS, VERA, GLEB, PROMPT, OTHER_PROMPT)
MUSIC = "music"
SETTLE_SECONDS = 20.0
QUIET_SECONDS = 0.1
MOST_LEGS = 8

Sounds = set[int | str]


class Rig(Protocol):
    """A driver that has been started, and those who are connected to it."""

    driver: Driver
    events: list[DriverEvent]
    folder: Path

    async def browser(self, leg: str, tone: int) -> None:
        """Connect a browser that says this tone; its leg has been answered when this returns."""

    async def heard(self, leg: str) -> Sounds:
        """The tones of ``KNOWN`` that reach a far end now, and ``MUSIC`` for any other sound."""

    async def lose(self, leg: str) -> None:
        """A far end vanishes without a word."""

    async def stop(self) -> None:
        """Stop the driver, if it runs, and the far ends."""


class TelephoneRig(Rig, Protocol):
    """A rig whose driver speaks to telephones."""

    async def call_in(self, number: str, to: str, tone: int) -> str:
        """Somebody calls: gives the leg once ``leg.incoming`` was told."""

    async def give_up(self, leg: str) -> None:
        """The far end hangs up."""

    async def press(self, leg: str, digit: str) -> None:
        """The far end presses a key."""

    async def pressed(self, leg: str) -> str:
        """The digits that have reached a far end."""

    async def refer(self, leg: str, to: str) -> None:
        """The far end asks to be transferred."""

    def number(self, does: str) -> str:
        """An address whose far end answers (with GLEB's tone), is ``busy``, ``rings`` for ever or is ``absent``."""


class Stage:
    """A loop in a thread of its own, so that sound goes on while tests come and go."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="telephony-stage", daemon=True)
        self._thread.start()
        self.rig: Any = None

    def run(self, work: Coroutine[Any, Any, Any], seconds: float = 90.0) -> Any:
        """Do this in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        """End what was begun."""
        if self.rig is not None:
            self.run(self.rig.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def scenario(work: Callable[[Any, Any], Awaitable[None]]) -> Callable[[Any, Stage], None]:
    """An ``async def test_…(self, rig)`` as a test of pytest."""

    def test(self: Any, stage: Stage) -> None:
        stage.run(work(self, stage.rig))  # type: ignore[arg-type]

    test.__name__, test.__doc__ = getattr(work, "__name__", "test"), work.__doc__
    return test


# --- asking ---


async def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of a condition."""
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while not (value := condition()):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {SETTLE_SECONDS:g} s"
        await asyncio.sleep(0.02)
    return value


async def hears(rig: Rig, **wanted: Sounds) -> None:
    """Each of these legs hears exactly this, and still does a moment later."""
    deadline, steady = asyncio.get_running_loop().time() + SETTLE_SECONDS, 0
    while steady < 2:
        found = {leg: await rig.heard(leg) for leg in wanted}
        steady = steady + 1 if found == wanted else 0
        assert asyncio.get_running_loop().time() < deadline, f"heard {found}, wanted {wanted}"
        await asyncio.sleep(QUIET_SECONDS)


async def told(rig: Rig, kind: str, since: int = 0, **of: Any) -> DriverEvent:
    """An event of this kind with these ids and data."""

    def find() -> DriverEvent | None:
        return next((one for one in rig.events[since:] if one.kind == kind and _fits(one, of)), None)

    found: DriverEvent = await until(find, f"{kind} {of}")
    return found


def _fits(event: DriverEvent, of: dict[str, Any]) -> bool:
    return all(getattr(event, name, None) == value or event.data.get(name) == value for name, value in of.items())


async def view(rig: Rig, leg: str) -> LegView | None:
    """A leg in the snapshot."""
    return next((one for one in (await rig.driver.snapshot()).legs if one.id == leg), None)


async def members(rig: Rig, bridge: str) -> tuple[str, ...] | None:
    """The legs of a bridge in the snapshot."""
    return next((one.legs for one in (await rig.driver.snapshot()).bridges if one.id == bridge), None)


async def refused(work: Awaitable[Any]) -> str:
    """The code of the refusal of a command."""
    with pytest.raises(DriverError) as caught:
        await work
    return caught.value.code


async def together(rig: Rig, bridge: str, *legs: str) -> None:
    """These legs in a bridge."""
    await rig.driver.bridge(bridge)
    for leg in legs:
        await rig.driver.add(bridge, leg)


async def tidy(rig: Rig) -> None:
    """Leave Anna, Boris and Vera as they came: alone, heard, with nothing played."""
    found = await rig.driver.snapshot()
    for recording in found.recordings:
        await rig.driver.stop_recording(recording.id)
    for playback in found.playbacks:
        await rig.driver.stop_playback(playback)
    for leg in found.legs:
        if leg.id not in ("anna", "boris", "vera"):
            await rig.driver.hangup(leg.id)
            continue
        if leg.supervises:
            await rig.driver.supervise(leg.id, leg.supervises, None)
        if leg.held:
            await rig.driver.hold(leg.id, False)
        await rig.driver.mute(leg.id, False)
    for bridge in found.bridges:
        await rig.driver.destroy(bridge.id)


async def until_heard(rig: Rig, leg: str, tone: int) -> None:
    """A tone reaches a far end at least once."""
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while tone not in await rig.heard(leg):
        assert asyncio.get_running_loop().time() < deadline, f"{leg} never heard {tone}"
        await asyncio.sleep(0.03)


class OnStage:
    """A class of tests with a driver for all of them. ``make_rig`` starts one that takes at most ``MOST_LEGS`` legs."""

    async def make_rig(self, folder: Path) -> Any:
        """A rig whose driver has told ``driver.up``."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
        """One driver for the class, with three browsers."""
        stage = Stage()
        try:
            stage.rig = stage.run(cls().make_rig(tmp_path_factory.mktemp("telephony")))
            for leg, tone in (("anna", ANNA), ("boris", BORIS), ("vera", VERA)):
                stage.run(stage.rig.browser(leg, tone))
            yield stage
        finally:
            stage.close()

    @pytest.fixture
    def stage(self, running: Stage) -> Iterator[Stage]:
        """The driver, tidied up after each test."""
        yield running
        running.run(tidy(running.rig))
