"""Passwords: what one must be like, and its Argon2id hash."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.contracts import Text
from core.schemas import Invalid

SHORTEST, LONGEST = 8, 200
_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """The Argon2id hash of any password; :func:`checked_hash` looks at it first."""
    return _hasher.hash(password)


def checked_hash(login: str, password: str) -> str:
    """The hash of a password that ``login`` may have. Raises :class:`core.schemas.Invalid` for the field ``password``."""
    if not SHORTEST <= len(password) <= LONGEST:
        text = Text(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            f"В пароле должно быть от {SHORTEST} до {LONGEST} знаков.",
        )
        raise Invalid({"password": text}, "password")
    if password.casefold() == login:
        text = Text("The password must differ from the login.", "Пароль не должен совпадать с логином.")
        raise Invalid({"password": text}, "password")
    return hashed(password)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return hashed("nobody has this password")


def fits(known: str, password: str) -> bool:
    """Whether ``password`` made the hash ``known``. No hash ("") takes as long as a wrong password, and never fits."""
    try:
        _hasher.verify(known or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(known)


def is_outdated(known: str) -> bool:
    """Whether the hash was made with older parameters and should be renewed."""
    return _hasher.check_needs_rehash(known)
