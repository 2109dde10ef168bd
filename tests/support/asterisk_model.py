"""A model of Asterisk for tests: channels, bridges, playbacks, recordings, and who hears whom, without any media.

It keeps the state rules of ARI as its documentation and sources give them. A party's voice is a tone in hertz; what a channel
hears is the set of tones that reach it, ``"music:<class>"`` for music on hold, and the tones found in the very WAV that is played.
"""

from __future__ import annotations

import asyncio
import itertools
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.tones import tones_in

Heard = set[int | str]
RATE = 16_000


class AriRefusal(Exception):
    """A request is answered with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(f"{status} {message}")


@dataclass(eq=False)
class Channel:
    """``tone`` is what the far end says; ``stasis`` whether our application has it."""

    id: str
    name: str
    tone: int = 0
    state: str = "Down"
    caller: tuple[str, str] = ("", "")
    exten: str = "s"
    stasis: bool = False
    bridge: str = ""
    muted_in: bool = False
    moh: str = ""
    playback: str = ""
    recording: str = ""
    snoop: tuple[str, str, str] = ("", "none", "none")
    dial: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[str, int]] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    received: Callable[[], int] = lambda: 0
    lost: int = 0
    on_answer: Callable[[], None] | None = None
    on_end: Callable[[], None] | None = None
    timer: asyncio.TimerHandle | None = None

    def view(self) -> dict[str, Any]:
        """As ARI gives it."""
        name, number = self.caller
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "protocol_id": f"{self.id}@asterisk.example",
            "caller": {"name": name, "number": number},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": "okno",
                "exten": self.exten,
                "priority": 2,
                "app_name": "Stasis",
                "app_data": "okno",
            },
            "creationtime": "2026-01-01T00:00:00.000+0000",
            "language": "en",
        }


@dataclass(eq=False)
class Bridge:
    """Members in order of joining."""

    id: str
    type: str
    channels: list[str] = field(default_factory=list)
    playback: str = ""
    moh: str = ""

    def view(self) -> dict[str, Any]:
        """As ARI gives it."""
        kind = "holding" if "holding" in self.type else "mixing"
        return {
            "id": self.id,
            "technology": "simple_bridge" if len(self.channels) <= 2 else "softmix",
            "bridge_type": kind,
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": self.id,
            "channels": list(self.channels),
            "video_mode": "none",
            "creationtime": "2026-01-01T00:00:00.000+0000",
        }


@dataclass(eq=False)
class Playback:
    """A file being played to a channel or bridge."""

    id: str
    target: str
    media: str
    tones: set[int]
    timer: asyncio.TimerHandle | None = None

    def view(self, state: str) -> dict[str, Any]:
        """As ARI gives it."""
        return {"id": self.id, "media_uri": self.media, "target_uri": self.target, "language": "en", "state": state}


@dataclass(eq=False)
class Recording:
    """What a channel brings, written down as it comes."""

    name: str
    channel: str
    format: str
    task: asyncio.Task[None] | None = None
    samples: list[np.ndarray] = field(default_factory=list)

    def view(self, state: str) -> dict[str, Any]:
        """As ARI gives it."""
        return {"name": self.name, "format": self.format, "state": state, "target_uri": f"channel:{self.channel}"}


class AsteriskModel:
    """The state and its rules. ``tell`` gets each event; whoever serves it sends it, or drops it when nobody listens."""

    def __init__(self, sounds_seen_as: str = "", sounds_folder: Path | None = None) -> None:
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.live: dict[str, Recording] = {}
        self.stored: dict[str, bytes] = {}
        self.tell: Callable[[dict[str, Any]], None] = lambda event: None
        self.listening: Callable[[], bool] = lambda: False
        self.full_disk = False
        self._seen_as, self._folder = sounds_seen_as, sounds_folder
        self._numbers = itertools.count(1)

    def new_channel(self, name: str, channel_id: str = "", **of: Any) -> Channel:
        """Make a channel that runs in the dialplan."""
        number = next(self._numbers)
        made = Channel(channel_id or f"1780000000.{number}", f"{name}-{number:08x}", **of)
        if made.id in self.channels:
            raise AriRefusal(409, "Channel with given unique ID already exists.")
        self.channels[made.id] = made
        return made

    def found(self, channel: str) -> Channel:
        """A channel in our application: what is not there is 404, what runs in the dialplan 409."""
        if (one := self.channels.get(channel)) is None:
            raise AriRefusal(404, "Channel not found")
        if not one.stasis:
            raise AriRefusal(409, "Channel not in Stasis application")
        return one

    def found_bridge(self, bridge: str) -> Bridge:
        """A bridge, or 404."""
        if (one := self.bridges.get(bridge)) is None:
            raise AriRefusal(404, "Bridge not found")
        return one

    # --- a channel's life ---

    def enter(self, channel: Channel, *arguments: str) -> None:
        """The dialplan says Stasis(): without a listener it fails, and the call with it."""
        if not self.listening():
            self.end(channel, 0)
            return
        channel.stasis = True
        self.tell({"type": "StasisStart", "args": list(arguments), "channel": channel.view()})

    def set_state(self, channel: Channel, state: str) -> None:
        """A new state, told to those who follow the channel."""
        channel.state = state
        self.tell({"type": "ChannelStateChange", "channel": channel.view()})

    def end(self, channel: Channel, cause: int = 16, asked: bool = False) -> None:
        """The channel ends, and with it what plays to it, records it and listens to it."""
        if self.channels.get(channel.id) is not channel:
            return
        if channel.timer is not None:
            channel.timer.cancel()
        if channel.stasis:
            self.tell({"type": "ChannelHangupRequest", "cause": cause, "soft": asked, "channel": channel.view()})
        if channel.playback:
            self.end_playback(channel.playback, "done")
        if channel.recording:
            self.end_recording(channel.recording)
        if channel.bridge:
            self.leave(channel)
        del self.channels[channel.id]
        if channel.stasis:
            self.tell({"type": "StasisEnd", "channel": channel.view()})
        told = {"type": "ChannelDestroyed", "cause": cause, "cause_txt": f"cause {cause}", "channel": channel.view()}
        self.tell(told)
        if channel.on_end is not None:
            channel.on_end()
        for snoop in [one for one in self.channels.values() if one.snoop[0] == channel.id]:
            self.end(snoop)

    # --- bridges ---

    def join(self, bridge: Bridge, channel: Channel) -> None:
        """Into a bridge, out of the one it was in."""
        if channel.recording:
            raise AriRefusal(409, f"Channel {channel.id} currently recording")
        if channel.bridge == bridge.id:
            return
        if channel.bridge:
            self.leave(channel)
        bridge.channels.append(channel.id)
        channel.bridge = bridge.id
        self.tell({"type": "ChannelEnteredBridge", "bridge": bridge.view(), "channel": channel.view()})

    def leave(self, channel: Channel) -> None:
        """Out of its bridge."""
        bridge, channel.bridge = self.bridges[channel.bridge], ""
        bridge.channels.remove(channel.id)
        self.tell({"type": "ChannelLeftBridge", "bridge": bridge.view(), "channel": channel.view()})

    def destroy(self, bridge: Bridge) -> None:
        """The members stay in the application."""
        for channel in list(bridge.channels):
            self.leave(self.channels[channel])
        if bridge.playback:
            self.end_playback(bridge.playback, "done")
        del self.bridges[bridge.id]
        self.tell({"type": "BridgeDestroyed", "bridge": bridge.view()})

    # --- media that Asterisk makes ---

    def play(self, target: Channel | Bridge, playback: str, media: str) -> Playback:
        """Play a file for as long as it is; one that can't be read fails at once."""
        kind = "channel" if isinstance(target, Channel) else "bridge"
        if playback in self.playbacks:
            raise AriRefusal(409, "Playback id is in use")
        if target.playback:
            self.end_playback(target.playback, "done")
        if isinstance(target, Channel):
            target.moh = ""
        path = self._file(media)
        if path is None:
            failed = Playback(playback, f"{kind}:{target.id}", media, set())
            self.tell({"type": "PlaybackFinished", "playback": failed.view("failed")})
            return failed
        with wave.open(str(path), "rb") as file:
            seconds = file.getnframes() / file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            made = Playback(playback, f"{kind}:{target.id}", media, tones_in(samples, file.getframerate()))
        self.playbacks[playback] = made
        target.playback = playback
        made.timer = asyncio.get_running_loop().call_later(seconds, self.end_playback, playback, "done")
        self.tell({"type": "PlaybackStarted", "playback": made.view("playing")})
        return made

    def end_playback(self, playback: str, state: str) -> None:
        """A sound has ended or was stopped."""
        made = self.playbacks.pop(playback)
        if made.timer is not None:
            made.timer.cancel()
        kind, _, target = made.target.partition(":")
        place = self.channels.get(target) if kind == "channel" else self.bridges.get(target)
        if place is not None:
            place.playback = ""
        self.tell({"type": "PlaybackFinished", "playback": made.view(state)})

    def _file(self, media: str) -> Path | None:
        """The file of a ``sound:`` URI: the folder is mapped as Asterisk's machine sees it, the suffix is Asterisk's to find."""
        name = media.removeprefix("sound:")
        if self._folder is not None and name.startswith(f"{self._seen_as}/"):
            name = str(self._folder / name.removeprefix(f"{self._seen_as}/"))
        path = Path(f"{name}.wav16")
        return path if media.startswith("sound:") and path.is_file() else None

    # --- recordings ---

    def record(self, channel: Channel, name: str, kind: str, if_exists: str) -> Recording:
        """Record what a channel brings; it must stand alone."""
        if channel.bridge:
            raise AriRefusal(409, "Channel is bridged")
        if name in self.live or (name in self.stored and if_exists == "fail"):
            raise AriRefusal(409, f"Recording '{name}' already exists and can not be overwritten")
        if kind not in ("wav", "wav16", "sln", "sln16", "ulaw", "alaw", "gsm"):
            raise AriRefusal(422, "specified format is unknown on this system")
        made = self.live[name] = Recording(name, channel.id, kind)
        channel.recording = name
        made.task = asyncio.create_task(self._write(made))
        self.tell({"type": "RecordingStarted", "recording": made.view("recording")})
        if self.full_disk:
            self.end_recording(name)
        return made

    async def _write(self, recording: Recording) -> None:
        """Samples as time passes, counted by the clock so that a late tick loses nothing."""
        loop = asyncio.get_running_loop()
        begun, written = loop.time(), 0
        while True:
            await asyncio.sleep(0.02)
            until = round((loop.time() - begun) * RATE)
            moments = np.arange(written, until) / RATE
            block = np.zeros(until - written)
            if (channel := self.channels.get(recording.channel)) is not None:
                for tone in self.spoken(channel):
                    if isinstance(tone, int):
                        block += 6000 * np.sin(2 * np.pi * tone * moments)
            recording.samples.append(block.astype("<i2"))
            written = until

    def end_recording(self, name: str) -> None:
        """Close the file."""
        made = self.live.pop(name)
        assert made.task is not None
        made.task.cancel()
        if (channel := self.channels.get(made.channel)) is not None:
            channel.recording = ""
        if self.full_disk:
            failed = {**made.view("failed"), "cause": "No space left on device"}
            self.tell({"type": "RecordingFailed", "recording": failed})
            return
        self.stored[name] = _wav(np.concatenate([*made.samples, np.zeros(0, "<i2")]))
        self.tell({"type": "RecordingFinished", "recording": made.view("done")})

    # --- who hears whom ---

    def heard(self, channel: Channel) -> Heard:
        """What reaches a channel's far end now."""
        return self._base_heard(channel) | self._whispered(channel, "out")

    def spoken(self, channel: Channel) -> Heard:
        """What a channel brings into its bridge now."""
        target, spy, _ = channel.snoop
        if target:
            spied = self.channels.get(target)
            if spied is None:
                return set()
            heard: Heard = set()
            if spy in ("in", "both"):
                # A spy stands before the mute: it hears what a muted party says.
                heard |= {spied.tone} if spied.tone and spied.state == "Up" else set()
            return heard | (self._base_heard(spied) if spy in ("out", "both") else set())
        if channel.playback and channel.bridge:
            return set()
        own: Heard = set() if channel.muted_in or channel.state != "Up" or not channel.tone else {channel.tone}
        return own | self._whispered(channel, "in")

    def _base_heard(self, channel: Channel) -> Heard:
        if channel.playback:
            return set(self.playbacks[channel.playback].tones)
        if channel.moh:
            return {f"music:{channel.moh}"}
        bridge = self.bridges.get(channel.bridge)
        return set() if bridge is None else self._in_bridge(bridge, channel)

    def _in_bridge(self, bridge: Bridge, listener: Channel) -> Heard:
        heard: Heard = set()
        for other in bridge.channels:
            if other != listener.id:
                heard |= self.spoken(self.channels[other])
        if bridge.playback:
            heard |= self.playbacks[bridge.playback].tones
        if bridge.moh:
            heard.add(f"music:{bridge.moh}")
        return heard

    def _whispered(self, channel: Channel, direction: str) -> Heard:
        heard: Heard = set()
        for snoop in self.channels.values():
            target, _, whisper = snoop.snoop
            if target == channel.id and whisper in (direction, "both") and snoop.bridge:
                heard |= self._in_bridge(self.bridges[snoop.bridge], snoop)
        return heard


def _wav(samples: np.ndarray) -> bytes:
    import io

    raw = io.BytesIO()
    with wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return raw.getvalue()
