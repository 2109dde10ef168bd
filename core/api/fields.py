"""The kinds of values in schemas of the API: stricter than marshmallow's own about types, and wrong in two languages.

JSON has numbers, truth values and texts; none stands in for another here, so that a program learns of its mistake.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from core.contracts import Text

MOST_ID = 999_999_999
REQUIRED = Text("This is required.", "Это обязательно.")
NOT_NULL = Text("This may not be null.", "Здесь не может быть null.")
NOT_TEXT = Text("This must be a string.", "Здесь должна быть строка.")
NOT_NUMBER = Text("This must be a whole number.", "Здесь должно быть целое число.")
NOT_FLAG = Text("This must be true or false.", "Здесь должно быть true или false.")
NOT_MOMENT = Text(
    "This must be a moment with its offset, like 2026-01-31T09:00:00Z.",
    "Здесь должен быть момент со смещением, например 2026-01-31T09:00:00Z.",
)
NOT_LIST = Text("This must be a list.", "Здесь должен быть список.")
NOT_OBJECT = Text("This must be an object.", "Здесь должен быть объект.")
UNKNOWN = Text("There is no such field.", "Такого поля нет.")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _wrong(en: str, ru: str) -> ValidationError:
    return ValidationError([Text(en, ru)])


class Range(validate.Range):
    """Within limits."""

    def __call__(self, value: Any) -> Any:
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            raise _wrong(f"From {self.min} to {self.max}.", f"От {self.min} до {self.max}.")
        return value


class Length(validate.Length):
    """So many characters or items."""

    def __call__(self, value: Any) -> Any:
        if self.max is not None and len(value) > self.max:
            raise _wrong(f"At most {self.max}, this has {len(value)}.", f"Не больше {self.max}, здесь {len(value)}.")
        if self.min is not None and len(value) < self.min:
            raise ValidationError([REQUIRED])
        return value


class OneOf(validate.OneOf):
    """A word of a list."""

    def __call__(self, value: Any) -> Any:
        if value not in self.choices:
            listed = ", ".join(str(choice) for choice in self.choices if choice)
            raise _wrong(f"Choose one of: {listed}.", f"Выберите одно из: {listed}.")
        return value


MESSAGES: dict[str, Any] = {"required": [REQUIRED], "null": [NOT_NULL]}


class StrictText(fields.String):
    """A JSON string and nothing else."""

    default_error_messages = {**MESSAGES, "invalid": [NOT_TEXT], "invalid_utf8": [NOT_TEXT]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return value


class StrictNumber(fields.Integer):
    """A JSON number without a fraction; in a query, its digits."""

    default_error_messages = {**MESSAGES, "invalid": [NOT_NUMBER], "too_large": [NOT_NUMBER]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and self.metadata.get("in_query") and re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class StrictFlag(fields.Boolean):
    """JSON's true and false; in a query, these words."""

    default_error_messages = {**MESSAGES, "invalid": [NOT_FLAG]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and self.metadata.get("in_query") and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Moment(fields.AwareDateTime):
    """RFC 3339 with an offset; aware UTC inside."""

    default_error_messages = {**MESSAGES, "invalid": [NOT_MOMENT], "invalid_awareness": [NOT_MOMENT]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not MOMENT.fullmatch(value):
            raise self.make_error("invalid")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class StrictList(fields.List[Any]):
    default_error_messages = {**MESSAGES, "invalid": [NOT_LIST]}


class StrictObject(fields.Dict):
    default_error_messages = {**MESSAGES, "invalid": [NOT_OBJECT]}


class StrictNested(fields.Nested):
    default_error_messages = {**MESSAGES, "type": [NOT_OBJECT]}


class Input(Schema):
    """The base of bodies and queries: unknown fields are refused."""

    error_messages: dict[str, Any] = {"unknown": [UNKNOWN], "type": [NOT_OBJECT]}

    class Meta:
        unknown = RAISE


class Query(Input):
    """The base of query parameters: each once."""

    @pre_load
    def _whole(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return dict(data)


def _options(options: dict[str, Any], help: Text | None) -> dict[str, Any]:
    return {**options, "metadata": {"description": help, **options.pop("metadata", {})}} if help else options


# --- what comes in -----------------------------------------------------------------------------------


def text(most: int, help: Text | None = None, *, least: int = 0, **options: Any) -> fields.String:
    """A text of at most ``most`` characters."""
    return StrictText(validate=Length(min=least or None, max=most), **_options(options, help))


def word(choices: Sequence[str], help: Text | None = None, **options: Any) -> fields.String:
    """One of ``choices``."""
    return StrictText(validate=OneOf(list(choices)), **_options(options, help))


def number(low: int, high: int, help: Text | None = None, **options: Any) -> fields.Integer:
    """A whole number of a range."""
    return StrictNumber(validate=Range(min=low, max=high), **_options(options, help))


def key(help: Text | None = None, **options: Any) -> fields.Integer:
    """The id of something."""
    return number(1, MOST_ID, help, **options)


def flag(help: Text | None = None, **options: Any) -> fields.Boolean:
    """True or false."""
    return StrictFlag(**_options(options, help))


def moment(help: Text | None = None, **options: Any) -> Moment:
    """A moment."""
    return Moment(**_options(options, help))


def items(inner: fields.Field[Any], most: int, help: Text | None = None, **options: Any) -> fields.List[Any]:
    """At most ``most`` of ``inner``."""
    return StrictList(inner, validate=Length(max=most), **_options(options, help))


def asked(field: Any) -> Any:
    """The same field as a query parameter, where everything is text."""
    field.metadata["in_query"] = True
    return field


# --- what goes out -----------------------------------------------------------------------------------


def out_text(help: Text | None = None, *, null: bool = False) -> fields.String:
    return fields.String(allow_none=null, required=True, **_options({}, help))


def out_number(help: Text | None = None, *, null: bool = False) -> fields.Integer:
    return fields.Integer(allow_none=null, required=True, **_options({}, help))


def out_flag(help: Text | None = None) -> fields.Boolean:
    return fields.Boolean(required=True, **_options({}, help))


def out_moment(help: Text | None = None, *, null: bool = False) -> Moment:
    return Moment(allow_none=null, required=True, **_options({}, help))


def out_object(help: Text | None = None) -> fields.Dict:
    return fields.Dict(keys=fields.String(), required=True, **_options({}, help))


def out(schema: type[Schema], help: Text | None = None, *, null: bool = False, many: bool = False) -> fields.Nested:
    return fields.Nested(schema, allow_none=null, many=many, required=True, **_options({}, help))


def out_list(inner: fields.Field[Any], help: Text | None = None) -> fields.List[Any]:
    return fields.List(inner, required=True, **_options({}, help))
