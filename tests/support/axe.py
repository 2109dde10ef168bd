"""axe-core on a page: what it says about accessibility (WCAG 2.0 to 2.2, levels A and AA, and its best practices)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from playwright.sync_api import Page

from tests.support.places import ROOT

SCRIPT = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN = "() => axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"


@lru_cache
def _axe() -> str:
    assert SCRIPT.is_file(), "axe-core is not installed: run `npm ci`"
    return SCRIPT.read_text("utf-8")


def violations(page: Page) -> list[str]:
    """One line a violation: rule, help, the elements' selectors. The script is injected past the page's own policy."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [f"{one['id']}: {one['help']}: {_places(one['nodes'])}" for one in found]


def _places(nodes: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{node['target'][-1]} ({' '.join(node.get('failureSummary', '').split())[:160]})" for node in nodes[:4]
    )
