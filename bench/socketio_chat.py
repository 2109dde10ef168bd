"""A minimal chat on Flask-SocketIO, for comparison: a message is stored in SQLite and emitted to the other side's room.

    python -m bench.socketio_chat HOME PORT

It runs on gevent, as its documentation advises, with none of what a contact centre adds: no tokens, no cases, no routing, no
replay after a lost connection.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sqlite3  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from flask import Flask, request  # noqa: E402
from flask_socketio import SocketIO, emit, join_room  # noqa: E402


def main(home: Path, port: int) -> None:
    """Serve until killed."""
    store = sqlite3.connect(home / "chat.db", isolation_level=None, check_same_thread=False)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, room TEXT, text TEXT)")
    app = Flask("socketio_chat")
    server = SocketIO(app, async_mode="gevent")

    @server.on("connect")
    def connect() -> None:
        join_room(request.args["n"])

    @server.on("say")
    def say(said: dict[str, str]) -> None:
        store.execute("INSERT INTO message (room, text) VALUES (?, ?)", (said["to"], said["text"]))
        emit("message", said["text"], to=said["to"])

    server.run(app, host="127.0.0.1", port=port, log_output=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
