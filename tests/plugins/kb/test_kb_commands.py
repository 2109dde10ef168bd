"""``okno kb`` as an administrator types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.places import ROOT

DEMO = ROOT / "plugins/kb/demo"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A migrated centre with the knowledge base only."""
    from core.app import create_app
    from core.migrate import upgrade

    home = tmp_path / "home"
    home.mkdir()
    (home / "okno.toml").write_text('[core]\nplugins = ["kb"]\n')
    upgrade(create_app(home, check_schema=False))
    return home


def run(house: Path, *words: str) -> Result:
    from cli import main

    return CliRunner().invoke(main, ["--home", str(house), "kb", *words])


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["data"]


@pytest.mark.feature("K-11")
def test_import_list_show_export_and_reindex(house: Path, tmp_path: Path) -> None:
    told = data(run(house, "import", str(DEMO / "ru"), "--json"))
    assert told["created"] == len(list((DEMO / "ru").rglob("*.md"))) and told["errors"] == []
    assert data(run(house, "import", str(DEMO / "ru"), "--json"))["unchanged"] == told["created"]
    assert {row["number"] for row in data(run(house, "list", "--json"))} >= {1001, 1201}
    assert "0x8010006B" in run(house, "show", "1001").stdout
    assert data(run(house, "show", "1001", "--json"))["title"].startswith("Ошибка 0x8010006B")
    assert data(run(house, "export", str(tmp_path / "out"), "--json"))["exported"] == told["created"]
    assert data(run(house, "reindex", "--json")) == {"indexed": told["created"]}
    assert "articles indexed" in run(house, "reindex").stdout


def test_a_bad_file_is_named_and_the_exit_code_says_so(house: Path, tmp_path: Path) -> None:
    folder = tmp_path / "articles" / "mixed"
    folder.mkdir(parents=True)
    (folder / "bad.md").write_text("---\ntitle: x\nnumber: many\n---\n")
    (folder / "good.md").write_text("---\ntitle: Good\n---\nText\n")
    result = run(house, "import", str(folder.parent))
    assert "mixed/bad.md: number: must be a whole number" in result.stderr
    assert "0 created, 0 updated" not in result.stdout and "1 refused" in result.stdout
    told = json.loads(run(house, "import", str(folder.parent), "--json").stdout)
    assert told["ok"] is False and told["data"]["errors"][0]["field"] == "number"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["import", "nowhere"], "is not a folder"),
        (["show", "77"], "no article №77"),
        (["export", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(house: Path, words: list[str], reason: str) -> None:
    result = run(house, *words)
    assert result.exit_code == 1 and reason in result.stderr
    assert "Traceback" not in result.output
