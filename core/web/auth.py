"""Signing in and out. The cookie holds a random token; the row of its hash decides, so that ending the row ends the session."""

from __future__ import annotations

from dataclasses import dataclass
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
from flask.blueprints import BlueprintSetupState
from flask.wrappers import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.exceptions import Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from core import leaving, presence, sessions
from core.contracts import Rejected
from core.db import db
from core.directory import verify_password
from core.house import okno
from core.model import Presence, SignIn, User
from core.permissions import public
from core.web import drawing
from core.web.browsers import browser_words
from core.web.language import here
from core.web.security import csrf_token

blueprint = Blueprint("auth", __name__)
VISITOR_SALT = "okno-visitor-stream"
VISITOR_SECONDS = 24 * 3600
TICKET_SALT = "okno-force-sign-in"
TICKET_SECONDS = 180


@blueprint.record_once
def _check_networks(state: BlueprintSetupState) -> None:
    """A network that is none stops the start, not the first person who signs in."""
    sessions.networks(tuple(state.app.extensions["okno"].config.get("web.allowed_networks")))


@dataclass(frozen=True, slots=True)
class StreamIdentity:
    """Who listens to a stream, to which topics. ``sign_in_id`` lets the edge notice that the session was ended."""

    user_id: int | None
    topics: tuple[str, ...]
    sign_in_id: int | None = None


def current_user() -> User | None:
    """The user of this request, read once. Kept on the request, because ``g`` may outlive it."""
    if not has_request_context():
        return None
    kept = request.environ
    if "okno.user" not in kept:
        kept["okno.user"] = None
        token = session.get("token")
        found = sessions.valid(token) if token and sessions.address_allowed(request.remote_addr or "") else None
        if found is not None:
            query = select(User).where(User.id == found.user_id, User.disabled_at.is_(None))
            kept["okno.user"] = db.session.scalar(query.options(selectinload(User.roles)))
            kept["okno.sign_in"] = found.id
    user: User | None = kept["okno.user"]
    return user


def sign_in_first() -> AnyResponse:
    """The answer to somebody who is not signed in: the sign-in page for people, 401 for programs and fragments.

    A page that sent for a fragment keeps what it shows and asks for the password in place (static/js/session.js).
    """
    if request.headers.get("HX-Request"):
        return Response("", 401, {"HX-Trigger": drawing.trigger(**{"okno:signed-out": {}})})
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


def _page(error: str = "", login: str = "", status: int = 200, code: str = "") -> Response:
    page = render_template(
        "auth/sign_in.html",
        error=error,
        code=code,
        login=login,
        demo=okno().config.get("core.demo"),
        next=request.values.get("next", ""),
    )
    return Response(page, status)


@blueprint.post("/sign-in")
@public
def enter() -> AnyResponse:
    """Check the password, or the ticket of somebody whose password has just been checked, and open a session."""
    login = request.form.get("login", "").strip().lower()
    try:
        user = _of_ticket(request.form["ticket"]) if "ticket" in request.form else checked_user(login)
        open_session(user, force="ticket" in request.form)
    except Rejected as refusal:
        if refusal.code == "signed-in-elsewhere":
            return _elsewhere(user)
        status = {"address-not-allowed": 403, "too-many-attempts": 429}.get(refusal.code, 401)
        return _page(refusal.text.to(here()), login, status, refusal.code)
    return redirect(_target(user))


def checked_user(login: str) -> User:
    """The user of ``login`` whose password the form holds.

    Raises ``Rejected``: ``address-not-allowed``, ``too-many-attempts``, ``wrong-password``.
    """
    address = request.remote_addr or ""
    if not sessions.address_allowed(address):
        raise sessions.refusal_of(address)
    if guard().shut(login, address):
        raise Rejected(sessions.TOO_MANY, "too-many-attempts")
    user = verify_password(login, request.form.get("password", ""))
    if user is None:
        guard().count(login, address)
        raise Rejected(sessions.WRONG, "wrong-password")
    guard().clear(login)
    return user


