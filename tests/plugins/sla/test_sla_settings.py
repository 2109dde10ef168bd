from __future__ import annotations

from datetime import timedelta

import pytest

from core.calendars.field_reading import FieldError
from plugins.sla.priority import (
    DEFAULT_MATRIX,
    DEFAULT_POLICY,
    IMMEDIATELY,
    Measure,
    Policy,
    Priority,
    PriorityMatrix,
    Terms,
    UnknownLevel,
)

HOUR = timedelta(hours=1)


def test_the_default_targets_are_those_of_the_requirement() -> None:
    shown = {priority: target.to_dict() for priority, target in DEFAULT_POLICY.targets.items()}
    assert shown == {
        Priority.CRITICAL: {"response": "30m", "resolution": "immediately"},
        Priority.HIGH: {"response": "45m", "resolution": "1d"},
        Priority.MEDIUM: {"response": "1d", "resolution": "7d"},
        Priority.LOW: {"response": "1d", "resolution": "14d"},
    }


def test_terms_are_in_the_hours_of_the_calendar() -> None:
    terms = DEFAULT_POLICY.terms(Priority.LOW, "office", 8 * HOUR)
    assert terms == Terms(Priority.LOW, "office", 8 * HOUR, 14 * 8 * HOUR, 80)


def test_immediate_resolution_is_due_together_with_the_response() -> None:
    terms = DEFAULT_POLICY.terms(Priority.CRITICAL, "office", 8 * HOUR)
    assert terms.response == terms.resolution == timedelta(minutes=30)
    assert DEFAULT_POLICY.targets[Priority.CRITICAL].resolution is IMMEDIATELY


def test_a_policy_changes_only_what_it_names() -> None:
    policy = Policy.from_dict({"measure": "calendar", "targets": {"high": {"response": "1h", "resolution": "2h"}}})
    assert policy.measure is Measure.CALENDAR and policy.warn_percent == 80
    assert policy.terms(Priority.HIGH, "", HOUR).resolution == 2 * HOUR
    assert policy.targets[Priority.LOW] == DEFAULT_POLICY.targets[Priority.LOW]
    assert Policy.from_dict(policy.to_dict()) == policy


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"measure": "wall"}, "measure"),
        ({"warn_percent": 100}, "warn_percent"),
        ({"warn_percent": "80"}, "warn_percent"),
        ({"warn_percent": True}, "warn_percent"),
        ({"warn": 80}, "warn"),
        ({"targets": {"urgent": {}}}, "targets.urgent"),
        ({"targets": {"high": {"resolution": "1d"}}}, "targets.high.response"),
        ({"targets": {"high": {"response": "0m", "resolution": "1d"}}}, "targets.high.response"),
        ({"targets": {"high": {"response": "1m", "resolution": "0m"}}}, "targets.high.resolution"),
        ({"targets": {"high": {"response": "1m", "resolution": "1d", "x": 1}}}, "targets.high.x"),
        ({"targets": []}, "targets"),
        (7, ""),
    ],
)
def test_a_wrong_policy_is_refused_with_its_field_named(given: object, field: str) -> None:
    with pytest.raises(FieldError) as caught:
        Policy.from_dict(given)
    assert caught.value.field == field


def test_the_matrix_gives_the_priority() -> None:
    assert DEFAULT_MATRIX.impacts == ("high", "medium", "low")
    assert DEFAULT_MATRIX.scopes == ("organisation", "team", "person")
    shown = [[str(DEFAULT_MATRIX.priority(i, s)) for s in DEFAULT_MATRIX.scopes] for i in DEFAULT_MATRIX.impacts]
    assert shown == [["critical", "high", "medium"], ["high", "medium", "low"], ["medium", "low", "low"]]
    assert PriorityMatrix.from_dict(DEFAULT_MATRIX.to_dict()) == DEFAULT_MATRIX


@pytest.mark.parametrize(("impact", "scope"), [("huge", "team"), ("high", "planet")])
def test_levels_that_the_matrix_lacks_are_named(impact: str, scope: str) -> None:
    with pytest.raises(UnknownLevel, match="known: "):
        DEFAULT_MATRIX.priority(impact, scope)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "matrix"),
        ({"high": {}}, "matrix"),
        ({"high": {"all": "urgent"}}, "matrix.high.all"),
        ({"high": {"all": "high"}, "low": {"one": "low"}}, "matrix.high.one"),
        ({"high": "critical"}, "matrix.high"),
    ],
)
def test_a_matrix_with_holes_is_refused(given: object, field: str) -> None:
    with pytest.raises(FieldError) as caught:
        PriorityMatrix.from_dict(given)
    assert caught.value.field == field
