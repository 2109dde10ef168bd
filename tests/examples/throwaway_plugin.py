"""Plugins made up for one test: a package with an entry point in a folder of its own, found like any installed one."""

from __future__ import annotations

import inspect
from pathlib import Path

from core.hookspecs import FAMILIES

INFO = """from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo("{name}", Text("{name}", "{name}"), Text("made up", "придуман"), requires={requires!r}, extra="{extra}")
"""
HEAD = "from core import hookimpl\n"


def write_plugin(folder: Path, name: str, hooks: str = "", requires: tuple[str, ...] = (), extra: str = "") -> Path:
    """Write the package ``okno_<name>`` with its metadata into ``folder`` and return that; ``hooks`` is source."""
    package, metadata = folder / f"okno_{name}", folder / f"okno_{name}-1.0.dist-info"
    for made in (package, metadata):
        made.mkdir(parents=True)
    (package / "__init__.py").write_text(INFO.format(name=name, requires=requires, extra=extra), "utf-8")
    (package / "hooks.py").write_text(HEAD + hooks, "utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: okno-{name}\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text(f"[okno.plugins]\n{name} = okno_{name}\n", "utf-8")
    return folder


def all_hooks() -> list[str]:
    """The names of all hooks, of every family."""
    return [name for family in FAMILIES for name, hook in vars(family).items() if hasattr(hook, "okno_spec")]


def raising(*, leave_out: tuple[str, ...] = ()) -> str:
    """Source of a plugin that raises in every hook."""
    lines = []
    for family in FAMILIES:
        for name, hook in vars(family).items():
            if hasattr(hook, "okno_spec") and name not in leave_out:
                arguments = ", ".join(inspect.signature(hook).parameters)
                lines.append(f"@hookimpl\ndef {name}({arguments}):\n    raise RuntimeError('broken in {name}')\n")
    return "\n".join(lines)
