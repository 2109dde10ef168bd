"""What a user chose for the desk and wants kept: the service of the status bar, the start page and the like."""

from __future__ import annotations

from core.db import db, transaction
from core.model import User

MOST = 500


def remember(user_id: int, key: str, value: str | int | bool) -> None:
    """Keep one preference of a user. Raises ValueError for a text longer than 500 characters."""
    if isinstance(value, str) and len(value) > MOST:
        raise ValueError(f"the preference {key} is too long")
    with transaction():
        user = db.session.get_one(User, user_id, populate_existing=True)
        if user.preferences.get(key) != value:
            user.preferences = {**user.preferences, key: value}
