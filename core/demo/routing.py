"""The demo centre's routing: hours, skills, capacities, overflow, addressees of pings, and the help screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import exchange, help_documents, skills, team_rules
from core.db import transaction
from core.model import User


def load(plan: Mapping[str, Any], people: Mapping[str, User]) -> None:
    """Carry out ``routing.yml`` by the operations that administrators use."""
    with transaction():
        exchange.load(plan["config"])
        skills.set_levels({people[login].id: levels for login, levels in plan["levels"].items()})
        for login, capacity in plan["capacity"].items():
            team_rules.set_user_capacity(people[login].id, capacity)
        for position, document in enumerate(plan["help"]):
            help_documents.save(None, {**document, "position": position})
