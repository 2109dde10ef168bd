"""Signing in and out. The cookie holds a random token; the row of its hash decides, so that ending the row ends the session."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    has_request_context,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.wrappers import Request
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from core import presence
from core.clock import now
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import SignIn, User
from core.permissions import public

blueprint = Blueprint("auth", __name__)
VISITOR_SALT = "okno-visitor-stream"
VISITOR_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class StreamIdentity:
    """Who listens to a stream, to which topics. ``sign_in_id`` lets the edge notice that the session was ended."""

    user_id: int | None
    topics: tuple[str, ...]
    sign_in_id: int | None = None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _valid_sign_in(token: str) -> SignIn | None:
    query = select(SignIn).where(
        SignIn.token_hash == _hash(token), SignIn.ended_at.is_(None), SignIn.created_at > _oldest()
    )
    return db.session.scalar(query)


def _oldest() -> datetime:
    return now() - timedelta(hours=current_app.extensions["okno"].config.get("web.session_hours"))


def current_user() -> User | None:
    """The user of this request, read once. Kept on the request, because ``g`` may outlive it."""
    if not has_request_context():
        return None
    kept = request.environ
    if "okno.user" not in kept:
        kept["okno.user"] = None
        token = session.get("token")
        found = _valid_sign_in(token) if token else None
        if found is not None:
            query = select(User).where(User.id == found.user_id, User.disabled_at.is_(None))
            kept["okno.user"] = db.session.scalar(query.options(selectinload(User.roles)))
            kept["okno.sign_in"] = found.id
    user: User | None = kept["okno.user"]
    return user


def sign_in_first() -> AnyResponse:
    """The answer to somebody who is not signed in: the sign-in page for people, 401 for programs and fragments."""
    if request.headers.get("HX-Request"):
        return Response("", 401, {"HX-Redirect": url_for("auth.sign_in")})
    if request.method != "GET" or request.accept_mimetypes.best == "application/json":
        raise Unauthorized
    return redirect(url_for("auth.sign_in", next=request.full_path if request.path != "/" else None))


class Guard:
    """Wrong passwords are limited per login and per address; a right one clears the login's count."""

    def __init__(self, app: Flask) -> None:
        config = app.extensions["okno"].config
        store: Any = storage_from_string(config.get("core.redis_url") or "memory://")
        self.limiter = FixedWindowRateLimiter(store)
        self.per_login = RateLimitItemPerMinute(config.get("web.sign_in_attempts"))
        self.per_address = RateLimitItemPerMinute(config.get("web.sign_in_attempts") * 4)

    def shut(self, login: str, address: str) -> bool:
        """Whether this login or address has used its attempts up."""
        return not (
            self.limiter.test(self.per_login, "login", login) and self.limiter.test(self.per_address, "ip", address)
        )

    def count(self, login: str, address: str) -> None:
        """Count a wrong password."""
        self.limiter.hit(self.per_login, "login", login)
        self.limiter.hit(self.per_address, "ip", address)

    def clear(self, login: str) -> None:
        """Forget the wrong ones of ``login``."""
        self.limiter.clear(self.per_login, "login", login)


def guard() -> Guard:
    """The application's guard, made at first use."""
    found: Guard = current_app.extensions.setdefault("okno_guard", None) or Guard(current_app)
    current_app.extensions["okno_guard"] = found
    return found


@blueprint.get("/sign-in")
@public
def sign_in() -> AnyResponse | str:
    """The page; a choice of language is kept for the session."""
    if request.args.get("lang") in ("ru", "en"):
        session["language"] = request.args["lang"]
    if current_user() is not None:
        return redirect(url_for("desk.shell"))
    return _page()


def _page(error: str = "", login: str = "", status: int = 200) -> Response:
    demo = okno().config.get("core.demo")
    page = render_template(
        "auth/sign_in.html", error=error, login=login, demo=demo, next=request.values.get("next", "")
    )
    return Response(page, status)


