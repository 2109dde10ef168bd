"""Visitors who say something: how often they may, and whether it is a person at our own page."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from core.house import okno

EXTENSION = "okno_kb_visitors"
HONEYPOT = "website"


def _limiter() -> FixedWindowRateLimiter:
    found = current_app.extensions.get(EXTENSION)
    if found is None:
        store: Any = storage_from_string(okno().config.get("core.redis_url") or "memory://")
        found = current_app.extensions.setdefault(EXTENSION, FixedWindowRateLimiter(store))
    limiter: FixedWindowRateLimiter = found
    return limiter


def too_often() -> bool:
    """Count this request; whether its address has said enough for this minute."""
    most = RateLimitItemPerMinute(okno().config.get("kb.public_votes_per_minute"))
    return not _limiter().hit(most, "kb-visitor", request.remote_addr or "")


def is_robot() -> bool:
    """Whether the field that no person sees is filled in."""
    return bool(request.form.get(HONEYPOT, ""))


def is_foreign() -> bool:
    """Whether another site's page sent this."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") == "cross-site"
