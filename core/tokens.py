"""Keys to the API: made, shown once, kept as a hash, limited by scopes, ended. The only code that changes them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import contains_eager, joinedload

from core import audit
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import ApiToken, User
from core.permissions import granted
from core.schemas import Invalid

PERSONAL, SERVICE = "okno_pat_", "okno_svc_"
SHOWN = 12
USED_EVERY = timedelta(minutes=1)
NAME_MOST = 120
_VALID = (
    select(ApiToken)
    .join(ApiToken.user)
    .where(
        ApiToken.token_hash == bindparam("hash"),
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now")),
        User.disabled_at.is_(None),
    )
    .options(contains_eager(ApiToken.user).joinedload(User.roles))
)


def scopes(user: User | None = None) -> dict[str, Text]:
    """Every scope of this house with its title, or those that are of any use to ``user``."""
    actions = {
        "read": Text("read", "чтение"),
        "write": Text("change", "изменение"),
        "admin": Text("manage", "управление"),
    }
    found: dict[str, Text] = {}
    rights = granted(user) if user is not None else None
    for operation in okno().api:
        if rights is not None and operation.permission not in rights:
            continue
        action = actions[operation.scope.partition(":")[2]]
        title = operation.title
        found.setdefault(operation.scope, Text(f"{title.en}: {action.en}", f"{title.ru}: {action.ru}"))
    return dict(sorted(found.items()))


def hashed(secret: str) -> str:
    """What is kept of a token: 32 random bytes need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create(
    user_id: int, name: str, wanted: Iterable[str], *, service: bool = False, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token of a user; the second value is the secret, which is told once and kept nowhere.

    Raises :class:`Invalid` for a blank name, unknown scopes or an end in the past, ``Rejected`` (``not-found``) for a user
    who is not there or disabled.
    """
    chosen = sorted(set(wanted))
    errors: dict[str, Text] = {}
    name = name.strip()
    if not 0 < len(name) <= NAME_MOST:
        errors["name"] = Text(f"From 1 to {NAME_MOST} characters.", f"От 1 до {NAME_MOST} знаков.")
    unknown = [scope for scope in chosen if scope not in scopes()]
    if unknown or not chosen:
        listed = ", ".join(scopes())
        errors["scopes"] = Text(f"Choose some of: {listed}.", f"Выберите из списка: {listed}.")
    if expires_at is not None and expires_at <= now():
        errors["expires_at"] = Text("This has passed already.", "Этот момент уже прошёл.")
    if errors:
        raise Invalid(errors)
    secret = (SERVICE if service else PERSONAL) + secrets.token_urlsafe(32)
    with transaction():
        user = db.session.get(User, user_id)
        if user is None or user.disabled_at is not None:
            raise Rejected(Text("There is no such user.", "Такого пользователя нет."), "not-found")
        token = ApiToken(
            user_id=user_id,
            name=name,
            service=service,
            prefix=secret[:SHOWN],
            token_hash=hashed(secret),
            scopes=chosen,
            expires_at=expires_at,
        )
        db.session.add(token)
        db.session.flush()
        audit.record(
            "token.add",
            "token",
            token.id,
            after={"name": name, "user": user.login, "scopes": chosen, "service": service},
        )
    return token, secret


def may_act_for(maker: User, user: User) -> bool:
    """Whether ``maker`` may make a token that acts as ``user``: nobody becomes more than they are."""
    return granted(user) <= granted(maker)


def listed(user_id: int | None = None, *, ended: bool = False) -> list[ApiToken]:
    """Tokens of a user (None: all), newest first, with their users; without revoked ones unless ``ended``."""
    query = select(ApiToken).options(joinedload(ApiToken.user)).order_by(ApiToken.id.desc())
    if user_id is not None:
        query = query.where(ApiToken.user_id == user_id)
    if not ended:
        query = query.where(ApiToken.revoked_at.is_(None))
    return list(db.session.scalars(query))


def revoke(token_id: int, user_id: int | None = None) -> None:
    """End a token at once; of ``user_id`` only, when given. Raises ``Rejected`` (``not-found``)."""
    with transaction():
        mine = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
        if user_id is not None:
            mine = mine.where(ApiToken.user_id == user_id)
        done = db.session.execute(mine.values(revoked_at=now()).execution_options(synchronize_session=False))
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise Rejected(Text("There is no such token.", "Такого токена нет."), "not-found")
        audit.record("token.revoke", "token", token_id)


def find(secret: str) -> ApiToken | None:
    """The token that is valid now, with its enabled user and the user's roles; one query."""
    if not secret.startswith((PERSONAL, SERVICE)):
        return None
    return db.session.scalars(_VALID, {"hash": hashed(secret), "now": now()}).unique().first()


def note_use(token_id: int, used_at: datetime | None) -> None:
    """Remember that the token is in use, at most once a minute."""
    moment = now()
    if used_at is not None and used_at > moment - USED_EVERY:
        return
    with transaction():
        stale = or_(ApiToken.used_at.is_(None), ApiToken.used_at <= moment - USED_EVERY)
        statement = update(ApiToken).where(ApiToken.id == token_id, stale).values(used_at=moment)
        db.session.execute(statement.execution_options(synchronize_session=False))