def _elsewhere(user: User) -> Response:
    """Ask whether the other browser shall be signed out."""
    own = _own_sign_in()
    page = render_template(
        "auth/elsewhere.html",
        others=sessions.open_ones(user.id, besides=own.id if own else None),
        browser_words=browser_words,
        presence=db.session.get(Presence, user.id),
        user=user,
        ticket=_tickets().dumps([user.id, csrf_token()]),
        next=request.form.get("next", ""),
    )
    return Response(page, 409)


def _tickets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=TICKET_SALT)


def _of_ticket(ticket: str) -> User:
    """Whose password this browser has given a moment ago; of no use in another browser."""
    try:
        user_id, proof = _tickets().loads(ticket, max_age=TICKET_SECONDS)
    except BadSignature:
        raise Rejected(sessions.STALE, "ticket-stale") from None
    user = db.session.get(User, user_id)
    if user is None or user.disabled_at is not None or proof != csrf_token():
        raise Rejected(sessions.STALE, "ticket-stale")
    return user


def _target(user: User) -> str:
    """Where to go after signing in: back, else to the user's or the team's start page; never out of the house."""
    start = str(user.preferences.get("start_url") or presence.rules_of(user.id).start_url)
    for target in (request.form.get("next", ""), start):
        if target.startswith("/") and not target.startswith(("//", "/\\")):
            return target
    return url_for("desk.shell")


def _own_sign_in() -> SignIn | None:
    token = session.get("token")
    return sessions.valid(token) if token else None


def open_session(user: User, *, force: bool = True) -> None:
    """A new token in a new session; the language chosen before is kept, and so are the forms of the user's open pages.

    Raises ``Rejected`` (``signed-in-elsewhere``) unless ``force`` may end the session of another browser.
    """
    had = sessions.known(session["token"]) if "token" in session else None
    token, sign_in_id = sessions.open_session(
        user.id,
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string or "",
        force=force,
        replaces=had.id if had else None,
    )
    same = had is not None and had.user_id == user.id
    kept = {name: session[name] for name in ("language", *(["csrf"] if same else [])) if session.get(name)}
    session.clear()
    session.permanent = False
    session.update(token=token, **kept)
    request.environ.update({"okno.user": user, "okno.sign_in": sign_in_id})


@blueprint.post("/sign-out")
@public
def sign_out() -> AnyResponse:
    """End the session everywhere its cookie is; refused while a call or chat is active."""
    user = current_user()
    if user is not None:
        leaving.sign_out(user.id, request.environ["okno.sign_in"])
    session.clear()
    return redirect(url_for("auth.sign_in"))


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
    found = sessions.valid(cookie) if cookie and sessions.address_allowed(_address(environ)) else None
    if found is None:
        return None
    query = select(User).where(User.id == found.user_id, User.disabled_at.is_(None))
    user = db.session.scalar(query.options(selectinload(User.memberships)))
    if user is None:
        return None
    teams = tuple(f"team:{membership.team_id}" for membership in user.memberships)
    return StreamIdentity(user.id, ("desk", f"user:{user.id}", *teams), found.id)


def _address(environ: dict[str, Any]) -> str:
    """Who asks, seen through the proxies in front, which Flask is told of by itself."""
    hops = okno().config.get("web.trusted_proxies")
    seen: list[dict[str, Any]] = []

    def note(fixed: dict[str, Any], _start: object) -> list[bytes]:
        seen.append(fixed)
        return []

    ProxyFix(note, x_for=hops)(dict(environ), lambda *_: lambda _data: None)
    return str(seen[0].get("REMOTE_ADDR", ""))


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
            SignIn.created_at > sessions.oldest(),
            User.disabled_at.is_(None),
        )
    )
    return set(sign_in_ids) - set(db.session.scalars(alive))
