"""Sign-ins: who is signed in where. The only code that opens and ends them; ending a row ends the session and its stream."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import select, update

from core.clock import now
from core.config import ConfigError
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import SignIn, User

WRONG = Text("The login or the password is wrong.", "Неверный логин или пароль.")
TOO_MANY = Text(
    "Too many attempts. Wait a minute and try again.", "Слишком много попыток. Подождите минуту и попробуйте снова."
)
STALE = Text("That took too long. Sign in again.", "Прошло слишком много времени. Войдите ещё раз.")
# A page says good-bye at most this long before its stream is last seen alive: seconds.
GOODBYE_SECONDS = 6.0


def hash_of(token: str) -> str:
    """What the data base keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def oldest() -> datetime:
    """Sign-ins before this moment are over."""
    return now() - timedelta(hours=okno().config.get("web.session_hours"))


def valid(token: str) -> SignIn | None:
    """The open sign-in of a token."""
    query = select(SignIn).where(
        SignIn.token_hash == hash_of(token), SignIn.ended_at.is_(None), SignIn.created_at > oldest()
    )
    return db.session.scalar(query)


def known(token: str) -> SignIn | None:
    """The sign-in of a token, open or over."""
    return db.session.scalar(select(SignIn).where(SignIn.token_hash == hash_of(token)))


def open_ones(user_id: int, besides: int | None = None) -> list[SignIn]:
    """Where the user is signed in now, newest first, except in the sign-in ``besides``."""
    query = select(SignIn).where(
        SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.created_at > oldest(), SignIn.id != (besides or 0)
    )
    return list(db.session.scalars(query.order_by(SignIn.id.desc())))


def open_session(
    user_id: int, *, ip: str, user_agent: str, force: bool = False, replaces: int | None = None
) -> tuple[str, int]:
    """A new sign-in; returns its token and id.

    ``replaces`` is the sign-in that this browser has had. Raises ``Rejected`` (``signed-in-elsewhere``) while another
    browser is signed in, unless ``force`` ends that one.
    """
    token = secrets.token_urlsafe(32)
    with transaction():
        # Two browsers at once: the second waits here and then sees the first.
        db.session.execute(select(User.id).where(User.id == user_id).with_for_update())
        if not force and open_ones(user_id, besides=replaces):
            raise Rejected(
                Text("You are signed in in another browser", "Вы уже вошли в другом браузере"), "signed-in-elsewhere"
            )
        end(SignIn.id == (replaces or 0), "again")
        end(SignIn.user_id == user_id, "elsewhere")
        row = SignIn(user_id=user_id, token_hash=hash_of(token), ip=ip, user_agent=user_agent[:400])
        db.session.add(row)
        db.session.flush()
        return token, row.id


def end(which: Any, why: str) -> list[int]:
    """End the open sign-ins that match ``which`` (a SQL condition) and tell their pages; returns whose they were."""
    with transaction():
        rows = db.session.execute(select(SignIn.id, SignIn.user_id).where(which, SignIn.ended_at.is_(None))).all()
        if not rows:
            return []
        ids = [row.id for row in rows]
        statement = update(SignIn).where(SignIn.id.in_(ids), SignIn.ended_at.is_(None))
        db.session.execute(statement.values(ended_at=now(), ended_why=why).execution_options(synchronize_session=False))
        users = sorted({row.user_id for row in rows})
        for user_id in users:
            mine = [row.id for row in rows if row.user_id == user_id]
            events.publish(f"user:{user_id}", "session.ended", {"why": why, "sign_in_ids": mine})
        return users


def end_of_user(user_id: int, why: str) -> None:
    """End all of a user's sign-ins."""
    end(SignIn.user_id == user_id, why)


def say_goodbye(sign_in_id: int) -> None:
    """The page of this sign-in is being closed, or only loaded again: a hint, see :func:`end_left`."""
    _left(sign_in_id, now())


def take_goodbye_back(sign_in_id: int) -> None:
    """Somebody is still there."""
    _left(sign_in_id, None)


def _left(sign_in_id: int, moment: datetime | None) -> None:
    with transaction():
        statement = update(SignIn).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None)).values(left_at=moment)
        db.session.execute(statement.execution_options(synchronize_session=False))


def end_left(user_id: int, seen_at: datetime) -> bool:
    """End the sign-ins whose page said good-bye when it was last seen; True when there was one. Needs a transaction.

    A page that was lost without a word (a network that failed) may come back into its session.
    """
    said = seen_at - timedelta(seconds=GOODBYE_SECONDS)
    return bool(end((SignIn.user_id == user_id) & (SignIn.left_at > said), "tab_closed"))


def signed_in_since(user_id: int, moment: datetime) -> bool:
    """Whether the user signed in (anew) after ``moment``."""
    query = select(SignIn.id).where(SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.created_at > moment)
    return db.session.scalar(query.limit(1)) is not None


# --- networks ----------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def networks(listed: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks of ``web.allowed_networks``. Raises ``ConfigError`` for one that is none."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in listed)
    except ValueError as error:
        raise ConfigError(f"'web.allowed_networks': {error}; write 192.0.2.0/24 or 2001:db8::/32") from error


def address_allowed(address: str) -> bool:
    """Whether somebody at this address may sign in and work."""
    allowed = networks(tuple(okno().config.get("web.allowed_networks")))
    if not allowed:
        return True
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(place, "ipv4_mapped", None)
    return any(place in network or (mapped is not None and mapped in network) for network in allowed)


def refusal_of(address: str) -> Rejected:
    """What to tell somebody at an address that is not allowed."""
    return Rejected(
        Text(
            f"Signing in from the address {address} is not allowed. Work from the office network or the VPN, "
            "or ask the administrator to allow your address.",
            f"Входить с адреса {address} запрещено. Подключитесь к рабочей сети или VPN либо попросите администратора "
            "разрешить ваш адрес.",
        ),
        "address-not-allowed",
    )
