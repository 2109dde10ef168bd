"""Headers that every answer carries, and the check that an unsafe request comes from our own pages."""

from __future__ import annotations

import hmac
import secrets
import uuid
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, abort, current_app, g, request, session
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from core import faults

if TYPE_CHECKING:
    from core.house import Okno

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; worker-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(self)",
}
SAFE = ("GET", "HEAD", "OPTIONS")


def csrf_token() -> str:
    """The session's token; pages carry it in ``<meta name=csrf-token>`` and in forms as ``csrf_token``."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def check_csrf() -> None:
    """Refuse an unsafe request without the token; views marked ``okno_csrf_exempt`` prove their sender otherwise."""
    if request.method in SAFE or request.endpoint is None:
        return
    if getattr(current_app.view_functions[request.endpoint], "okno_csrf_exempt", False):
        return
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not hmac.compare_digest(sent.encode(), str(session.get("csrf", "")).encode()) or not sent:
        abort(400, "csrf")


def own_proof(view):  # type: ignore[no-untyped-def]
    """Mark a view whose callers prove themselves otherwise (a signature, a visitor's token)."""
    view.okno_csrf_exempt = True
    return view


def mount(app: Flask, house: Okno) -> None:
    """Install the checks and headers."""
    if hops := house.config.get("web.trusted_proxies"):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(begin)
    app.before_request(check_csrf)
    app.after_request(headers)
    app.teardown_request(store_faults)
    app.jinja_env.globals["csrf_token"] = csrf_token


def begin() -> None:
    """Give the request an id that its log lines carry."""
    g.request_id = uuid.uuid4().hex[:12]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def headers(response: Response) -> Response:
    """Set what the view has not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if "Cache-Control" not in response.headers and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response


def store_faults(_error: BaseException | None) -> None:
    """Bring plugin faults of this request to the data base; a full data base must not hide the answer."""
    if current_app.extensions["okno"].plugins.peek_faults():
        try:
            faults.flush()
        except SQLAlchemyError as error:
            structlog.get_logger("okno.faults").error("faults not stored", error=str(error)[:300])
