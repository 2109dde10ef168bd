"""The example plugins, installed as packages: small, found, working, gone without a trace when they are not enabled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.installing import Installed, code_lines
from tests.support.places import ROOT

EXAMPLES = {
    "okno-webhook": ("webhook", 150),
    "okno-roundrobin": ("roundrobin", 60),
    "okno-translate": ("translate", 60),
}
BOTH = "webhook,roundrobin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("examples")
    packages = Installed(folder / "site")
    for name in EXAMPLES:
        packages.add(ROOT / "examples" / name, folder)
    return packages


@pytest.mark.feature("P-07")
@pytest.mark.parametrize(("name", "limit"), [(name, limit) for name, (_, limit) in EXAMPLES.items()])
def test_an_example_is_as_small_as_promised(name: str, limit: int) -> None:
    package = ROOT / "examples" / name / name.replace("-", "_")
    assert 0 < code_lines(package) < limit


@pytest.mark.slow
@pytest.mark.feature("P-04", "P-07")
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_own_tests_pass_against_the_installed_package(installed: Installed, name: str) -> None:
    done = installed.test(ROOT / "examples" / name / "tests")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "passed" in done.stdout


@pytest.mark.slow
@pytest.mark.feature("P-04", "P-07")
def test_the_command_finds_lists_enables_and_disables_them(installed: Installed, tmp_path: Path) -> None:
    okno = installed.okno(tmp_path / "home")
    assert okno("init").code == 0
    listed = {row["name"]: row for row in okno("plugins", "list", "--json").json()["data"]}
    assert {"webhook", "roundrobin"} <= set(listed)
    assert (listed["webhook"]["enabled"], listed["webhook"]["shipped"], listed["webhook"]["problem"]) == (
        False,
        False,
        "",
    )
    enabled = okno("plugins", "enable", "webhook", "roundrobin", "--json")
    assert {"webhook", "roundrobin"} <= set(enabled.json()["data"]["plugins"])
    assert "webhook" not in okno("plugins", "disable", "webhook", "--json").json()["data"]["plugins"]


ROUTES = """
import sys
from core.app import create_app
app = create_app(sys.argv[1], {"core.plugins": [n for n in sys.argv[2].split(",") if n]}, check_schema=False)
house = app.extensions["okno"]
print(sorted(house.channels), sorted(r.rule for r in app.url_map.iter_rules() if r.rule.startswith("/webhook")), house.plugins.problems)
print(sorted(n for n in sys.modules if n.startswith(("okno_webhook", "okno_roundrobin"))))
"""


@pytest.mark.feature("P-07")
@pytest.mark.parametrize(("names", "expected"), [(BOTH, "['webhook'] ['/webhook/<entry>'] {}"), ("", "[] [] {}")])
def test_an_installed_example_is_there_only_when_it_is_enabled(
    installed: Installed, tmp_path: Path, names: str, expected: str
) -> None:
    first, modules = installed.python(ROUTES, str(tmp_path), names).splitlines()[-2:]
    assert first == expected
    assert ("okno_webhook.hooks" in modules) == bool(names)
