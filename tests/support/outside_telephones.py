"""Telephones beyond a centre's SIP trunk, each saying a tone, and the settings with which a centre finds them."""

from __future__ import annotations

import numpy as np

from tests.support.sip_rig import free_port
from tests.support.sip_telephone import RATE, Telephone, TelephoneExchange
from tests.support.softphone_house import NUMBER
from tests.support.telephony_stage import Stage
from tests.support.tone_parties import TONES
from tests.support.tones import present
from tests.support.waiting import wait_until

OUTSIDE = 1850
CUSTOMER, ABSENT = "+74951112233", "+74950000009"


class Outside:
    """The provider's side: telephones, and where the centre listens."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.exchange = TelephoneExchange({CUSTOMER: ("answer", OUTSIDE)})
        self.stage.run(self.exchange.start())
        self.centre = ("127.0.0.1", free_port())

    @property
    def environment(self) -> dict[str, str]:
        return {
            "OKNO_SWITCH_SIP": "true",
            "OKNO_SWITCH_SIP_LISTEN": f"{self.centre[0]}:{self.centre[1]}",
            "OKNO_SWITCH_SIP_TRUNK": f"127.0.0.1:{self.exchange.port}",
            "OKNO_SWITCH_SIP_REGISTER": "false",
            "OKNO_SWITCH_SIP_RTP_PORT": str(42_000 + self.centre[1] % 200 * 64),
        }

    def call(self) -> Telephone:
        """A customer calls our number; waits until the centre has taken the call."""
        calling: Telephone = self.stage.run(self.exchange.call(CUSTOMER, NUMBER, self.centre, OUTSIDE))
        wait_until(lambda: calling.state != "new", what=f"an answer; there were {calling.statuses}")
        assert calling.state == "up", calling.statuses
        return calling

    def telephone(self, name: str, state: str = "up") -> Telephone | None:
        """The telephone of this name or number in this state (new: it rings), when there is one."""
        calls = list(self.exchange.calls.values())
        return next((one for one in calls if name in one.local and one.state == state), None)

    def pick_up(self, telephone: Telephone) -> None:
        async def up() -> None:
            self.exchange.pick_up(telephone)

        self.stage.run(up())

    def hang_up(self, telephone: Telephone) -> None:
        async def down() -> None:
            self.exchange.hang_up(telephone)

        self.stage.run(down())

    def close(self) -> None:
        async def stop() -> None:
            self.exchange.stop()

        self.stage.run(stop())
        self.stage.close()


def heard(telephone: Telephone) -> set[int] | None:
    """Which agents' tones reach a telephone; None for no sound at all."""
    frames = list(telephone.heard)
    if len(frames) < 10:
        return None
    samples = np.concatenate(frames)
    return present(samples, RATE, TONES) if abs(samples).max() > 300 else None
