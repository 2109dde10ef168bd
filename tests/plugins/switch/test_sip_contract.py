"""The switch with its SIP process keeps the contract of telephones, through real SIP and RTP to telephones written apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.telephone_contract import TelephoneContract

pytest.importorskip("pjsua2", reason="the extra sip is not installed")


@pytest.mark.feature("V-10")
@pytest.mark.slow
class TestSip(TelephoneContract):
    async def make_rig(self, folder: Path) -> object:
        from tests.support.sip_rig import SipRig

        return await SipRig(folder).start()
