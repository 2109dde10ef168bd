"""Any subset of the shipped plugins: what is enabled is there and works, what is not leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, inspect

from core.app import SchemaPending, create_app
from core.clock import now
from core.config import SHIPPED
from core.db import db
from core.migrate import pending, upgrade
from core.pluginmanager import discover
from tests.support.places import ROOT

SUBSETS = [(), ("kb", "email"), *((name,) for name in SHIPPED), SHIPPED]
KINDS = ("routes", "menu", "jobs", "daemons", "permissions", "commands", "tables", "channels", "settings", "assets")
PROBE = """
import atexit, gc, json, sys
# A short life: looking for garbage would take as long as all the rest.
gc.disable()
atexit.register(gc.freeze)
from core.app import create_app
from core.contracts import DeskContext
from core.db import db
from core.migrate import upgrade
from sqlalchemy import inspect

home, names = sys.argv[1], [name for name in sys.argv[2].split(",") if name]
upgrade(create_app(home, {"core.plugins": names}, check_schema=False))
app = create_app(home, {"core.plugins": names})
house = app.extensions["okno"]
with app.test_request_context():
    context = DeskContext(1, "ru", 1, 1, "email")
    print(json.dumps({
        "routes": sorted(f"{rule.rule} {sorted(rule.methods)}" for rule in app.url_map.iter_rules()),
        "menu": sorted(item.key for item in house.hooks.menu_items(context)),
        "jobs": sorted(house.hooks.jobs()),
        "daemons": sorted(house.hooks.daemons()),
        "permissions": sorted(house.permissions),
        "commands": sorted(mount.command.name for mount in house.hooks.commands()),
        "tables": sorted(inspect(db.engine).get_table_names()),
        "channels": sorted(house.channels),
        "settings": sorted(house.config.declared),
        "assets": sorted(asset.url for asset in house.assets),
        "views": sorted({view.__module__ for view in app.view_functions.values()}),
        "faults": sorted(map(str, house.plugins.peek_faults())),
        "problems": house.plugins.problems,
        "loaded": sorted(house.plugins.loaded),
    }))
client = app.test_client()
answers = {path: client.get(path).status_code for path in ("/sign-in", "/", "/healthz")}
print(json.dumps({"answers": answers, "modules": sorted(sys.modules)}))
"""

Probe = Callable[[tuple[str, ...]], dict[str, Any]]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """What an application with these plugins has, found out once in a process of its own."""
    known: dict[tuple[str, ...], dict[str, Any]] = {}

    def ask(names: tuple[str, ...]) -> dict[str, Any]:
        if names not in known:
            home = str(tmp_path_factory.mktemp("subset"))
            env = {name: value for name, value in os.environ.items() if not name.startswith(("OKNO_", "COV_"))}
            command = [sys.executable, "-c", PROBE, home, ",".join(names)]
            done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr[-4000:]
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            known[names] = lines[-2] | lines[-1]
        return known[names]

    return ask


def named(names: tuple[str, ...]) -> str:
    return "+".join(names) or "none"


@pytest.mark.slow
@pytest.mark.feature("P-01")
@pytest.mark.parametrize("names", SUBSETS, ids=named)
def test_any_subset_boots_on_a_migrated_data_base_and_answers(probe: Probe, names: tuple[str, ...]) -> None:
    found = probe(names)
    assert found["loaded"] == sorted(names)
    assert (found["problems"], found["faults"]) == ({}, [])
    assert found["answers"]["/sign-in"] == 200
    assert found["answers"]["/"] == 302


@pytest.mark.slow
@pytest.mark.feature("P-01", "P-02")
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_is_the_core_and_what_each_plugin_adds(probe: Probe, kind: str) -> None:
    core = set(probe(())[kind])
    for names in (("kb", "email"), SHIPPED):
        added = set().union(*(set(probe((name,))[kind]) - core for name in names))
        assert set(probe(names)[kind]) == core | added


@pytest.mark.slow
@pytest.mark.feature("P-02")
@pytest.mark.parametrize("names", SUBSETS, ids=named)
def test_a_disabled_plugin_leaves_no_route_job_table_permission_or_command(
    probe: Probe, names: tuple[str, ...]
) -> None:
    found = probe(names)
    for absent in set(SHIPPED) - set(names):
        owned = [f"{absent}.", f"{absent}_", f"/{absent}/", f"/admin/{absent}"]
        for kind in KINDS:
            assert not [item for item in found[kind] if item == absent or item.startswith(tuple(owned))], kind
        assert not [module for module in found["views"] if module.startswith(f"plugins.{absent}")]


@pytest.mark.slow
@pytest.mark.feature("P-02")
@pytest.mark.parametrize("names", SUBSETS, ids=named)
def test_a_disabled_plugin_is_not_imported_nor_what_it_requires(probe: Probe, names: tuple[str, ...]) -> None:
    infos = {found.name: found.info for found in discover() if found.shipped}
    kept = {module for name in names for module in infos[name].requires}
    modules = probe(names)["modules"]
    for absent in set(SHIPPED) - set(names):
        # The package itself is the plugin's name card: it imports nothing but core.contracts.
        assert not [module for module in modules if module.startswith(f"plugins.{absent}.")]
        assert not (set(infos[absent].requires) - kept) & set(modules)


def least_row(table: Table) -> dict[str, Any]:
    """Values for the columns of a table that must have one."""
    samples: dict[type, Any] = {
        str: "x",
        bytes: b"x",
        int: 1,
        float: 1.0,
        bool: True,
        dict: {},
        list: [],
        datetime: now(),
    }
    needed = [column for column in table.columns if not (column.nullable or column.default is not None)]
    keyed = [column for column in needed if not (column.primary_key and column.type.python_type is int)]
    return {column.name: samples[column.type.python_type] for column in keyed}


WITH_TABLES = ("kb", "email", "sla")


@pytest.mark.feature("P-02")
@pytest.mark.parametrize("name", WITH_TABLES)
def test_enabling_later_migrates_and_disabling_keeps_the_data(home: Path, database_url: str, name: str) -> None:
    def tables(*names: str) -> set[str]:
        with create_app(home, settings(*names), check_schema=False).app_context():
            found = {table for table in inspect(db.engine).get_table_names() if table.startswith(f"{name}_")}
            db.engine.dispose()
            return found

    def settings(*names: str) -> dict[str, Any]:
        return {"core.plugins": list(names), "core.database_url": database_url}

    upgrade(create_app(home, settings(), check_schema=False))
    assert tables() == set()
    with pytest.raises(SchemaPending, match=f"{name}.*okno db upgrade"):
        create_app(home, settings(name))
    late = create_app(home, settings(name), check_schema=False)
    assert pending(late) == [name]
    assert upgrade(late) == [name]
    mine = tables(name)
    assert mine
    with late.app_context():
        table = next(db.metadata.tables[name] for name in sorted(mine) if not db.metadata.tables[name].foreign_keys)
        db.session.execute(table.insert().values(**least_row(table)))
        db.session.commit()
        db.engine.dispose()
    without = create_app(home, settings())
    assert upgrade(without) == []
    assert tables() == mine
    again = create_app(home, settings(name))
    with again.app_context():
        assert db.session.execute(table.select()).all()
        db.session.remove()
        db.engine.dispose()
    with without.app_context(), late.app_context():
        db.engine.dispose()
