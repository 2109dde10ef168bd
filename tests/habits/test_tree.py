"""Habits of the tree: names of files, their size, nothing of one machine in them."""

from __future__ import annotations

import json
import re

import pytest

from tests.habits.source_tree import python_files, text_files, tracked_files
from tests.support.places import ROOT

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "stuff", "manager2"}
LIMIT = 400
# A file may be longer only with its reason beside it.
LONGER: dict[str, str] = {
    "tests/plugins/email/test_email_mime.py": "the corpus of nasty letters, a table",
}
# Built from parts, so that this file does not hold what it looks for.
MACHINE_PATHS = ("/" + "work/", "/" + "root/", "/home/" + "[a-z]+/")
REGISTRY_HOSTS = (
    "registry." + "npmjs.org",
    "registry." + "yarnpkg.com",
    "files." + "pythonhosted.org",
    "pypi." + "org/simple",
)
EVERYWHERE = re.compile(
    "|".join(rf"(?<![\w.~]){path}" for path in MACHINE_PATHS) + "|" + "|".join(map(re.escape, REGISTRY_HOSTS))
)


def test_no_file_has_a_vague_name() -> None:
    found = [str(path.relative_to(ROOT)) for path in tracked_files() if path.stem.lower() in VAGUE_NAMES]
    assert not found


def test_no_python_file_outgrows_the_head() -> None:
    folders = ("core", "plugins", "cli.py", "tests", "scripts", "bench", "examples")
    sizes = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in python_files(*folders)}
    long = {
        name: size
        for name, size in sizes.items()
        if size > LIMIT and name not in LONGER and "/migrations/" not in name  # Alembic writes those
    }
    assert not long, f"more than {LIMIT} lines: which two things do they do? {long}"


def test_the_list_of_longer_files_is_not_stale() -> None:
    stale = [
        name for name in LONGER if not (ROOT / name).is_file() or (ROOT / name).read_text("utf-8").count("\n") <= LIMIT
    ]
    assert not stale


def test_no_tracked_file_names_a_machine_path_or_a_registry_host() -> None:
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if EVERYWHERE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found


def test_nothing_that_is_made_or_fetched_is_tracked() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    made = [name for name in names if name.endswith((".mo", ".pyc", ".db")) or "static/vendor/" in name]
    assert not made


def test_plugins_is_a_package() -> None:
    assert (ROOT / "plugins/__init__.py").is_file(), "without it plugins/email shadows the standard library's email"


def test_the_lock_file_names_no_registry_and_agrees_with_package_json() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["dependencies"].values())


def test_the_desk_stays_on_the_second_htmx() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert package["dependencies"]["htmx.org"].startswith("2.")


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "CHANGELOG.md", "Makefile", "setup.cfg", ".ci/run"])
def test_the_repository_has_what_a_newcomer_looks_for(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_changelog_has_the_version_of_setup_cfg_or_an_unreleased_part() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    assert "### Added" in text
