"""The Asterisk driver keeps the contract of all drivers, against a server that enforces ARI's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.asterisk_rig import AsteriskRig
from tests.support.telephone_contract import TelephoneContract
from tests.support.telephony_contract import TelephonyContract


@pytest.mark.feature("V-10")
class TestAsterisk(TelephonyContract, TelephoneContract):
    async def make_rig(self, folder: Path) -> AsteriskRig:
        return await AsteriskRig(folder).start()
