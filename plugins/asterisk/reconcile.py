"""After a gap in the events: what we believe is made to agree with what Asterisk has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plugins.asterisk.book import Exchange, Leg, gone_is_fine
from plugins.asterisk.player import Player


async def left_behind(exchange: Exchange) -> dict[str, Any]:
    """The channels and bridges of the process before this one. Ask before the stream is open: nothing new can enter until then."""
    with gone_is_fine():
        return dict(await exchange.ari.get("applications", exchange.app))
    return {}


async def clear(exchange: Exchange, left: Mapping[str, Any]) -> None:
    """A new process ends what the one before it left."""
    for channel in left.get("channel_ids", []):
        await exchange.forget_channel(channel)
    for bridge in left.get("bridge_ids", []):
        with gone_is_fine():
            await exchange.ari.delete("bridges", bridge)


async def compare(
    exchange: Exchange, player: Player, ended: Callable[[Leg], None], answered: Callable[[Leg], None]
) -> None:
    """What ended while nobody listened has ended as lost; who was answered has been answered. ``answered`` begins to watch."""
    channels = {one["id"]: one for one in await exchange.ari.get("channels")}
    bridges = {one["id"] for one in await exchange.ari.get("bridges")}
    for leg in [one for one in exchange.legs.values() if one.channel]:
        if leg.channel not in channels:
            leg.asked_cause = leg.asked_cause or "lost"
            ended(leg)
        elif leg.kind == "sip" and leg.state != "up" and channels[leg.channel]["state"] == "Up":
            leg.state = "up"
            exchange.emit("leg.answered", leg=leg.id)
            answered(leg)
    for bridge in [one for one in exchange.bridges if one not in bridges]:
        player.bridge_ended(bridge)
        exchange.close_bridge(bridge)
