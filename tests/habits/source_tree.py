"""The repository as the habit tests see it: tracked files, and the imports of each Python file."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.places import ROOT

BINARY = {".png", ".ico", ".woff2", ".wav", ".gz", ".jpg", ".mo", ".pdf"}


@dataclass(frozen=True)
class Import:
    """One import statement, or an ``import_module("…")`` call, with the absolute name it asks for."""

    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def tracked_files() -> list[Path]:
    """Every file that git tracks or would add, that still exists."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def text_files() -> list[Path]:
    """The tracked files that hold text."""
    return [path for path in tracked_files() if path.suffix not in BINARY]


def python_files(*folders: str) -> list[Path]:
    """The Python files below the folders, or named by them."""
    places = [ROOT / folder for folder in folders]
    return [
        path
        for path in tracked_files()
        if path.suffix == ".py" and any(place == path or place in path.parents for place in places)
    ]


def imports(path: Path) -> Iterator[Import]:
    """All imports of a file wherever they stand: in functions, under TYPE_CHECKING, relative, dynamic."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            # `from plugins import kb` asks for plugins.kb.
            for alias in node.names:
                yield Import(path, node.lineno, f"{base}.{alias.name}")
        elif isinstance(node, ast.Call) and (name := _dynamic(node)):
            yield Import(path, node.lineno, name)


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _dynamic(node: ast.Call) -> str | None:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called not in {"import_module", "__import__", "import_string", "lazy_import"} or not node.args:
        return None
    first = node.args[0]
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0] if isinstance(first.values[0], ast.Constant) else first
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
