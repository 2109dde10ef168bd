"""What ``okno doctor`` says about the bots."""

from __future__ import annotations

from core.contracts import HealthCheck
from plugins.telegram import bots


def checks() -> list[HealthCheck]:
    """A line for each bot."""
    return [_check(bot.username, bot.active, bot.error) for bot in bots.listed()]


def _check(username: str, active: bool, error: str) -> HealthCheck:
    name = f"telegram: @{username}"
    if not active:
        return HealthCheck(name, True, "switched off")
    if error:
        return HealthCheck(name, False, error, "check the token, telegram.api_base, telegram.mode and web.base_url")
    if not bots.services_of(username):
        return HealthCheck(name, False, "leads to no service", f"okno services entry add <service> telegram {username}")
    return HealthCheck(name, True, "is listened to")