@blueprint.post("/sign-in")
@public
def enter() -> AnyResponse:
    """Check the password and open a session."""
    from core.directory import verify_password

    login = request.form.get("login", "").strip().lower()
    address = request.remote_addr or ""
    if guard().shut(login, address):
        return _page(gettext("Too many attempts. Wait a minute and try again."), login, 429)
    user = verify_password(login, request.form.get("password", ""))
    if user is None:
        guard().count(login, address)
        return _page(gettext("The login or the password is wrong."), login, 401)
    guard().clear(login)
    open_session(user)
    target = request.form.get("next", "")
    return redirect(
        target if target.startswith("/") and not target.startswith(("//", "/\\")) else url_for("desk.shell")
    )


def open_session(user: User) -> None:
    """A new token in a new session; the language chosen before is kept."""
    language = session.get("language")
    session.clear()
    session.permanent = False
    token = secrets.token_urlsafe(32)
    session["token"] = token
    if language:
        session["language"] = language
    with transaction():
        agent = (request.user_agent.string or "")[:400]
        db.session.add(SignIn(user_id=user.id, token_hash=_hash(token), ip=request.remote_addr or "", user_agent=agent))


@blueprint.post("/sign-out")
@public
def sign_out() -> AnyResponse:
    """End the session everywhere its cookie is; the agent goes offline when it was the last one."""
    user = current_user()
    if user is not None:
        end_sign_ins(SignIn.id == request.environ["okno.sign_in"], "sign_out")
        left = db.session.scalar(select(SignIn.id).where(SignIn.user_id == user.id, SignIn.ended_at.is_(None)).limit(1))
        if left is None:
            presence.sign_off(user.id)
    session.clear()
    return redirect(url_for("auth.sign_in"))


def end_sign_ins(which: Any, why: str) -> None:
    """End the sign-ins that match ``which`` (a SQL condition)."""
    with transaction():
        ending = select(SignIn.user_id).where(which, SignIn.ended_at.is_(None)).distinct()
        users = list(db.session.scalars(ending))
        statement = update(SignIn).where(which, SignIn.ended_at.is_(None)).values(ended_at=now(), ended_why=why)
        db.session.execute(statement.execution_options(synchronize_session=False))
        for user_id in users:
            events.publish(f"user:{user_id}", "session.ended", {"why": why})


# --- streams -----------------------------------------------------------------------------------------


def stream_identity(environ: dict[str, Any]) -> StreamIdentity | None:
    """Who opens ``/events``: an agent by the cookie, a visitor by a signed ``token`` in the query; None for nobody.

    Needs an application context.
    """
    asked = Request(environ)
    if token := asked.args.get("token"):
        return _visitor(token)
    opened = current_app.session_interface.open_session(current_app, asked)
    cookie = opened.get("token") if opened else None
    found = _valid_sign_in(cookie) if cookie else None
    if found is None:
        return None
    query = select(User).where(User.id == found.user_id, User.disabled_at.is_(None))
    user = db.session.scalar(query.options(selectinload(User.memberships)))
    if user is None:
        return None
    teams = tuple(f"team:{membership.team_id}" for membership in user.memberships)
    return StreamIdentity(user.id, ("desk", f"user:{user.id}", *teams), found.id)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=VISITOR_SALT)


def visitor_token(topic: str) -> str:
    """A signed token with which a visitor may listen to ``topic``, for a day."""
    return str(_serializer().dumps(topic))


def _visitor(token: str) -> StreamIdentity | None:
    try:
        topic = _serializer().loads(token, max_age=VISITOR_SECONDS)
    except BadSignature:
        return None
    return StreamIdentity(None, (str(topic),))


def ended_sign_ins(sign_in_ids: list[int]) -> set[int]:
    """Which of these sign-ins are over, for the edge's regular check; one query."""
    alive = (
        select(SignIn.id)
        .join(User)
        .where(
            SignIn.id.in_(sign_in_ids),
            SignIn.ended_at.is_(None),
            SignIn.created_at > _oldest(),
            User.disabled_at.is_(None),
        )
    )
    return set(sign_in_ids) - set(db.session.scalars(alive))
