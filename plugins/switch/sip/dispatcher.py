"""The one address that providers know: calls that come to it are handed to the SIP process that has room.

A provider's packets are passed on unchanged, from a socket for each peer, so that the answers find their way back through here.
What follows in a call goes to the process itself, whose address stands in its Contact.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import structlog

log = structlog.get_logger("okno.switch")
CALL_ID = re.compile(rb"^(?:Call-ID|i)\s*:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
COPIED = re.compile(rb"^(?:Via|v|From|f|To|t|Call-ID|i|CSeq)\s*:.*$", re.MULTILINE | re.IGNORECASE)
REMEMBERED_CALLS, REMEMBERED_PEERS = 4096, 256
LONGEST = 65_535
ANYWHERE = "0.0.0.0"  # noqa: S104
# How often the provider's name is looked up; sooner while nothing is known, as after a start before the network is there.
LOOK_UP_SECONDS, LOOK_UP_SOON = 300.0, 10.0

Address = tuple[str, int]


class Dispatcher(asyncio.DatagramProtocol):
    """``port_for_a_call`` names the process for a new call by its port, or nobody when all are full."""

    def __init__(self, listen: Address, settings: Mapping[str, Any], port_for_a_call: Callable[[], int | None]) -> None:
        self._listen, self._settings, self._port_for_a_call = listen, settings, port_for_a_call
        self._ports: OrderedDict[bytes, int] = OrderedDict()
        self._relays: OrderedDict[Address, socket.socket] = OrderedDict()
        self._transport: asyncio.DatagramTransport | None = None
        self._trunk = settings["sip_trunk"].partition(":")[0]
        self._peers: set[str] = set(settings["sip_peers"])
        self._trunks: set[str] = set()
        self._looking: asyncio.Task[None] | None = None

    @staticmethod
    def relay_host(host: str) -> str:
        """The address that packets seem to come from for the processes."""
        return "127.0.0.1" if host in ("", ANYWHERE) else host

    async def start(self) -> None:
        """Listen; who may call is looked up now and again. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        if self._trunk:
            await self._look_up()
            self._looking = loop.create_task(self._look_again(), name="sip-trunk")
        host = self._listen[0] or ANYWHERE
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, self._listen[1]))

    def stop(self) -> None:
        """Listen no more."""
        if self._looking is not None:
            self._looking.cancel()
        if self._transport is not None:
            self._transport.close()
        while self._relays:
            self._drop_oldest()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """A packet of somebody outside."""
        found = CALL_ID.search(data)
        if found is None or self._transport is None:
            return
        request = not data.startswith(b"SIP/2.0 ")
        if request and not self._is_known(addr[0]):
            self._refuse(data, addr, b"403 Forbidden")
            return
        port = self._ports.get(found[1])
        if port is None and data.startswith(b"INVITE "):
            port = self._port_for_a_call()
            if port is None:
                self._refuse(data, addr, b"486 Busy Here")
                return
            self._ports[found[1]] = port
            if len(self._ports) > REMEMBERED_CALLS:
                self._ports.popitem(last=False)
        if port is not None:
            self._relay(addr).sendto(data, (self.relay_host(self._listen[0]), port))
        elif request and not data.startswith(b"ACK "):
            self._refuse(data, addr, b"481 Call/Transaction Does Not Exist")

    def _is_known(self, peer: str) -> bool:
        return peer in self._peers or peer in self._trunks or "*" in self._peers

    async def _look_up(self) -> None:
        """A name service that does not answer takes nothing away."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._trunk, None)
        except OSError as error:
            log.warning("sip.trunk-unknown", trunk=self._trunk, why=str(error))
        else:
            self._trunks = {str(one[4][0]) for one in found}

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_UP_SECONDS if self._trunks else LOOK_UP_SOON)
            await self._look_up()

    def _relay(self, addr: Address) -> socket.socket:
        if addr in self._relays:
            self._relays.move_to_end(addr)
            return self._relays[addr]
        if len(self._relays) >= REMEMBERED_PEERS:
            self._drop_oldest()
        relay = self._relays[addr] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        relay.setblocking(False)
        relay.bind((self.relay_host(self._listen[0]), 0))
        asyncio.get_running_loop().add_reader(relay, self._back, relay, addr)
        return relay

    def _back(self, relay: socket.socket, addr: Address) -> None:
        try:
            data = relay.recv(LONGEST)
        except OSError:
            return
        if self._transport is not None:
            self._transport.sendto(data, addr)

    def _drop_oldest(self) -> None:
        _, relay = self._relays.popitem(last=False)
        asyncio.get_running_loop().remove_reader(relay)
        relay.close()

    def _refuse(self, request: bytes, addr: Address, status: bytes) -> None:
        if request.startswith(b"ACK ") or self._transport is None:
            return
        lines = [
            b"SIP/2.0 " + status,
            *(one.strip() for one in COPIED.findall(request)),
            b"Content-Length: 0",
            b"",
            b"",
        ]
        self._transport.sendto(b"\r\n".join(lines), addr)
