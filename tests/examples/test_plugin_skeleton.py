"""``okno plugins new`` writes a plugin that works at once: installed, enabled, migrated, tested, used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.commands.plugins_new import FILES, SKELETON, new
from tests.examples.installing import Installed

NAME = "lost_property"


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(new, [*arguments])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "okno-lost-property"
    told = invoke(NAME, "--folder", str(folder))
    assert told.exit_code == 0, told.output
    assert "okno plugins enable lost_property" in told.output
    return folder


@pytest.fixture(scope="module")
def installed(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("skeleton")
    packages = Installed(folder / "site")
    packages.add(written, folder)
    return packages


@pytest.mark.feature("P-04")
def test_it_has_hooks_model_migration_operations_views_template_translation_test_and_readme(written: Path) -> None:
    package = written / "okno_lost_property"
    for place in ("hooks.py", "models.py", "operations.py", "views.py", "migrations/0001_first_table.py",
                  "templates/lost_property/index.html", "translations/ru/LC_MESSAGES/messages.mo"):  # fmt: skip
        assert (package / place).is_file(), place
    assert (written / "tests/test_lost_property.py").is_file()
    assert (written / "README.md").is_file()
    assert not [
        path
        for path in written.rglob("*")
        if path.is_file() and path.suffix != ".mo" and "@" + "NAME" in path.read_text("utf-8")
    ]


def test_every_file_of_the_skeleton_is_written() -> None:
    assert {path.name for path in SKELETON.iterdir() if path.is_file()} == set(FILES)


def test_what_is_written_passes_the_linter(written: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    options = ["--isolated", "--line-length", "140", "--select", "E,F,W,B,UP"]
    done = subprocess.run([ruff, "check", *options, written], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.feature("P-04")
def test_its_own_tests_pass_once_it_is_installed(installed: Installed, written: Path) -> None:
    done = installed.test(written / "tests")
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.slow
@pytest.mark.feature("P-02", "P-04")
def test_enabling_it_in_a_running_centre_migrates_and_disabling_keeps_its_table(
    installed: Installed, tmp_path: Path
) -> None:
    okno = installed.okno(tmp_path / "home")
    assert okno("init").code == 0
    enabled = okno("plugins", "enable", NAME, "--json")
    assert NAME in enabled.json()["data"]["migrated"], enabled
    assert tables(tmp_path / "home") >= {"lost_property_item"}
    assert okno("plugins", "disable", NAME).code == 0
    assert tables(tmp_path / "home") >= {"lost_property_item"}
    assert okno("db", "upgrade").code == 0


def tables(home: Path) -> set[str]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(home / "okno.db")) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.parametrize(
    "name", ["", "x", "Orders", "1st", "my-plugin", "a__b", "_a", "a_", "заказы", "class", "../evil", "x" * 31]
)
def test_a_name_that_cannot_be_is_refused_with_the_rule(name: str, tmp_path: Path) -> None:
    told = invoke(name, "--folder", str(tmp_path / "p"))
    assert told.exit_code == 2
    assert "cannot be a plugin's name" in told.output
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", ["kb", "email", "core", "json", "desk"])
def test_a_name_that_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    told = invoke(name, "--folder", str(tmp_path / "p"))
    assert told.exit_code == 2
    assert "is taken" in told.output


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    told = invoke("orders", "--folder", str(tmp_path))
    assert told.exit_code == 1
    assert "is there already" in told.output
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
