"""The agents' addresses: every module of views adds its own to the one blueprint."""

from __future__ import annotations

from plugins.chat.desk import canned_views, rule_views, views

blueprint = views.blueprint
__all__ = ["blueprint", "canned_views", "rule_views", "views"]
