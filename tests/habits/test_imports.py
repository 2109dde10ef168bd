"""The import rule: core never imports plugins, plugins never import each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.habits.source_tree import imports, python_files
from tests.support.places import ROOT

PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py"))


def names_plugin(module: str) -> str | None:
    """The plugin that a module belongs to, or None."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "plugins" else None


def test_core_never_imports_plugins() -> None:
    found = [
        str(asked)
        for path in python_files("core")
        for asked in imports(path)
        if asked.module == "plugins" or asked.module.startswith("plugins.")
    ]
    assert not found


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_never_imports_another(plugin: str) -> None:
    found = [
        str(asked)
        for path in python_files(f"plugins/{plugin}")
        for asked in imports(path)
        if names_plugin(asked.module) not in {None, plugin}
    ]
    assert not found


def test_core_and_plugins_never_import_tests_scripts_or_the_command() -> None:
    found = [
        str(asked)
        for path in python_files("core", "plugins")
        for asked in imports(path)
        if asked.module.split(".")[0] in {"tests", "scripts", "bench", "examples", "cli"}
    ]
    assert not found


@pytest.mark.parametrize("plugin", PLUGINS)
def test_naming_a_plugin_imports_nothing_heavy(plugin: str) -> None:
    """``plugins/<name>/__init__.py`` says what the plugin is; the list of plugins must not load their libraries."""
    script = f"import sys, plugins.{plugin}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    heavy = {"flask", "sqlalchemy", "whoosh", "Stemmer", "aiosmtpd", "imapclient", "markdown_it", "holidays", "nh3"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from plugins import kb", "plugins.kb"),
        ("from plugins.kb.models import Article", "plugins.kb.models.Article"),
        ("def late():\n    import plugins.kb.hooks", "plugins.kb.hooks"),
        ("import importlib\nimportlib.import_module('plugins.kb')", "plugins.kb"),
        ("from importlib import import_module\nimport_module(f'plugins.{name}')", "plugins."),
    ],
)
def test_the_check_sees_every_way_to_import(source: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert expected in {asked.module for asked in imports(path)}


def test_the_check_sees_relative_imports() -> None:
    path = ROOT / "plugins/email/relative_example.py"
    import ast

    from tests.habits.source_tree import _absolute

    node = ast.parse("from ..kb import models").body[0]
    assert isinstance(node, ast.ImportFrom)
    assert _absolute(path, node) == "plugins.kb"
