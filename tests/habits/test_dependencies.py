"""Each third-party import is declared, each declaration is used, and docs/dependencies.md says why."""

from __future__ import annotations

import json

import pytest
from packaging.utils import canonicalize_name

from tests.habits.declared_dependencies import (
    all_requirements,
    core_requirements,
    extra_requirements,
    imported_distributions,
    requirements,
    setup_cfg,
    table_names,
)
from tests.habits.test_imports import PLUGINS
from tests.support.places import ROOT

# Core may use these where they are installed; each has an extra of its own.
OPTIONAL = {"redis", "psycopg"}
# A plugin may use these where they are installed, and says what to do where they are not.
OPTIONAL_OF = {"kb": {"tantivy"}, "switch": {"pjsua2-python"}}
# Used without an import: by uvicorn when present, by SQLAlchemy through the data base's address.
WITHOUT_IMPORT = {"uvloop", "httptools", "psycopg"}


def test_core_imports_only_what_setup_cfg_requires() -> None:
    found = imported_distributions("core", "cli.py")
    undeclared = {name: places for name, places in found.items() if name not in core_requirements() | OPTIONAL}
    assert not undeclared


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_imports_only_what_core_or_its_extra_requires(plugin: str) -> None:
    allowed = core_requirements() | extra_requirements(plugin) | OPTIONAL_OF.get(plugin, set())
    found = imported_distributions(f"plugins/{plugin}")
    undeclared = {name: places for name, places in found.items() if name not in allowed}
    assert not undeclared, f"add them to the extra {plugin} of setup.cfg"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_has_its_extra_and_its_entry_point(plugin: str) -> None:
    assert plugin in setup_cfg()["options.extras_require"]
    assert f"{plugin} = plugins.{plugin}" in setup_cfg()["options.entry_points"]["okno.plugins"]


def test_the_extra_named_all_holds_every_extra_that_is_not_for_development() -> None:
    extras = (
        set(setup_cfg()["options.extras_require"]) - {"all", "test", "dev", "bench"} - {"sip"}
    )  # PJSIP's licence is the GPL: asked for by name
    assert setup_cfg()["options.extras_require"]["all"].strip() == f"okno[{','.join(sorted(extras, key=_order))}]"


def _order(name: str) -> int:
    return list(setup_cfg()["options.extras_require"]).index(name)


def test_nothing_is_required_that_core_does_not_use() -> None:
    unused = core_requirements() - set(imported_distributions("core", "cli.py")) - WITHOUT_IMPORT
    assert not unused


@pytest.mark.parametrize("plugin", PLUGINS)
def test_no_extra_requires_what_its_plugin_does_not_use(plugin: str) -> None:
    unused = extra_requirements(plugin) - set(imported_distributions(f"plugins/{plugin}")) - WITHOUT_IMPORT
    assert not unused


def test_each_dependency_has_its_line_in_the_docs_and_none_is_stale() -> None:
    npm = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    declared = all_requirements() | set(npm["dependencies"]) | set(npm["devDependencies"])
    described = {
        name if name in declared else canonicalize_name(name) for name in table_names(ROOT / "docs/dependencies.md")
    }
    assert declared - described == set()
    assert described - declared == set()


def test_constraints_name_a_version_for_each_requirement() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("==" in line for line in lines)
    assert all_requirements() - requirements(text) == set(), "run make constraints"
