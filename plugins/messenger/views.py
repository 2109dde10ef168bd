"""Where adapters send what happened, and fetch files of our messages."""

from __future__ import annotations

import json

from flask import Blueprint, Response, jsonify, request, send_file
from marshmallow import ValidationError

from core import storage
from core.contracts import Rejected
from core.permissions import public
from core.web.security import own_proof
from plugins.messenger import links, receiving, sending
from plugins.messenger.shapes import EventShape

blueprint = Blueprint("messenger", __name__)


@blueprint.post("/<key>")
@public
@own_proof
def hook(key: str) -> Response:
    """One event, signed; 202 once it is stored, so a repeat of the same id changes nothing."""
    try:
        link = links.get(key)
    except Rejected:
        return _refused(404, "not-found", "there is no such messenger")
    body = request.get_data()
    try:
        webhook_id = links.prove(link, {name.lower(): value for name, value in request.headers.items()}, body)
    except links.Unproved as unproved:
        return _refused(401, unproved.code, str(unproved))
    if not link.active:
        return _refused(503, "switched-off", "the messenger is switched off here")
    try:
        event = json.loads(body)
        EventShape().load(event)
    except (ValueError, ValidationError, RecursionError) as error:
        fields = error.messages if isinstance(error, ValidationError) else {}
        return _refused(422, "invalid", "the body does not fit the contract", fields=fields)
    receiving.take_in(link, webhook_id, body)
    answer = jsonify(received=webhook_id)
    answer.status_code = 202
    return answer


@blueprint.get("/files/<token>")
@public
def file(token: str) -> Response:
    """A file of a message of ours, for the adapter that was given the link."""
    found = sending.attachment_of(token)
    if found is None:
        return _refused(404, "not-found", "there is no such file, or the link is too old")
    answer = send_file(
        storage.path(found.sha256), mimetype=found.content_type, as_attachment=True, download_name=found.name
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _refused(status: int, code: str, text: str, **more: object) -> Response:
    answer = jsonify(error={"code": code, "text": text, **more})
    answer.status_code = status
    return answer
