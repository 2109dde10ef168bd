"""Without the plugin nothing of it is left: no tables, no routes, no badges, and cases live on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import inspect


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": []}


def test_a_disabled_plugin_leaves_nothing(app: Any, db: Any, open_case: Any) -> None:
    from core.contracts import DeskContext
    from core.house import okno

    case_id = open_case("high")
    assert not [name for name in inspect(db.engine).get_table_names() if name.startswith("sla_")]
    assert not [rule for rule in app.url_map.iter_rules() if "/sla" in rule.rule]
    assert okno().hooks.case_badges([case_id], "ru") == {case_id: []}
    assert "sla" not in {panel.key for panel in okno().hooks.panels(DeskContext(1, "ru", case_id))}
    assert "sla.manage" not in okno().permissions
