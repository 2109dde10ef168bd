"""How often one address may ask: limits far above what people do, so that offices behind one address are spared."""

from __future__ import annotations

from typing import Any

from flask import current_app
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from core.contracts import Rejected, Text
from core.house import okno

TOO_OFTEN = Text(
    "Too many requests from your network. Wait a minute and try again.",
    "Слишком много запросов из вашей сети. Подождите минуту и повторите.",
)


def check(kind: str, who: str, most: int) -> None:
    """Count one request of a ``kind`` by ``who``. Raises ``Rejected`` (``too-often``) above ``most`` a minute; 0 is no limit."""
    if most and not _limiter().hit(RateLimitItemPerMinute(most), kind, who):
        raise Rejected(TOO_OFTEN, "too-often")


def _limiter() -> FixedWindowRateLimiter:
    found: FixedWindowRateLimiter | None = current_app.extensions.get("okno_chat_rates")
    if found is None:
        store: Any = storage_from_string(okno().config.get("core.redis_url") or "memory://")
        found = current_app.extensions["okno_chat_rates"] = FixedWindowRateLimiter(store)
    return found
