"""How web and worker speak to the voice process: commands that wait for their answer, scenes of calls, the stream of events."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, current_app

from core.contracts import Rejected, Text
from plugins.voice.process.scene import Scene
from plugins.voice.process.socket_address import SOCKET, address_of_file, host_and_port

log = structlog.get_logger("okno.voice")
SECONDS = 5.0
OFFER_SECONDS = 15.0
SILENT_SECONDS = 15.0
Transport = Callable[[str, Mapping[str, Any], float], Any]

AWAY = Text(
    "Calls cannot be carried right now: the voice process does not answer. Try again in a few seconds.",
    "Сейчас связь недоступна: голосовой процесс не отвечает. Повторите через несколько секунд.",
)
WORDS = {
    "bad-sdp": Text(
        "The browser's connection was not understood. Reload the page and try again.",
        "Не удалось разобрать соединение браузера. Обновите страницу и повторите.",
    ),
    "full": Text(
        "All lines are taken. Try again in a minute.",
        "Все линии заняты. Повторите через минуту.",
    ),
    "unsupported": Text(
        "The telephony in use cannot do this.",
        "Подключённая телефония этого не умеет.",
    ),
    "bad-address": Text("This number cannot be dialled.", "На этот номер нельзя позвонить."),
}
FAILED = Text("The telephone command failed. Try again.", "Команда телефонии не выполнена. Повторите.")


class Away(Exception):
    """Nobody answers on the socket."""


class Refused(Exception):
    """The voice process refused an operation; ``code`` is that of :class:`core.telephony.DriverError`."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text or code)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the voice process listens: a socket file of this house, or a TCP address with its secret."""

    path: Path
    listen: str = ""
    secret: str = ""

    def connect(self, seconds: float) -> socket.socket:
        """A connection. Raises :class:`OSError`."""
        if self.listen:
            return socket.create_connection(host_and_port(self.listen), timeout=seconds)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(seconds)
        try:
            with address_of_file(self.path) as reachable:
                made.connect(reachable)
        except OSError:
            made.close()
            raise
        return made

    def line(self, op: str, arguments: Mapping[str, Any]) -> bytes:
        """A request."""
        request: dict[str, Any] = {"id": 1, "op": op, "args": dict(arguments)}
        if self.listen:
            request["secret"] = self.secret
        line = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
        return line.encode(errors="replace") + b"\n"  # what a browser sends may be no Unicode


def address_of(app: Flask) -> Address:
    """Where the settings of ``app`` say that the voice process listens."""
    config = app.extensions["okno"].config
    return Address(config.home / SOCKET, config.get("voice.listen"), config.get("voice.secret"))


def ask(op: str, arguments: Mapping[str, Any], seconds: float = SECONDS) -> Any:
    """The answer to one operation. Raises :class:`Away`, :class:`Refused`."""
    transport: Transport = current_app.extensions.get("okno_voice_transport") or _over_socket
    return transport(op, arguments, seconds)


def _over_socket(op: str, arguments: Mapping[str, Any], seconds: float) -> Any:
    address = address_of(current_app)
    try:
        with closing(address.connect(seconds)) as made, made.makefile("rb") as answers:
            made.sendall(address.line(op, arguments))
            line = answers.readline()
    except OSError as error:
        raise Away(str(error)) from error
    return _result(_read(line))


def _read(line: bytes) -> dict[str, Any]:
    """A line of the voice process. Raises :class:`Away` for none, and for half of one: it ended while it spoke."""
    if not line.endswith(b"\n"):
        raise Away("the connection was closed")
    found: dict[str, Any] = json.loads(line)
    return found


def _result(answer: Mapping[str, Any]) -> Any:
    if "error" in answer:
        raise Refused(answer["error"]["code"], answer["error"]["text"])
    return answer.get("ok")


def command(op: str, **arguments: Any) -> Any:
    """Carry out a command of the backend for a person who waits for it.

    Raises ``Rejected``: ``voice-unavailable``, ``voice-bad-sdp``, ``voice-full``, ``voice-unsupported``, ``voice-bad-address``, ``voice-failed``.
    """
    try:
        return ask(op, arguments, OFFER_SECONDS if op == "offer" else SECONDS)
    except Away as away:
        log.warning("the voice process is away", op=op, why=str(away))
        raise Rejected(AWAY, "voice-unavailable") from away
    except Refused as refused:
        log.warning("command refused", op=op, code=refused.code, why=str(refused))
        known = WORDS.get(refused.code)
        raise Rejected(known or FAILED, f"voice-{refused.code}" if known else "voice-failed") from refused


def send(scenes: Sequence[Scene]) -> bool:
    """Hand scenes over, once the transaction that made them is committed; False when nobody took them.

    That is no error of the person who acted: what was decided stands, and the worker soon sends what was lost
    (:mod:`plugins.voice.calls.resending`), or all scenes when the process is back.
    """
    try:
        ask("arrange", {"scenes": [scene.to_json() for scene in scenes]})
    except (Away, Refused) as error:
        log.warning("scenes were not taken", calls=[scene.call for scene in scenes], why=str(error))
        return False
    return True


def status() -> dict[str, Any] | None:
    """How the voice process is (see ``Host.status``); None when it is away."""
    try:
        found: dict[str, Any] = ask("status", {})
    except (Away, Refused):
        return None
    return found


def require() -> dict[str, Any]:
    """:func:`status`, for who needs it to be there. Raises ``Rejected`` (``voice-unavailable``)."""
    found = status()
    if found is None:
        raise Rejected(AWAY, "voice-unavailable")
    return found


class Listening:
    """A stream of events. Iterate it in one thread; :meth:`close` it from any."""

    def __init__(self, address: Address, after: int, process: str) -> None:
        """Raises :class:`Away`, :class:`Refused`. ``process`` afterwards names the run that answers."""
        try:
            self._socket = address.connect(SILENT_SECONDS)
        except OSError as error:
            raise Away(str(error)) from error
        try:
            self._lines = self._socket.makefile("rb")
            self._socket.sendall(address.line("events", {"after": after, "process": process}))
            self.process = str(_result(_read(self._lines.readline()))["process"])
        except OSError as error:
            self._socket.close()
            raise Away(str(error)) from error
        except (Away, Refused):
            self._socket.close()
            raise

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """``{"seq", "event"}``, ``{"gap", "seq"}`` or ``{"beat"}``; ends when the process does. Raises :class:`Away` after silence."""
        while True:
            try:
                line = self._lines.readline()
            except (OSError, ValueError) as error:
                raise Away(str(error)) from error
            if not line:
                return
            yield _read(line)

    def close(self) -> None:
        """End it; who iterates comes back."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the stream was closed already")
        self._socket.close()
