"""Fixtures for all tests; each lives beside what it starts, in tests/support."""

from __future__ import annotations

import pytest

pytest_plugins = [
    "tests.support.places",
    "tests.support.feature_record",
    "tests.support.postgresql_server",
    "tests.support.redis_server",
    "tests.support.applications",
    "tests.support.okno_process",
    "tests.support.mail_sink",
    "tests.support.dovecot_server",
    "tests.support.browser",
    "tests.support.queries",
    "tests.support.webhook_receiver",
    "tests.support.bot_api_server",
    "tests.support.shift_house",
    "tests.support.voice_features_house",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow modules first: at the end of a run no worker is left alone with one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
