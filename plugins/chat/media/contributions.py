"""What calls and shown pages contribute: buttons, panels, jobs; :mod:`plugins.chat.hooks` hands it on."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, union_all

from core.contracts import Asset, Control, DeskContext, Job, Panel, PublishedEvent, Text
from core.db import db
from core.model import Interaction
from plugins.chat.models import Call, Cobrowse

JOB_SECONDS = 15


def assets() -> list[Asset]:
    """The small module that listens for calls, and its styles; what a call needs is loaded when there is one."""
    return [
        Asset("module", "/chat/static/media/desk-media.js", permission="case.reply"),
        Asset("css", "/chat/static/media/desk-media.css", permission="case.reply"),
    ]


def controls(interaction: Interaction) -> list[Control]:
    """«Call» and «Video call» of a chat that the agent has in hand."""
    from plugins.chat.media.call_rules import rule_of

    rule = rule_of(interaction.service_id)
    place = f"/chat/interactions/{interaction.id}/call"
    found = []
    if rule.audio:
        found.append(Control("chat.call", Text("Call", "Позвонить"), "phone", f"{place}/audio", order=60))
    if rule.video:
        found.append(Control("chat.video", Text("Video call", "Видеозвонок"), "video", f"{place}/video", order=61))
    return found


def panels(context: DeskContext) -> list[Panel]:
    """Recordings beside a case that has some; what a service allows on its page."""
    from plugins.chat.media.recordings import any_of_case

    rule = Text("Calls in chats", "Звонки в чатах")
    found = [Panel("chat-calls", rule, "video", "/chat/call-rules", "service", permission="admin.services")]
    if context.case_id is not None and any_of_case(context.case_id):
        title = Text("Recordings of calls", "Записи звонков")
        found.append(Panel("chat-recordings", title, "microphone", f"/chat/recordings?case={context.case_id}", "case"))
    return found


def jobs() -> list[Job]:
    """What nobody has answered ends; what a browser has left half-done is completed."""
    return [Job("chat.media", _run_due, seconds=JOB_SECONDS)]


def _run_due() -> None:
    from plugins.chat.media import calls, cobrowsing, recordings

    calls.end_unanswered()
    cobrowsing.end_unanswered()
    recordings.complete_quiet()


def chats_moved(events: Sequence[PublishedEvent]) -> None:
    """Chats that ended or went to another agent, in whatever way: calls and shown pages of the one before end with them."""
    ids = {event.payload["interaction_id"] for event in events if event.type == "interaction.changed"}
    if not ids:
        return
    from plugins.chat.media import calls, cobrowsing

    open_ones = union_all(
        *(
            select(row.interaction_id).where(row.interaction_id.in_(ids), row.ended_at.is_(None))
            for row in (Call, Cobrowse)
        )
    )
    for interaction_id in set(db.session.scalars(open_ones)):
        calls.end_with_chat(interaction_id)
        cobrowsing.end_with_chat(interaction_id)
