"""What outsiders program against is documented: the public API, the contracts, each hook."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.habits.source_tree import python_files
from tests.support.places import ROOT

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
PUBLIC = [
    path.relative_to(ROOT).as_posix() for path in python_files("core/hookspecs", "core/contracts", "core/__init__.py")
]


def undocumented(path: Path) -> Iterator[str]:
    """The public module-level functions and classes of a file that have no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not ast.get_docstring(tree):
        yield path.name
    for node in tree.body:
        if isinstance(node, Documented) and not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{path.name}:{node.lineno} {node.name}"


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_is_documented(name: str) -> None:
    assert list(undocumented(ROOT / name)) == []


@pytest.mark.parametrize("folder", ["core", "plugins"])
def test_every_module_says_what_it_is_for(folder: str) -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in python_files(folder)
        if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent
