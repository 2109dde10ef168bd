"""What one application has, and how any code within it gets at it. Stands apart from the start-up, which needs everything."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app

from core import contracts as c
from core.config import Config
from core.hooks import Hooks
from core.pluginmanager import PluginManager
from core.telephony import Backend


@dataclass(slots=True)
class Okno:
    """What one application has: settings, plugins and everything they registered."""

    config: Config
    plugins: PluginManager
    hooks: Hooks
    channels: dict[str, c.Channel] = field(default_factory=dict)
    permissions: dict[str, c.Permission] = field(default_factory=dict)
    variables: dict[str, c.Variable] = field(default_factory=dict)
    workflow_steps: dict[str, c.WorkflowStep] = field(default_factory=dict)
    search_backends: dict[str, c.SearchBackend] = field(default_factory=dict)
    telephony_backends: dict[str, Backend] = field(default_factory=dict)
    search_sources: dict[str, c.SearchSource] = field(default_factory=dict)
    customer_sources: dict[str, c.SearchSource] = field(default_factory=dict)
    person_actions: dict[str, c.PersonAction] = field(default_factory=dict)
    outbox_handlers: dict[str, c.OutboxHandler] = field(default_factory=dict)
    notices: dict[str, c.NoticeKind] = field(default_factory=dict)
    error_texts: dict[str, c.ErrorText] = field(default_factory=dict)
    assets: list[c.Asset] = field(default_factory=list)
    api: list[c.ApiOperation] = field(default_factory=list)
    schemas: list[tuple[str, c.PluginSchema]] = field(default_factory=list)


def okno() -> Okno:
    """The current application's house."""
    house: Okno = current_app.extensions["okno"]
    return house
