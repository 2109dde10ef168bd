from __future__ import annotations

import re
import tomllib
from pathlib import Path

import plugins.sla
from core.calendars.opening_hours import Calendar
from plugins.sla.priority import DEFAULT_MATRIX, DEFAULT_POLICY, Policy, PriorityMatrix


def test_the_settings_in_the_readme_are_read_and_its_defaults_are_the_defaults() -> None:
    text = (Path(plugins.sla.__file__).parent / "README.md").read_text("utf-8")
    calendar, policy, matrix = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL))
    assert Calendar.from_dict(calendar).zone.key == "Europe/Moscow"
    assert Policy.from_dict(policy) == DEFAULT_POLICY
    assert PriorityMatrix.from_dict(matrix) == DEFAULT_MATRIX
