"""OpenAPI 3.1 of this house, made from the operations and their marshmallow schemas by apispec."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from core import __version__
from core.api import idempotency
from core.api.dispatch import FILE_FIELD, FILES_MOST
from core.api.errors import MEDIA_TYPE, TITLES
from core.api.fields import MOST_ID
from core.contracts import ApiOperation, Text

VERSION = "3.1.0"
PREFIX = "/api/v1"
PATH_ID = re.compile(r"<(id|string):(\w+)>")
ABOUT = Text(
    "Everything the desk can do, for programs. Send `Authorization: Bearer <token>`; texts of errors follow "
    "`Accept-Language` (ru, en). Lists come in pages: follow `next`. A POST with an `Idempotency-Key` may be repeated.",
    "Всё, что умеет рабочее место, — для программ. Передавайте `Authorization: Bearer <токен>`; язык ошибок задаёт "
    "`Accept-Language` (ru, en). Списки выдаются страницами: следуйте `next`. POST с `Idempotency-Key` можно повторять.",
)
DONE = Text("Done", "Готово")


def name_of(schema: type[Schema] | Schema) -> str:
    """The name of a schema in the description: its class without the ending."""
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Shape")


def build(operations: Sequence[ApiOperation], language: str = "en") -> dict[str, Any]:
    """The whole description with its words in ``language``."""
    spec = APISpec(
        title="Okno",
        version=__version__,
        openapi_version=VERSION,
        plugins=[MarshmallowPlugin(schema_name_resolver=name_of)],
        info={"description": ABOUT},
        tags=_tags(operations),
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", PROBLEM)
    spec.components.response(
        "Problem",
        {
            "description": Text("An error", "Ошибка"),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    )
    for operation in operations:
        spec.path(
            PREFIX + PATH_ID.sub(r"{\2}", operation.path), operations={operation.method.lower(): _described(operation)}
        )
    described: dict[str, Any] = _in_words(spec.to_dict(), language)
    return described


PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}


def _tags(operations: Sequence[ApiOperation]) -> list[dict[str, Any]]:
    titles = {operation.resource: operation.title for operation in operations}
    return [{"name": name, "description": title} for name, title in titles.items()]


def _described(operation: ApiOperation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.resource],
        "summary": operation.summary,
        "security": [{"bearer": []}],
        "x-okno-scope": operation.scope,
        "x-okno-privilege": operation.permission,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": operation.body}}
        if operation.files:
            content["multipart/form-data"] = {"schema": _with_files(operation.body)}
        described["requestBody"] = {"required": _needs_body(operation.body), "content": content}
    return described


def _needs_body(body: type[Schema]) -> bool:
    return any(field.required for field in body().fields.values())


def _with_files(body: type[Schema]) -> dict[str, Any]:
    files = {
        "type": "array",
        "maxItems": FILES_MOST,
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
    }
    texts = {
        name: {"type": "string", "maxLength": 200_000}
        for name, field in body().fields.items()
        if type(field).__name__ == "StrictText"
    }
    return {"type": "object", "properties": {**texts, FILE_FIELD: files}}


def _parameters(operation: ApiOperation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind, name in PATH_ID.findall(operation.path):
        schema = {"type": "integer", "minimum": 1, "maximum": MOST_ID} if kind == "id" else {"type": "string"}
        found.append({"in": "path", "name": name, "required": True, "schema": schema})
    if operation.query is not None:
        found.append({"in": "query", "schema": operation.query})
    if operation.method == "POST":
        schema = {"type": "string", "pattern": f"^{idempotency.KEY.pattern}$", "minLength": 1, "maxLength": 120}
        help = Text("The same key again gives the same answer", "Тот же ключ ещё раз даёт тот же ответ")
        found.append({"in": "header", "name": idempotency.HEADER, "schema": schema, "description": help})
    if operation.etag is not None and operation.method != "GET":
        help = Text("The ETag you have seen; 412 when it has changed", "Виденный вами ETag; 412, если он изменился")
        found.append({"in": "header", "name": "If-Match", "schema": {"type": "string"}, "description": help})
    return found


def _responses(operation: ApiOperation) -> dict[str, Any]:
    responses: dict[str, Any] = {str(_success(operation)): _success_response(operation)}
    if operation.etag is not None and operation.method == "GET":
        responses["304"] = {"description": Text("Not changed", "Не изменилось")}
    statuses = [401, 403, 422, 429, 500, 503]
    if PATH_ID.search(operation.path):
        statuses.append(404)
    if operation.method != "GET":
        statuses += [404, 409]
    if operation.body is not None:
        statuses += [400, 413, 415]
    if operation.etag is not None and operation.method != "GET":
        statuses.append(412)
    for status in sorted(set(statuses)):
        problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses[str(status)] = {"description": TITLES[status], "content": problem}
    return responses


def _success(operation: ApiOperation) -> int:
    return operation.status if operation.answer is not None or operation.download else 204


def _success_response(operation: ApiOperation) -> dict[str, Any]:
    response: dict[str, Any] = {"description": DONE}
    if operation.download:
        response["content"] = {"application/octet-stream": {}}
    elif operation.answer is not None:
        response["content"] = {"application/json": {"schema": _answer_schema(operation)}}
    if operation.method == "POST":
        response["headers"] = {
            idempotency.REPLAYED: {"schema": {"type": "string", "enum": ["true"]}, "description": _REPLAYED}
        }
    return response


_REPLAYED = Text("Present when this is the answer of the first request", "Есть, если это ответ первого запроса")


def _answer_schema(operation: ApiOperation) -> Any:
    if not operation.paged and not operation.many:
        return operation.answer
    properties: dict[str, Any] = {"items": {"type": "array", "items": operation.answer}}
    if operation.paged:
        properties["next"] = {"type": ["string", "null"]}
        properties["next_cursor"] = {"type": ["string", "null"]}
    return {"type": "object", "required": list(properties), "properties": properties}


def _in_words(value: Any, language: str) -> Any:
    if isinstance(value, Text):
        return value.to(language)
    if isinstance(value, dict):
        return {name: _in_words(inner, language) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_words(inner, language) for inner in value]
    return value
