"""What adapters send, checked; the contract of docs/messengers.md in code."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

LONGEST_TEXT, MOST_FILES = 50_000, 10


class _Shape(Schema):
    class Meta:
        unknown = EXCLUDE


class PersonShape(_Shape):
    """Who writes; ``id`` is whatever the messenger calls them, always the same."""

    id = fields.String(required=True, validate=validate.Length(1, 180))
    name = fields.String(load_default="", validate=validate.Length(max=200))
    language = fields.String(load_default="", validate=validate.Length(max=10))


class FileShape(_Shape):
    """A file, by an address to fetch it from or with its content in base64."""

    name = fields.String(required=True, validate=validate.Length(1, 300))
    content_type = fields.String(load_default="application/octet-stream", validate=validate.Length(max=100))
    url = fields.Url(load_default="", schemes={"http", "https"}, require_tld=False)
    content = fields.String(load_default="")


class MessageShape(_Shape):
    """A message; the same ``id`` again is the same message."""

    id = fields.String(required=True, validate=validate.Length(1, 60))
    sender = fields.Nested(PersonShape, required=True, data_key="from")
    text = fields.String(load_default="", validate=validate.Length(max=LONGEST_TEXT))
    files = fields.List(fields.Nested(FileShape), load_default=list, validate=validate.Length(max=MOST_FILES))
    at = fields.AwareDateTime(load_default=None)


class ReceiptShape(_Shape):
    """What became of a message of ours."""

    message_id = fields.Integer(required=True, strict=True)
    status = fields.String(required=True, validate=validate.OneOf(("delivered", "read", "failed")))
    detail = fields.String(load_default="", validate=validate.Length(max=500))


class EventShape(_Shape):
    """The body of a request."""

    type = fields.String(required=True, validate=validate.OneOf(("message", "message.edited", "left", "receipt")))
    message = fields.Nested(MessageShape)
    person = fields.Nested(PersonShape, data_key="from")
    receipt = fields.Nested(ReceiptShape)

    @validates_schema
    def whole(self, data: dict[str, Any], **_more: Any) -> None:
        """Each type has the part that it speaks of."""
        needed = {"message": "message", "message.edited": "message", "left": "person", "receipt": "receipt"}
        part = needed.get(data.get("type", ""))
        if part is not None and part not in data:
            raise ValidationError("missing", "from" if part == "person" else part)
        said = data.get("message")
        if data.get("type") == "message" and said and not said["text"].strip() and not said["files"]:
            raise ValidationError("text or files are needed", "message")
