"""Who hears what: the matrix, worked out anew whenever something changes, and the cheapest way to bring it about.

A leg that hears one party only gets that party's packets as they come. One that hears one sound gets the sound's packets, which
are encoded once. One that hears nothing gets a packet of silence. Only what is left is decoded, mixed and encoded, once for all who hear
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from plugins.switch.frames import Gains
from plugins.switch.parties import Bridge, Leg
from plugins.switch.recorder import Recording
from plugins.switch.sounds import Player

Source = Leg | Player
FULL = 1.0


@dataclass(frozen=True, slots=True)
class Mix:
    """Listeners that hear different sums of the same sources: those of group i hear source j by ``gains[i, j]``."""

    listeners: tuple[tuple[Leg, ...], ...]
    sources: tuple[Source, ...]
    gains: Gains


@dataclass(frozen=True, slots=True)
class Tape:
    """What goes into a recording: one group of sources a channel."""

    recording: Recording
    channels: tuple[tuple[Source, ...], ...]


@dataclass(slots=True)
class Plan:
    """What to do in each 20 ms until something changes. ``forwards`` are (who speaks, who gets its packets)."""

    forwards: dict[Leg, list[Leg]] = field(default_factory=dict)
    sounds: list[tuple[Leg, Player]] = field(default_factory=list)
    silent: list[Leg] = field(default_factory=list)
    mixes: list[Mix] = field(default_factory=list)
    tapes: list[Tape] = field(default_factory=list)
    decoded: set[Leg] = field(default_factory=set)
    players: list[Player] = field(default_factory=list)


class Matrix:
    """The rules of who hears whom, over the legs and bridges of one moment."""

    def __init__(self, legs: Mapping[str, Leg], bridges: Mapping[str, Bridge]) -> None:
        self._legs = legs
        self._bridges = bridges
        self._supervisors: dict[str, list[Leg]] = {}
        for leg in legs.values():
            if leg.supervises in legs:
                self._supervisors.setdefault(self.room(leg), []).append(leg)

    def room(self, leg: Leg) -> str:
        """The bridge that a leg is in or listens to; its own (or its target's) name when that is in none."""
        if leg.supervises and (target := self._legs.get(leg.supervises)):
            return target.bridge or f"leg:{target.id}"
        return leg.bridge or f"leg:{leg.id}"

    def heard_by(self, listener: Leg) -> tuple[Source, ...]:
        """All that a leg hears."""
        own = [player for player in (listener.player, listener.keys) if player]
        if listener.held:
            return tuple(own or ([listener.hold] if listener.hold else []))
        return (*self._talk(listener), *own)

    def said_in(self, bridge: Bridge) -> tuple[Source, ...]:
        """All that is said and played in a bridge; whispering is not."""
        barging = [leg for leg in self._supervisors.get(bridge.id, ()) if leg.speaks and leg.mode == "barge"]
        played = [bridge.player] if bridge.player else []
        return (*(leg for leg in bridge.legs if leg.speaks), *barging, *played)

    def _talk(self, listener: Leg) -> Iterable[Source]:
        room = self.room(listener)
        bridge = self._bridges.get(room)
        if bridge:
            yield from (source for source in self.said_in(bridge) if source is not listener)
        elif listener.supervises:
            target = self._legs[listener.supervises]
            if target.speaks:
                yield target
        for leg in self._supervisors.get(room, ()):
            if leg is listener or not leg.speaks:
                continue
            aside = leg.mode == "whisper" and leg.supervises == listener.id
            if aside or (leg.mode == "barge" and bridge is None):
                yield leg


def make_plan(legs: Mapping[str, Leg], bridges: Mapping[str, Bridge], recordings: Iterable[Recording]) -> Plan:
    """The plan for what is so now."""
    matrix, plan = Matrix(legs, bridges), Plan()
    rooms: dict[str, list[tuple[Leg, tuple[Source, ...]]]] = {}
    for leg in legs.values():
        if leg.state == "up":
            heard = matrix.heard_by(leg)
            if not _simply(plan, leg, heard):
                rooms.setdefault(matrix.room(leg), []).append((leg, heard))
    plan.mixes = [_mix(listeners) for listeners in rooms.values()]
    plan.tapes = [_tape(matrix, recording, legs, bridges) for recording in recordings]
    _note_needs(plan)
    plan.players = _playing(legs.values(), bridges.values())
    return plan


def _simply(plan: Plan, leg: Leg, heard: Sequence[Source]) -> bool:
    """Whether a leg can be served without mixing; the plan has it then."""
    if not leg.end.packets or len(heard) > 1:
        return False
    if not heard:
        plan.silent.append(leg)
        return True
    source = heard[0]
    if isinstance(source, Player):
        plan.sounds.append((leg, source))
        return True
    if source.end.packets:
        plan.forwards.setdefault(source, []).append(leg)
        return True
    return False


def _mix(listeners: Sequence[tuple[Leg, tuple[Source, ...]]]) -> Mix:
    groups: dict[frozenset[Source], list[Leg]] = {}
    places: dict[Source, int] = {}
    for leg, heard in listeners:
        groups.setdefault(frozenset(heard), []).append(leg)
        for source in heard:
            places.setdefault(source, len(places))
    gains = np.zeros((len(groups), len(places)), np.float32)
    for row, sources in enumerate(groups):
        for source in sources:
            gains[row, places[source]] = FULL
    return Mix(tuple(map(tuple, groups.values())), tuple(places), gains)


def _tape(matrix: Matrix, recording: Recording, legs: Mapping[str, Leg], bridges: Mapping[str, Bridge]) -> Tape:
    bridge = bridges.get(recording.target)
    if bridge is None:
        leg = legs.get(recording.target)
        return Tape(recording, ((leg,) if leg and leg.speaks else (),))
    said = matrix.said_in(bridge)
    left = tuple(source for source in said if isinstance(source, Leg) and source.id == recording.left)
    return Tape(recording, (left, tuple(source for source in said if source not in left)))


def _note_needs(plan: Plan) -> None:
    sources = [source for mix in plan.mixes for source in mix.sources]
    sources += [source for tape in plan.tapes for channel in tape.channels for source in channel]
    plan.decoded = {source for source in sources if isinstance(source, Leg)}


def _playing(legs: Iterable[Leg], bridges: Iterable[Bridge]) -> list[Player]:
    """What moves on: a leg's sounds wait until it is up."""
    up = [leg for leg in legs if leg.state == "up"]
    found = [player for leg in up for player in (leg.player, leg.keys, leg.hold if leg.held else None) if player]
    return found + [bridge.player for bridge in bridges if bridge.player]
