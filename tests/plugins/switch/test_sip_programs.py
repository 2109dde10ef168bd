"""The SIP process against the programs of others: sipp calls and is called, baresip talks. Skipped where they are not installed."""

from __future__ import annotations

import asyncio
import shutil
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.telephony_stage import ANNA, VERA, hears, together, told, until
from tests.support.tones import present, rate_of, sides

pytest.importorskip("pjsua2", reason="the extra sip is not installed")
needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="needs sipp (Debian: sip-tester)")
needs_baresip = pytest.mark.skipif(shutil.which("baresip") is None, reason="needs baresip (Debian: baresip-core)")
MODULES = Path("/usr/lib/baresip/modules")
CALLS = 4


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def _switch(folder: Path) -> AsyncIterator[Any]:
    from tests.support.sip_rig import SipRig

    rig = SipRig(folder)
    try:
        yield await rig.start()
    finally:
        await rig.stop()


async def _program(folder: Path, *command: str) -> asyncio.subprocess.Process:
    silent = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=silent, stdout=silent, stderr=silent)


@needs_sipp
def test_sipp_calls_and_every_call_is_answered_and_ended(tmp_path: Path) -> None:
    async def whole() -> None:
        async with _switch(tmp_path) as rig:
            how = (
                "-sn",
                "uac",
                "-s",
                "200",
                "-m",
                str(CALLS),
                "-r",
                str(CALLS),
                "-d",
                "300",
                "-timeout",
                "20s",
                "-nostdin",
            )
            where = ("-i", "127.0.0.1", "-p", str(_free_port()), f"127.0.0.1:{rig.port}")
            sipp = await _program(tmp_path, "sipp", *how, *where)
            answered: set[str] = set()
            while len(answered) < CALLS:
                came = await until(
                    lambda: [one.leg for one in rig.events if one.kind == "leg.incoming" and one.leg not in answered],
                    "a call",
                )
                for leg in came:
                    await rig.driver.answer(leg)
                    answered.add(leg)
            assert await sipp.wait() == 0
            ends = await until(lambda: _ends(rig, CALLS), "the hangups")
            assert {one.data["cause"] for one in ends} == {"normal"}
            assert (await rig.driver.snapshot()).legs == ()

    asyncio.run(whole())


@needs_sipp
def test_sipp_is_called_and_hung_up(tmp_path: Path) -> None:
    async def whole() -> None:
        async with _switch(tmp_path) as rig:
            port = _free_port()
            how = ("-sn", "uas", "-m", str(CALLS), "-timeout", "20s", "-nostdin")
            sipp = await _program(tmp_path, "sipp", *how, "-i", "127.0.0.1", "-p", str(port))
            for number in range(CALLS):
                await rig.driver.originate(f"out{number}", f"sip:anybody@127.0.0.1:{port}", "", 20, {})
            for number in range(CALLS):
                await told(rig, "leg.answered", leg=f"out{number}")
                await rig.driver.hangup(f"out{number}")
            await until(lambda: _ends(rig, CALLS), "the hangups")
            assert await sipp.wait() == 0

    asyncio.run(whole())


def _ends(rig: Any, count: int) -> list[Any]:
    ends = [one for one in rig.events if one.kind == "leg.hangup"]
    return ends if len(ends) >= count else []


@needs_baresip
def test_baresip_and_a_browser_hear_each_other(tmp_path: Path) -> None:
    async def whole() -> None:
        async with _switch(tmp_path) as rig:
            port, home = _free_port(), tmp_path / "baresip"
            _configure(home, port)
            baresip = await _program(home, "baresip", "-f", str(home), "-t", "40")
            try:
                await rig.browser("anna", ANNA)
                await _call_until_there(rig, f"sip:phone@127.0.0.1:{port}")
                await together(rig, "talk", "anna", "phone")
                await hears(rig, anna={VERA})
                await asyncio.sleep(1.0)
                await rig.driver.hangup("phone")
            finally:
                if baresip.returncode is None:
                    baresip.terminate()
                await baresip.wait()
        (dump,) = home.glob("dump*-dec.wav")
        assert present(sides(dump)[0], rate_of(dump), (ANNA, VERA)) == {ANNA}

    asyncio.run(whole())


async def _call_until_there(rig: Any, address: str) -> None:
    """Baresip says nowhere that it listens: calls that come too early are refused and made again."""
    for _ in range(10):
        since = len(rig.events)
        await rig.driver.originate("phone", address, "", 20, {})
        end = await until(
            lambda since=since: [one for one in rig.events[since:] if one.kind in ("leg.answered", "leg.hangup")],
            "an answer",
        )
        if end[0].kind == "leg.answered":
            return
        await asyncio.sleep(0.3)
    raise AssertionError("baresip never answered")


def _configure(home: Path, port: int) -> None:
    home.mkdir()
    with wave.open(str(home / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        moments = np.arange(8000 * 20) / 8000
        file.writeframes((8000 * np.sin(2 * np.pi * VERA * moments)).astype("<i2").tobytes())
    (home / "accounts").write_text("<sip:phone@127.0.0.1>;regint=0;answermode=auto\n")
    lines = [
        f"sip_listen 127.0.0.1:{port}",
        f"audio_source aufile,{home / 'tone.wav'}",
        "audio_player aubridge,nil",
        "audio_alert aubridge,nil",
        f"module_path {MODULES}",
        "module g711.so",
        "module aufile.so",
        "module aubridge.so",
        "module sndfile.so",
        "module_app account.so",
        "module_app menu.so",
        f"snd_path {home}",
    ]
    (home / "config").write_text("\n".join(lines) + "\n")
