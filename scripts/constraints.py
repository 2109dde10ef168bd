"""Write constraints.txt: the exact version of each package that Okno with all extras needs, as installed now.

`make run` installs with these constraints, so that two machines get the same versions; setup.cfg keeps the lower
bounds. Neither addresses nor hashes are written: any package index serves.
"""

from __future__ import annotations

import configparser
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make constraints`: what the tests passed with. setup.cfg holds the lower bounds.\n"


def declared(setup_cfg: Path) -> list[Requirement]:
    """Every requirement that setup.cfg names, extras included, Okno's own extras left out."""
    parser = configparser.ConfigParser()
    parser.read(setup_cfg, encoding="utf-8")
    lines = parser["options"]["install_requires"].splitlines()
    lines += [line for extra in parser["options.extras_require"].values() for line in extra.splitlines()]
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return [requirement for requirement in requirements if canonicalize_name(requirement.name) != "okno"]


def closure(requirements: list[Requirement]) -> tuple[dict[str, str], list[str]]:
    """Name to version of all that the requirements bring along, and the names that are not installed."""
    versions: dict[str, str] = {}
    absent: list[str] = []
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement.name, extra) for requirement in requirements for extra in ("", *requirement.extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            absent.append(name)
            continue
        versions[installed.metadata["Name"]] = installed.version
        for line in installed.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed.name, wanted) for wanted in ("", *needed.extras)]
    return versions, sorted(set(absent))


def main() -> int:
    """The command line: no arguments; fails when something declared is not installed."""
    versions, absent = closure(declared(ROOT / "setup.cfg"))
    if absent:
        print(f"constraints: not installed: {', '.join(absent)}; run pip install -e '.[all,test,dev]'", file=sys.stderr)
        return 1
    lines = [f"{name}=={versions[name]}\n" for name in sorted(versions, key=canonicalize_name)]
    (ROOT / "constraints.txt").write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"constraints: {len(lines)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
