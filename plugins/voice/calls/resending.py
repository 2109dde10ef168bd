"""Scenes that never reached the voice process are sent anew: what was decided stands, so it must also be heard.

A scene is sent after its commit; a full socket, a stall or a process that is killed between the two loses it. The voice process
knows the version of each call's newest scene, the rows the version that should be there.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from sqlalchemy import select

from core.db import db, transaction
from plugins.voice import switchboard
from plugins.voice.calls import book, stage
from plugins.voice.models.calls import VoiceCall
from plugins.voice.process.scene import Scene

log = structlog.get_logger("okno.voice")


def send_lost() -> int:
    """Send what the voice process has not got; a job of the worker. Gives how many scenes there were."""
    try:
        told = switchboard.ask("scenes", {})
    except (switchboard.Away, switchboard.Refused) as error:
        log.debug("scenes were not compared", why=str(error))
        return 0
    scenes = [*_of_open_calls(told["process"], told["versions"]), *_of_ended_calls(told["versions"])]
    if scenes:
        log.warning("scenes are sent anew", calls=[scene.call for scene in scenes])
        switchboard.send(scenes)
    return len(scenes)


def _of_open_calls(process: str, versions: Mapping[str, int]) -> list[Scene]:
    query = select(VoiceCall.id, VoiceCall.key, VoiceCall.version).where(
        VoiceCall.ended_at.is_(None), VoiceCall.process == process
    )
    late = [
        row.id for row in db.session.execute(query.order_by(VoiceCall.id)) if versions.get(row.key, 0) < row.version
    ]
    db.session.rollback()
    scenes = []
    for call_id in late:
        with transaction():
            if (call := book.lock(call_id)) is not None:
                scenes.append(stage.scene_of(call))
    return scenes


def _of_ended_calls(versions: Mapping[str, int]) -> list[Scene]:
    """Calls that go on in the voice process alone."""
    if not versions:
        return []
    query = select(VoiceCall).where(VoiceCall.key.in_(list(versions)), VoiceCall.ended_at.is_not(None))
    scenes = [stage.scene_of(call) for call in db.session.scalars(query.order_by(VoiceCall.id)).all()]
    db.session.rollback()
    return scenes
