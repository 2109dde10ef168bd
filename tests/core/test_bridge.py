"""The bridge: what Flask is handed and what the client gets back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, current_app, request, send_file, stream_with_context
from werkzeug.wrappers import Response as AnyResponse

from core.web.bridge import PIECE, Bridge
from tests.core.small_house import Client, Signal


@pytest.fixture
def flask() -> Flask:
    app = Flask("bridged")

    @app.route("/echo/<path:name>", methods=["GET", "POST"])
    def echo(name: str) -> Response:
        answer = Response(request.get_data() or name, mimetype="text/plain")
        answer.headers["X-Cookies"] = ",".join(f"{key}={value}" for key, value in sorted(request.cookies.items()))
        answer.headers["X-Query"] = request.query_string.decode()
        answer.set_cookie("one", "1")
        return answer

    return app


def ask(app: object, *arguments: object, limit: int = 1 << 20, **more: object) -> Client:
    async def run() -> Client:
        bridge = Bridge(app, threads=2, body_limit=limit)  # type: ignore[arg-type]
        client = Client(*arguments, **more)  # type: ignore[arg-type]
        try:
            await asyncio.wait_for(bridge(client.scope, client.receive, client.send), 20)
        finally:
            bridge.close()
        return client

    return asyncio.run(run())


def test_a_request_arrives_whole_and_its_answer_too(flask: Flask) -> None:
    client = ask(flask, "POST", "/echo/привет?a=%20b", {"content-type": "text/plain"}, b"x" * 200_000)
    assert (client.status, client.body, client.complete) == (200, b"x" * 200_000, True)
    assert client.headers["x-query"] == "a=%20b"
    assert ask(flask, "GET", "/echo/привет").body.decode() == "привет"


def test_cookies_that_http2_splits_are_joined(flask: Flask) -> None:
    class Split(Client):
        def __init__(self) -> None:
            super().__init__("GET", "/echo/x")
            self.scope["headers"] = [(b"cookie", b"a=1"), (b"cookie", b"b=2")]

    async def run() -> Client:
        client = Split()
        await Bridge(flask)(client.scope, client.receive, client.send)
        return client

    assert asyncio.run(run()).headers["x-cookies"] == "a=1,b=2"


def test_a_header_with_underscores_cannot_pose_as_another(flask: Flask) -> None:
    flask.add_url_rule("/ip", view_func=lambda: request.headers.get("X-Real-Ip", "none"))
    assert ask(flask, "GET", "/ip", {"x_real_ip": "10.0.0.1"}).body == b"none"


def test_a_body_above_the_limit_is_refused_before_flask_sees_it(flask: Flask) -> None:
    seen = Signal()
    flask.before_request(lambda: seen("request"))
    client = ask(flask, "POST", "/echo/x", body=b"x" * 3000, limit=2000)
    assert client.status == 413
    assert client.headers["connection"] == "close"
    assert seen.calls == []
    early = ask(flask, "POST", "/echo/x", {"content-length": "9999", "expect": "100-continue"}, limit=2000)
    assert early.status == 413
    assert ask(flask, "POST", "/echo/x", body=b"x" * 2000, limit=2000).status == 200


def test_a_download_is_streamed_in_pieces_and_its_file_closed(flask: Flask, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(range(256)) * 4096 + b"end")
    handles = []

    @flask.get("/file")
    def file() -> AnyResponse:
        handles.append(path.open("rb"))
        return send_file(handles[-1], mimetype="application/octet-stream")

    client = ask(flask, "GET", "/file")
    assert client.body == path.read_bytes()
    assert client.complete
    assert max(map(len, client.pieces)) <= PIECE
    assert handles[0].closed
    head = ask(flask, "HEAD", "/file")
    assert (head.status, head.body) == (200, b"")
    assert handles[1].closed


def test_a_client_that_leaves_ends_the_download_and_the_generator_is_closed(flask: Flask) -> None:
    closed = Signal()

    @flask.get("/endless")
    def endless() -> Response:
        def lines() -> Iterator[bytes]:
            try:
                while True:
                    # The application's context is there in every thread that asks for the next piece.
                    yield current_app.name.encode() * 10_000
            finally:
                closed("closed")

        return Response(stream_with_context(lines()))

    async def run() -> None:
        bridge, client = Bridge(flask, threads=2), Client("GET", "/endless")
        task = asyncio.create_task(bridge(client.scope, client.receive, client.send))
        await client.until(lambda: len(client.pieces) > 5)
        client.left.set()
        await asyncio.wait_for(task, 15)
        assert not client.complete

    asyncio.run(run())
    assert closed.calls == ["closed"]


def test_slow_downloads_hold_no_thread(flask: Flask) -> None:
    @flask.get("/long")
    def long() -> Response:
        return Response(b"x" * PIECE for _ in range(50))

    async def run() -> None:
        bridge = Bridge(flask, threads=1)
        slow = Client("GET", "/long")
        slow.reads.clear()
        task = asyncio.create_task(bridge(slow.scope, slow.receive, slow.send))
        quick = Client("GET", "/echo/quick")
        await asyncio.wait_for(bridge(quick.scope, quick.receive, quick.send), 15)
        assert quick.body == b"quick"
        slow.reads.set()
        await asyncio.wait_for(task, 15)
        assert len(slow.body) == 50 * PIECE

    asyncio.run(run())


def test_a_client_that_leaves_before_its_request_is_complete_starts_nothing(flask: Flask) -> None:
    seen = Signal()
    flask.before_request(lambda: seen("request"))

    async def run() -> None:
        client = Client("POST", "/echo/x")
        client._asked = []
        client.left.set()
        await Bridge(flask)(client.scope, client.receive, client.send)
        assert client.status == 0

    asyncio.run(run())
    assert seen.calls == []


def test_a_failure_outside_of_flask_is_a_500_page() -> None:
    def broken(environ: object, start_response: object) -> list[bytes]:
        raise ValueError("broken")

    client = ask(broken, "GET", "/")
    assert client.status == 500
    assert "Ошибка на сервере" in client.body.decode()
    assert "default-src 'none'" in client.headers["content-security-policy"]


def test_an_answer_that_breaks_off_is_not_completed(flask: Flask) -> None:
    @flask.get("/breaks")
    def breaks() -> Response:
        def lines() -> Iterator[bytes]:
            yield b"x" * PIECE
            raise ValueError("broken")

        return Response(lines())

    client = ask(flask, "GET", "/breaks")
    assert (client.status, client.complete) == (200, False)


def test_requests_share_a_few_threads(flask: Flask) -> None:
    names: set[str] = set()

    @flask.get("/thread")
    def thread() -> str:
        names.add(threading.current_thread().name)
        return ""

    async def run() -> None:
        bridge = Bridge(flask, threads=3)
        clients = [Client("GET", "/thread") for _ in range(50)]
        await asyncio.gather(*(bridge(client.scope, client.receive, client.send) for client in clients))
        assert {client.status for client in clients} == {200}

    asyncio.run(run())
    assert 1 <= len(names) <= 3
