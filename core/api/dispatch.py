"""The way of every request: who, what, once, do, answer. Operations themselves only call and return."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import Schema

from core.api import auth, idempotency
from core.api.errors import Problem, invalid
from core.api.paging import Page
from core.contracts import ApiOperation, FileIn, Text
from core.house import okno
from core.schemas import UNSTORABLE

FILE_FIELD = "files"
FILES_MOST = 20


def view_of(operation: ApiOperation) -> Callable[..., Response]:
    """The Flask view of an operation."""

    def view(**path: Any) -> Response:
        caller = auth.authenticate(operation)
        values = {**path, **_given(operation)}
        return idempotency.once(operation, caller.token_id, lambda: _answer(operation, operation.call(**values)))

    view.__name__ = operation.name
    view.__doc__ = operation.call.__doc__
    view.okno_permission = operation.permission  # type: ignore[attr-defined]
    # No cookie counts here, so there is nothing that another site could use.
    view.okno_csrf_exempt = True  # type: ignore[attr-defined]
    return view


# --- what comes in -----------------------------------------------------------------------------------


def _given(operation: ApiOperation) -> dict[str, Any]:
    given: dict[str, Any] = {}
    query = _query(operation)
    if operation.query is not None:
        given["query"] = query
    if operation.body is not None:
        given["body"], files = _body(operation)
        if operation.files:
            given["files"] = files
    return given


def _query(operation: ApiOperation) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise invalid({name: Text("Give this once.", "Укажите это один раз.")})
        plain[name] = values[0]
    _refuse_odd_texts(plain)
    if operation.query is None:
        if plain:
            raise invalid({name: Text("There is no such parameter.", "Такого параметра нет.") for name in plain})
        return {}
    loaded: dict[str, Any] = _made(operation.query).load(plain)
    return loaded


def _body(operation: ApiOperation) -> tuple[dict[str, Any], tuple[FileIn, ...]]:
    assert operation.body is not None
    if operation.files and request.mimetype == "multipart/form-data":
        return _load(_made(operation.body), _form()), _files()
    return _load(_made(operation.body), _json()), ()


@cache
def _made(schema: type[Schema]) -> Schema:
    # Making one copies all its fields; it keeps nothing of what it reads and writes.
    return schema()


def _load(schema: Schema, plain: Any) -> dict[str, Any]:
    _refuse_odd_texts(plain)
    loaded: dict[str, Any] = schema.load(plain)
    return loaded


def _json() -> Any:
    raw = request.get_data(cache=True)
    if not raw and not request.mimetype:
        return {}
    if request.mimetype != "application/json":
        raise Problem(415, "content-type", Text("Send application/json.", "Передайте application/json."))
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "json-invalid", Text("The body is not JSON.", "Тело запроса не является JSON.")) from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _form() -> dict[str, str]:
    plain: dict[str, str] = {}
    for name, values in request.form.lists():
        if len(values) > 1:
            raise invalid({name: Text("Give this once.", "Укажите это один раз.")})
        plain[name] = values[0]
    return plain


def _files() -> tuple[FileIn, ...]:
    if unknown := set(request.files) - {FILE_FIELD}:
        raise invalid({name: Text("Files go into «files».", "Файлы передаются в поле «files».") for name in unknown})
    given = request.files.getlist(FILE_FIELD)
    if len(given) > FILES_MOST:
        raise invalid({FILE_FIELD: Text(f"At most {FILES_MOST} files.", f"Не больше {FILES_MOST} файлов.")})
    found = []
    for file in given:
        _refuse_odd_texts({FILE_FIELD: file.filename or ""})
        found.append(FileIn(file.filename or "file", file.mimetype or "application/octet-stream", file.stream.read()))
        file.stream.seek(0)
    return tuple(found)


def _refuse_odd_texts(value: Any, path: str = "") -> None:
    """NUL and half surrogates are JSON, but no data base keeps them."""
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            text = Text("This holds a character that cannot be kept.", "Здесь знак, который нельзя сохранить.")
            raise invalid({path: text})
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_odd_texts(name, path)
            _refuse_odd_texts(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_odd_texts(inner, f"{path}.{index}".lstrip("."))


# --- what goes out -----------------------------------------------------------------------------------


def _answer(operation: ApiOperation, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    if operation.answer is None:
        return Response(status=204, headers={"Cache-Control": "no-store"})
    schema = _made(operation.answer)
    if operation.paged:
        return _page(schema, result)
    if operation.many:
        return _written({"items": schema.dump(result, many=True)})
    response = _written(schema.dump(result), operation.status)
    if operation.etag is not None:
        response.set_etag(operation.etag(result))
        if request.method == "GET":
            response.make_conditional(request)
    if operation.status == 201 and operation.method == "POST" and (key := _key_of(result)) is not None:
        response.headers["Location"] = f"{request.path}/{key}"
    return response


def _key_of(result: Any) -> Any:
    return result.get("id") if isinstance(result, dict) else getattr(result, "id", None)


def _page(schema: Schema, page: Page) -> Response:
    following = None
    if page.cursor:
        asked = {**request.args.to_dict(), "cursor": page.cursor}
        following = f"{okno().config.get('web.base_url').rstrip('/')}{request.path}?{urlencode(asked)}"
    body = {"items": schema.dump(page.rows, many=True), "next": following, "next_cursor": page.cursor or None}
    response = _written(body)
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def _written(body: Any, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, content_type="application/json", headers={"Cache-Control": "no-store"})
