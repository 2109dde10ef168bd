"""A rig of its own for a scenario."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.asterisk_rig import AsteriskRig


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """Runs a scenario with a rig of its own."""

    def run(scenario: Callable[[AsteriskRig], Awaitable[None]], wait: bool = True, **changes: Any) -> None:
        async def whole() -> None:
            rig = AsteriskRig(tmp_path, **changes)
            try:
                await rig.start(wait)
                await scenario(rig)
            finally:
                await rig.stop()

        asyncio.run(whole())

    return run
