"""Record which rows of docs/features.md each test proves, and how it ended.

``--features-record=FILE`` writes ``{"tests": [{"test", "features", "outcome"}]}`` at the end of the run; outcome is
passed, failed or skipped. A mark that names a row which docs/features.md does not have stops the run.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.features import read_rows
from tests.support.places import ROOT

PROPERTY = "feature"
WORSE = {"passed": 0, "skipped": 1, "failed": 2}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--features-record", metavar="FILE", help="write what the feature marks prove to FILE")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--features-record")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FeatureRecord(Path(path)), "okno-feature-record")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = {row.id for row in read_rows(ROOT / "docs/features.md")}
    for item in items:
        features = {feature for mark in item.iter_markers("feature") for feature in mark.args}
        if unknown := sorted(features - known):
            raise pytest.UsageError(f"{item.nodeid}: docs/features.md has no row {', '.join(unknown)}")
        item.user_properties += [(PROPERTY, feature) for feature in sorted(features)]


class FeatureRecord:
    """Collects the reports of one run, of all its workers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        features = [value for name, value in report.user_properties if name == PROPERTY]
        entry = self.tests.setdefault(report.nodeid, {"test": report.nodeid, "features": features, "outcome": "passed"})
        # A test is as good as its worst phase: set-up, the call, tear-down.
        entry["outcome"] = max(str(entry["outcome"]), report.outcome, key=WORSE.__getitem__)

    def pytest_sessionfinish(self) -> None:
        marked = [entry for _, entry in sorted(self.tests.items()) if entry["features"]]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"tests": marked}, indent=1) + "\n", encoding="utf-8")
