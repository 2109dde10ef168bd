"""``Idempotency-Key``: a POST sent twice works once, and both get the same answer.

The key is claimed in the transaction of the work itself, so that key and work are kept or undone together. A second request
with the key waits for the first; only one that waits too long on PostgreSQL is told that the first goes on (409). A refusal is
not kept: the work was undone, and the key is free for a mended request.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from flask import Response, request
from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from core.api.errors import Problem, invalid
from core.clock import now
from core.contracts import ApiOperation, Text
from core.db import current_work, db, transaction
from core.model import ApiCall

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[!-~]{1,120}")
KEPT = timedelta(days=1)
WAIT_SECONDS = 10
_TABLE = ApiCall.__table__
_ANSWERED = update(_TABLE).where(_TABLE.c.id == bindparam("call"))
KEPT_HEADERS = ("Location", "ETag", "Content-Type")


def once(operation: ApiOperation, token_id: int, work: Callable[[], Response]) -> Response:
    """Carry ``work`` out, or give the answer of the first request with the same key."""
    key = request.headers.get(HEADER)
    if operation.method != "POST" or key is None:
        return work()
    if not KEY.fullmatch(key):
        raise invalid({HEADER: Text("1 to 120 visible ASCII characters.", "От 1 до 120 видимых знаков ASCII.")})
    try:
        with transaction():
            if (call_id := _claim(token_id, key)) is None:
                return _first_answer(token_id, key)
            response = work()
            _keep(call_id, operation, response)
            return response
    except OperationalError as error:
        if db.engine.dialect.name == "postgresql" and getattr(error.orig, "sqlstate", "") == "55P03":
            detail = Text(
                "The first request with this key is still being carried out; ask again in a moment.",
                "Первый запрос с этим ключом ещё выполняется; повторите чуть позже.",
            )
            raise Problem(409, "idempotency-in-progress", detail, headers={"Retry-After": "2"}) from error
        raise


def _claim(token_id: int, key: str) -> int | None:
    """The id of the new row, None when the key was used; waits for a request that is using it right now."""
    dialect = db.engine.dialect.name
    if dialect == "postgresql":
        db.session.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
    values = {"token_id": token_id, "key": key, "fingerprint": fingerprint(), "body": "", "at": now()}
    claimed: int | None = current_work().connection.execute(_fresh(dialect), values).scalar()
    if dialect == "postgresql":
        db.session.execute(text("SET LOCAL lock_timeout = DEFAULT"))
    return claimed


@cache
def _fresh(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(_TABLE).on_conflict_do_nothing(index_elements=["token_id", "key"]).returning(_TABLE.c.id)


def fingerprint() -> str:
    """What makes two requests the same: method, address, and the content whatever its multipart boundary."""
    digest = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    if request.mimetype == "multipart/form-data":
        for name, value in sorted(request.form.items(multi=True)):
            digest.update(f"{name}={value}\n".encode("utf-8", "surrogatepass"))
        for name, file in request.files.items(multi=True):
            content = file.stream.read()
            file.stream.seek(0)
            digest.update(f"{name}:{file.filename}:{hashlib.sha256(content).hexdigest()}\n".encode())
    else:
        digest.update(request.get_data(cache=True))
    return digest.hexdigest()


def _first_answer(token_id: int, key: str) -> Response:
    row = db.session.scalars(select(ApiCall).where(ApiCall.token_id == token_id, ApiCall.key == key)).one()
    if row.fingerprint != fingerprint():
        detail = Text(
            "This key was used for another request: take a new one.",
            "Этот ключ уже использован для другого запроса: возьмите новый.",
        )
        raise Problem(422, "idempotency-key-reused", detail)
    kept = json.loads(row.body)
    response = Response(kept["text"], row.status or 200, headers=kept["headers"])
    response.headers[REPLAYED] = "true"
    return response


def _keep(call_id: int, operation: ApiOperation, response: Response) -> None:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = json.dumps({"headers": headers, "text": _without_secrets(operation, response)}, ensure_ascii=False)
    current_work().connection.execute(_ANSWERED, {"call": call_id, "status": response.status_code, "body": body})


def _without_secrets(operation: ApiOperation, response: Response) -> str:
    if not operation.secret:
        return response.get_data(as_text=True)
    body = json.loads(response.get_data(as_text=True))
    return json.dumps({**body, **dict.fromkeys(operation.secret)}, ensure_ascii=False)


def forget_old() -> None:
    """Drop keys of more than a day ago."""
    with transaction():
        db.session.execute(delete(ApiCall).where(ApiCall.at < now() - KEPT))
