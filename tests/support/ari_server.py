"""A server that speaks ARI and SIP over WebSocket for the model of Asterisk, in the loop of the test.

Its rules: ``/ari`` is 404 until the modules are loaded, 401 without the user of ari.conf; events go to the application's WebSocket
only while it is open, and a newer one takes the place of the older; commands for what is not there, or not ours, are refused with
the codes of the API's documentation.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

import uvicorn

from tests.support.asterisk_far_ends import APP, FarEnds
from tests.support.asterisk_model import AriRefusal, AsteriskModel, Bridge, Channel
from tests.support.asterisk_sip import BrowserEndpoint

USER, PASSWORD = "okno", "secret of ari.conf"
WEB_USER, WEB_PASSWORD = "okno-web", "secret of pjsip.conf"
REASONS = [
    "normal",
    "busy",
    "congestion",
    "no_answer",
    "timeout",
    "rejected",
    "unallocated",
    "normal_unspecified",
    "number_incomplete",
    "codec_mismatch",
    "interworking",
    "failure",
    "answered_elsewhere",
]
CAUSES = {"busy": 17, "congestion": 34, "no_answer": 19, "rejected": 21, "failure": 38, "unallocated": 1}

Asked = dict[str, str]
Answer = tuple[int, Any]


class AriServer:
    """``calls`` are the requests that came, ``missed`` the events that nobody listened to."""

    def __init__(self, model: AsteriskModel | None = None) -> None:
        self.model = model or AsteriskModel()
        self.model.tell, self.model.listening = self._tell, lambda: self.listened_to
        self.endpoint = BrowserEndpoint(self.model, WEB_USER, WEB_PASSWORD)
        self.loaded = True
        self.calls: list[tuple[str, str, Asked]] = []
        self.far_ends = FarEnds(self.model)
        self.bodies: list[Any] = []
        self.missing: set[str] = set()
        """Modules and endpoints that this Asterisk lacks."""
        self.missed: list[dict[str, Any]] = []
        self._listener: asyncio.Queue[str | None] | None = None
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.url = ""

    # --- serving ---

    async def start(self, port: int = 0) -> None:
        """Listen; ``url`` is for ``asterisk.url``."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            self, ws="websockets-sansio", lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End connections and stop listening."""
        self.drop_listener()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        for channel in list(self.model.channels.values()):
            self.model.end(channel)

    @property
    def listened_to(self) -> bool:
        """Whether the application's WebSocket is open."""
        return self._listener is not None

    def drop_listener(self) -> None:
        """The application's WebSocket ends."""
        if self._listener is not None:
            self._listener.put_nowait(None)
            self._listener = None

    def _tell(self, event: dict[str, Any]) -> None:
        told = {
            "application": APP,
            "timestamp": "2026-01-01T00:00:00.000+0000",
            "asterisk_id": "02:42:ac:11:00:02",
            **event,
        }
        if self._listener is None:
            self.missed.append(told)
        else:
            self._listener.put_nowait(json.dumps(told))

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "websocket":
            await (self._sip(receive, send) if scope["path"] == "/ws" else self._events(scope, receive, send))
            return
        body = b""
        while (part := await receive())["type"] == "http.request":
            body += part["body"]
            if not part.get("more_body"):
                break
        status, found = self._answer(scope, body)
        raw = found if isinstance(found, bytes) else b"" if found is None else json.dumps(found).encode()
        kind = b"audio/wav" if isinstance(found, bytes) else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(raw)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    async def _events(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        asked = dict(parse_qsl(scope["query_string"].decode()))
        if scope["path"] != "/ari/events" or not self.loaded or not self._may(scope) or asked.get("app") != APP:
            await send({"type": "websocket.close", "code": 4404})
            return
        self.drop_listener()
        queue = self._listener = asyncio.Queue()
        await send({"type": "websocket.accept", "subprotocol": "ari"})
        gone = asyncio.create_task(_until_gone(receive))
        while not gone.done():
            taking = asyncio.create_task(queue.get())
            await asyncio.wait((taking, gone), return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                break
            if (text := taking.result()) is None:
                await send({"type": "websocket.close", "code": 1001})
                break
            await send({"type": "websocket.send", "text": text})
        if self._listener is queue:
            self._listener = None
        gone.cancel()

    async def _sip(self, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        connect = await receive()
        assert connect["type"] == "websocket.connect"
        await send({"type": "websocket.accept", "subprotocol": "sip"})

        async def give(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        while (part := await receive())["type"] == "websocket.receive":
            await self.endpoint.take(part.get("text") or part["bytes"].decode(), give)

    def _may(self, scope: dict[str, Any]) -> bool:
        right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return any(name == b"authorization" and value.decode() == right for name, value in scope["headers"])

    # --- requests ---

    def _answer(self, scope: dict[str, Any], body: bytes) -> Answer:
        if not self.loaded or not scope["path"].startswith("/ari/"):
            return 404, {"message": "Resource not found"}
        if not self._may(scope):
            return 401, {"message": "Authentication required"}
        asked = dict(parse_qsl(scope["query_string"].decode()))
        if body:
            self.bodies.append(json.loads(body))
        raw = scope["raw_path"].decode().split("?")[0].removeprefix("/ari/")
        path = [unquote(part) for part in raw.split("/")]
        self.calls.append((scope["method"], "/".join(path), asked))
        try:
            return self._route(scope["method"], path, asked)
        except AriRefusal as refusal:
            return refusal.status, {"message": refusal.message}

    def _route(self, method: str, path: list[str], asked: Asked) -> Answer:
        match (method, *path):
            case ("GET", "asterisk", "info"):
                return 200, {"system": {"version": "22.5.0", "entity_id": "02:42:ac:11:00:02"}}
            case ("GET", "asterisk", "modules", name):
                return self._there(name, {"name": name, "status": "Running", "use_count": 0, "support_level": "core"})
            case ("GET", "endpoints", "PJSIP", name):
                return self._there(
                    name, {"technology": "PJSIP", "resource": name, "state": "online", "channel_ids": []}
                )
            case ("GET", "applications", name):
                return self._application(name)
            case ("GET", "channels"):
                return 200, [one.view() for one in self.model.channels.values()]
            case ("GET", "bridges"):
                return 200, [one.view() for one in self.model.bridges.values()]
            case ("POST", "channels", channel):
                return 200, self.far_ends.dial(channel, asked).view()
            case ("DELETE", "channels", channel):
                return self._hang_up(channel, asked)
            case (_, "channels", channel, action, *rest):
                return self._channel(f"{method} {action}", channel, rest, asked)
            case ("POST", "bridges", bridge):
                self.model.bridges.setdefault(bridge, Bridge(bridge, asked.get("type", "mixing")))
                return 200, self.model.bridges[bridge].view()
            case ("DELETE", "bridges", bridge):
                return self._done(self.model.destroy(self.model.found_bridge(bridge)))
            case (_, "bridges", bridge, action, *rest):
                return self._bridge(f"{method} {action}", bridge, rest, asked)
            case ("DELETE", "playbacks", playback):
                if playback not in self.model.playbacks:
                    raise AriRefusal(404, "Playback not found")
                return self._done(self.model.end_playback(playback, "done"))
            case (_, "recordings", kind, name, *rest):
                return self._recordings(f"{method} {'/'.join([kind, *rest])}", name)
        raise AriRefusal(404, "Resource not found")

    def _there(self, name: str, found: dict[str, Any]) -> Answer:
        if name in self.missing:
            raise AriRefusal(404, "Not found")
        return 200, found

    def _done(self, nothing: None) -> Answer:
        return 204, nothing

    def _application(self, name: str) -> Answer:
        ours = [one.id for one in self.model.channels.values() if one.stasis]
        # It lives on without its WebSocket for as long as it has channels.
        if name != APP or (self._listener is None and not ours):
            raise AriRefusal(404, "Application does not exist.")
        return 200, {
            "name": APP,
            "channel_ids": ours,
            "bridge_ids": list(self.model.bridges),
            "endpoint_ids": [],
            "device_names": [],
        }

    # --- channels ---

    def _hang_up(self, channel_id: str, asked: Asked) -> Answer:
        if asked.get("reason", "normal") not in REASONS:
            raise AriRefusal(400, "Invalid Reason")
        if (channel := self.model.channels.get(channel_id)) is None:
            raise AriRefusal(404, "Channel not found")
        # ARI answers at once; the channel's thread ends it.
        cause = CAUSES.get(asked.get("reason", "normal"), 16)
        asyncio.get_running_loop().call_soon(self.model.end, channel, cause, True)
        return 204, None

    def _channel(self, action: str, channel_id: str, rest: list[str], asked: Asked) -> Answer:
        if action == "POST snoop":
            return self._snoop(channel_id, rest, asked)
        if action == "GET rtp_statistics":
            return self._statistics(channel_id)
        channel = self.model.found(channel_id)
        if channel.state in ("Down", "Rsrvd", "Ringing") and action.split(" ")[1] not in ("record", "variable"):
            raise AriRefusal(412, "Channel in invalid state")
        match action:
            case "POST answer":
                if channel.state != "Up":
                    self.model.set_state(channel, "Up")
                    if channel.on_answer is not None:
                        channel.on_answer()
            case "POST ring":
                pass
            case "POST mute" | "DELETE mute":
                if asked.get("direction", "both") not in ("in", "out", "both"):
                    raise AriRefusal(400, "Invalid direction specified")
                if asked.get("direction", "both") != "out":
                    channel.muted_in = action.startswith("POST")
            case "POST moh":
                channel.moh = asked.get("mohClass", "default")
            case "DELETE moh":
                channel.moh = ""
            case "POST play":
                return 201, self.model.play(channel, rest[0], asked["media"]).view("queued")
            case "POST dtmf":
                if not asked.get("dtmf"):
                    raise AriRefusal(400, "DTMF is required")
                channel.sent.append((asked["dtmf"], int(asked.get("before", 0))))
            case "POST record":
                made = self.model.record(channel, asked["name"], asked["format"], asked.get("ifExists", "fail"))
                return 201, made.view("queued")
            case "GET variable":
                name = re.fullmatch(r"PJSIP_HEADER\(read,(.+)\)", asked["variable"])
                return 200, {"value": channel.headers.get(name.group(1), "") if name else ""}
            case "POST transfer_progress":
                if asked.get("states") not in (
                    "channel_progress",
                    "channel_answered",
                    "channel_unavailable",
                    "channel_declined",
                ):
                    raise AriRefusal(400, "Invalid state")
                channel.progress.append(asked["states"])
            case _:
                raise AriRefusal(404, "Resource not found")
        return 204, None

    def _snoop(self, target: str, rest: list[str], asked: Asked) -> Answer:
        spied = self.model.channels.get(target)
        if spied is None:
            raise AriRefusal(404, "Channel not found")
        spy, whisper = asked.get("spy", "none"), asked.get("whisper", "none")
        if spy == whisper == "none" or asked.get("app") != APP:
            raise AriRefusal(400, "Invalid direction or application specified")
        made = self.model.new_channel(f"Snoop/{target}", rest[0], state="Up", snoop=(target, spy, whisper))
        # A thread of its own brings it into the application, after the answer.
        asyncio.get_running_loop().call_soon(self.model.enter, made, *asked.get("appArgs", "").split(","))
        return 200, made.view()

    def _statistics(self, channel_id: str) -> Answer:
        channel = self.model.channels.get(channel_id)
        if channel is None or channel.snoop[0]:
            raise AriRefusal(404, "Channel cannot be found.")
        received = {
            "rxcount": channel.received(),
            "rxploss": channel.lost,
            "rxjitter": 0.0125,
            "rtt": 0.04,
            "txcount": 0,
        }
        return 200, {**received, "txploss": 0, "txjitter": 0.0, "channel_uniqueid": channel_id}

    # --- bridges and recordings ---

    def _bridge(self, action: str, bridge_id: str, rest: list[str], asked: Asked) -> Answer:
        bridge = self.model.found_bridge(bridge_id)
        match action:
            case "POST addChannel":
                channel = self._member(asked)
                if not channel.stasis:
                    raise AriRefusal(422, "Channel not in Stasis application")
                self.model.join(bridge, channel)
            case "POST removeChannel":
                channel = self._member(asked)
                if channel.bridge != bridge_id:
                    raise AriRefusal(422, "Channel not in this bridge")
                self.model.leave(channel)
            case "POST moh":
                bridge.moh = asked.get("mohClass", "default")
            case "DELETE moh":
                if not bridge.moh:
                    raise AriRefusal(409, "Bridge isn't playing music")
                bridge.moh = ""
            case "POST play":
                return 201, self.model.play(bridge, rest[0], asked["media"]).view("queued")
            case _:
                raise AriRefusal(404, "Resource not found")
        return 204, None

    def _member(self, asked: Asked) -> Channel:
        if (channel := self.model.channels.get(asked.get("channel", ""))) is None:
            raise AriRefusal(400, "Channel not found")
        return channel

    def _recordings(self, action: str, name: str) -> Answer:
        kind = action.split(" ")[1].split("/")[0]
        if name not in (self.model.live if kind == "live" else self.model.stored):
            raise AriRefusal(404, "Recording not found")
        match action:
            case "POST live/stop":
                self.model.end_recording(name)
            case "GET stored/file":
                return 200, self.model.stored[name]
            case "DELETE stored":
                del self.model.stored[name]
            case _:
                raise AriRefusal(404, "Resource not found")
        return 204, None


async def _until_gone(receive: Callable[[], Any]) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        continue
