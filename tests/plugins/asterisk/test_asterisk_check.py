"""``okno asterisk check``: what is missing is named, with what to do about it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from core.contracts import HealthCheck
from plugins.asterisk.ari import AriAddress
from plugins.asterisk.checkup import checks
from tests.support.asterisk_rig import AsteriskRig, options


def _asked(tmp_path: Path, missing: set[str] = frozenset(), **changes: Any) -> dict[str, HealthCheck]:  # type: ignore[assignment]
    async def whole() -> list[HealthCheck]:
        rig = await AsteriskRig(tmp_path).start()
        rig.server.missing = set(missing)
        try:
            return await checks(replace(options(rig.server, tmp_path), **changes))
        finally:
            await rig.stop()

    return {one.name: one for one in asyncio.run(whole())}


def test_an_asterisk_that_has_all_is_said_to(tmp_path: Path) -> None:
    found = _asked(tmp_path)
    assert all(one.ok for one in found.values()), [one for one in found.values() if not one.ok]
    assert found["version"].detail == "22.5.0"
    assert {"endpoint okno-web", "endpoint trunk", "SIP over WebSocket", "sounds"} <= set(found)


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    found = _asked(tmp_path, {"res_stasis_snoop.so", "okno-web"})
    assert [one.name for one in found.values() if not one.ok] == ["res_stasis_snoop", "endpoint okno-web"]
    assert "modules.conf" in found["res_stasis_snoop"].mend and "pjsip.conf" in found["endpoint okno-web"].mend


def test_a_wrong_password_or_address_ends_the_questions(tmp_path: Path) -> None:
    async def nobody() -> list[HealthCheck]:
        away = AriAddress("http://127.0.0.1:1", "okno", "x", "okno")
        rig = AsteriskRig(tmp_path)
        return await checks(replace(options(rig.server, tmp_path), address=away))

    (only,) = asyncio.run(nobody())
    assert (only.name, only.ok) == ("address", False)


def test_the_command_fails_when_asterisk_is_away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli import main

    monkeypatch.setenv("OKNO_CORE_PLUGINS", "asterisk")
    monkeypatch.setenv("OKNO_ASTERISK_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("OKNO_CORE_DATABASE_URL", app.config["SQLALCHEMY_DATABASE_URI"])
    told = CliRunner().invoke(main, ["--home", app.config["OKNO_HOME"], "asterisk", "check", "--json"])
    assert told.exit_code == 1, told.output
    (row,) = json.loads(told.output)["data"]
    assert row["what"] == "address" and not row["ok"] and "asterisk.url" in row["mend"]


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["asterisk"]}
