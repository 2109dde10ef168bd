"""What setup.cfg declares and what the sources import, as names of distributions."""

from __future__ import annotations

import configparser
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.habits.source_tree import imports, python_files
from tests.support.places import ROOT

OURS = {"core", "plugins", "cli"}
# Imported through the framework that they are the other half of: declared by declaring that.
BROUGHT_BY = {
    "werkzeug": "flask",
    "jinja2": "flask",
    "markupsafe": "flask",
    "itsdangerous": "flask",
    "blinker": "flask",
    "babel": "flask-babel",
    "mako": "alembic",
    "aioice": "aiortc",
}


@cache
def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def requirements(text: str) -> set[str]:
    """The canonical names in a list of requirements, one a line."""
    lines = [line.strip() for line in text.splitlines()]
    return {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}


def core_requirements() -> set[str]:
    return requirements(setup_cfg()["options"]["install_requires"])


def extra_requirements(name: str) -> set[str]:
    """The requirements of one extra; empty when there is none of that name."""
    return requirements(setup_cfg()["options.extras_require"].get(name, ""))


def all_requirements() -> set[str]:
    """Everything that setup.cfg names, Okno itself left out."""
    extras = set().union(*(extra_requirements(name) for name in setup_cfg()["options.extras_require"]))
    return (core_requirements() | extras) - {"okno"}


def imported_distributions(*folders: str) -> dict[str, list[str]]:
    """Distribution to the places that import it, for all third-party imports below the folders."""
    known = packages_distributions()
    found: dict[str, list[str]] = {}
    for path in python_files(*folders):
        for asked in imports(path):
            top = asked.module.split(".")[0]
            if top in sys.stdlib_module_names or top in OURS or not top:
                continue
            name = canonicalize_name(known.get(top, [top])[0])
            found.setdefault(BROUGHT_BY.get(name, name), []).append(str(asked))
    return found


def table_names(path: Path) -> set[str]:
    """The names in the first column of the tables of docs/dependencies.md."""
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    names = {row.split("|")[1].strip() for row in rows}
    return {name for name in names if name not in {"package", "---"}}
