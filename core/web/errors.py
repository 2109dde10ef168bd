"""One error shape: pages for people, ``{"error": {"code", "text"}}`` for programs, a toast for htmx; under ``/api/v1`` RFC 9457."""

from __future__ import annotations

import json

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from core import error_texts
from core.api import errors as api_errors
from core.contracts import Rejected
from core.db import db
from core.web.language import here

log = structlog.get_logger("okno.web")


def mount(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(Rejected, rejected)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(OperationalError, busy)
    app.register_error_handler(Exception, crashed)
    app.register_error_handler(api_errors.Problem, problem)
    app.register_error_handler(ValidationError, invalid)


def in_api() -> bool:
    """Whether the REST API was called."""
    return request.path.startswith("/api/v1/")


def problem(error: Exception) -> Response:
    """An error of the REST API in its own shape."""
    db.session.rollback()
    return api_errors.answer(api_errors.of(error))


def invalid(error: ValidationError) -> Response:
    """A schema refused what a program sent; anywhere else that is a bug."""
    return problem(error) if in_api() else crashed(error)


def wants_json() -> bool:
    """Whether the caller is a program."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json" or request.is_json


def answer(status: int, code: str, text: str) -> Response:
    """The same error for whoever asked, with what to do about it where the catalogue knows."""
    about = error_texts.of(code)
    remedy = about.remedy.to(here()) if about else ""
    if request.headers.get("HX-Request"):
        response = make_response("", status)
        response.headers["HX-Trigger"] = json.dumps(
            {"toast": {"level": "error", "text": text, "code": code, "help": remedy}}
        )
        return response
    if wants_json():
        response = jsonify(error={"code": code, "text": text, "remedy": remedy})
        response.status_code = status
        return response
    page = render_template(
        "errors/error.html", status=status, code=code, text=text, about=about, request_id=g.get("request_id", "")
    )
    return make_response(page, status)


def rejected(refusal: Rejected) -> Response:
    """An operation said no, with a reason for the person."""
    db.session.rollback()
    if in_api():
        return problem(refusal)
    return answer(422, refusal.code, refusal.text.to(here()))


def http_error(error: HTTPException) -> Response | HTTPException:
    """What Flask and views abort with."""
    if in_api():
        return problem(error)
    texts = {
        400: gettext("The request is not valid. Reload the page and try again."),
        401: gettext("Please sign in."),
        403: gettext("You have no right to do this."),
        404: gettext("There is nothing here."),
        405: gettext("This cannot be done here."),
        413: gettext("This is too large."),
        429: gettext("Too many attempts. Wait a minute and try again."),
    }
    if error.code is None or error.code < 400:
        return error
    return answer(error.code, f"http-{error.code}", texts.get(error.code, error.name))


def busy(error: OperationalError) -> Response:
    """The data base is locked, full or away: nothing was changed, and the person may try again."""
    db.session.rollback()
    log.error("data base trouble", error=str(error)[:500])
    if in_api():
        return api_errors.answer(api_errors.busy())
    text = gettext("The data base does not answer. Nothing was changed; try again in a moment.")
    response = answer(503, "database-busy", text)
    response.headers["Retry-After"] = "3"
    return response


def crashed(error: Exception) -> Response:
    """A bug: logged whole, told with the id to find it by."""
    db.session.rollback()
    log.error("request failed", path=request.path, exc_info=error)
    if in_api():
        return problem(error)
    text = gettext(
        "Something broke on our side. Nothing was lost; tell the administrator the number %(id)s.",
        id=g.get("request_id", "?"),
    )
    return answer(500, "internal", text)
