"""The embedded switch keeps the contract of all drivers, through real WebRTC."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.switch_rig import SwitchRig
from tests.support.telephony_contract import TelephonyContract


@pytest.mark.feature("V-10")
@pytest.mark.slow
class TestSwitch(TelephonyContract):
    async def make_rig(self, folder: Path) -> SwitchRig:
        return await SwitchRig(folder).start()
