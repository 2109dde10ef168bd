"""Print each row of docs/features.md with the tests that prove it and how they ended in the last full run.

Rows that docs/features.done lists must have a passing test and no failing one; otherwise the exit code is 1. A test
names its rows with ``@pytest.mark.feature("E-07")``; tests/support/feature_record.py writes the record read here.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (?P<id>[A-Z]-\d\d) \| (?P<text>.+) \|$")
HEADING = re.compile(r"^## (?P<title>.+)$")


@dataclass(frozen=True)
class Row:
    """One capability of docs/features.md."""

    id: str
    text: str
    section: str


@dataclass(frozen=True)
class Proof:
    """One test that names rows. ``outcome`` is passed, failed or skipped."""

    test: str
    features: tuple[str, ...]
    outcome: str


def read_rows(path: Path) -> list[Row]:
    """The rows in the order of the file. Raises ValueError when an id stands twice."""
    rows: dict[str, Row] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := HEADING.match(line):
            section = heading["title"]
        elif found := ROW.match(line):
            if found["id"] in rows:
                raise ValueError(f"{path.name}: {found['id']} stands twice")
            rows[found["id"]] = Row(found["id"], found["text"], section)
    return list(rows.values())


def read_done(path: Path) -> list[str]:
    """The ids that features.done lists; ``#`` starts a comment."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def read_proofs(path: Path) -> list[Proof]:
    """The tests of a record file."""
    tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
    return [Proof(entry["test"], tuple(entry["features"]), entry["outcome"]) for entry in tests]


def judge(proofs: list[Proof]) -> str:
    """What the tests of a row say together: ``failing``, ``proved``, ``skipped`` or ``no test``."""
    outcomes = {proof.outcome for proof in proofs}
    if "failed" in outcomes:
        return "failing"
    if "passed" in outcomes:
        return "proved"
    return "skipped" if outcomes else "no test"


def unkept(done: list[str], rows: list[Row], proofs: list[Proof]) -> list[str]:
    """One sentence for each promise of features.done that is not kept."""
    known = {row.id for row in rows}
    problems = [f"{id} is listed as done, but docs/features.md has no such row" for id in done if id not in known]
    for id in (id for id in done if id in known):
        verdict = judge([proof for proof in proofs if id in proof.features])
        if verdict != "proved":
            problems.append(
                f"{id} is listed as done, but has {verdict if verdict == 'no test' else f'a {verdict} test'}"
            )
    return problems


def show(rows: list[Row], proofs: list[Proof], done: list[str], *, all_rows: bool) -> str:
    """The table as text: a line for each row, below it its tests."""
    lines: list[str] = []
    section = ""
    for row in rows:
        mine = [proof for proof in proofs if row.id in proof.features]
        if not (mine or all_rows or row.id in done):
            continue
        if row.section != section:
            section = row.section
            lines += ["", section]
        text = row.text if len(row.text) <= 88 else row.text[:87].rstrip() + "…"
        lines.append(f"  {row.id} {'*' if row.id in done else ' '} {judge(mine):8} {text}")
        lines += [f"{'':18}{proof.outcome:8} {proof.test}" for proof in mine]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line: ``python scripts/features.py --record FILE [--all]``."""
    parser = argparse.ArgumentParser(description="Which rows of docs/features.md have passing tests.")
    parser.add_argument("--record", type=Path, default=ROOT / "test-results/features.json")
    parser.add_argument("--rows", type=Path, default=ROOT / "docs/features.md")
    parser.add_argument("--done", type=Path, default=ROOT / "docs/features.done")
    parser.add_argument("--all", action="store_true", help="show rows without a test too")
    options = parser.parse_args(arguments)
    if not options.record.is_file():
        print(f"features: no record at {options.record}; run `make test` first", file=sys.stderr)
        return 2
    rows, done, proofs = read_rows(options.rows), read_done(options.done), read_proofs(options.record)
    print(show(rows, proofs, done, all_rows=options.all))
    proved = sum(judge([proof for proof in proofs if row.id in proof.features]) == "proved" for row in rows)
    problems = unkept(done, rows, proofs)
    print(f"\n{proved} of {len(rows)} rows have passing tests; {len(done)} are listed as done (*).")
    for problem in problems:
        print(f"features: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
