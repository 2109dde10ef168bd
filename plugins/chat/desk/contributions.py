"""What the agents' side adds to the desk, hook by hook."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from core.contracts import Asset, CommandMount, DeskContext, InteractionInfo, Job, MenuItem, Panel, Permission, Text
from core.db import db
from core.model import Interaction
from plugins.chat.desk import canned, greeting, inactivity, rules


def permissions() -> list[Permission]:
    """Canned replies of teams and of everybody."""
    title = Text("Manage canned replies of all", "Управлять общими заготовленными ответами")
    return [Permission(canned.PERMISSION, title, ("supervisor", "editor", "admin"))]


def panels(context: DeskContext) -> list[Panel]:
    """The visitor beside the conversation, canned replies under the answer, the rules on the page of a service."""
    found = [
        Panel(
            "chat-rules",
            Text("Chat: waiting, silence, greeting", "Чат: ожидание, молчание, приветствие"),
            "message-circle",
            "/chat/rules",
            "service",
            order=60,
            permission="admin.services",
        )
    ]
    if context.interaction_id is not None and context.channel in inactivity.talking_channels():
        button = Text("Canned replies", "Заготовленные ответы")
        found.append(Panel("chat-canned", button, "bolt", "/chat/canned/button", "reply", 20, "case.reply"))
    newest = _newest_chat(context)
    if newest is not None:
        url = f"/chat/interactions/{newest}/visitor"
        found.append(Panel("chat-visitor", Text("Visitor", "Посетитель"), "world", url, "case", 5, "case.view"))
    return found


def _newest_chat(context: DeskContext) -> int | None:
    """The chat in focus, else the newest of the case."""
    if context.interaction_id is not None and context.channel in inactivity.talking_channels():
        return context.interaction_id
    if context.case_id is None:
        return None
    chats = select(Interaction.id).where(
        Interaction.case_id == context.case_id, Interaction.channel.in_(inactivity.talking_channels())
    )
    return db.session.scalar(chats.order_by(Interaction.id.desc()).limit(1))


def menu_items(context: DeskContext) -> list[MenuItem]:
    """Canned replies of all, in the admin menu; one's own are behind the button under the answer."""
    label = Text("Canned replies", "Заготовленные ответы")
    return [
        MenuItem(
            "chat-canned", label, "bolt", "/chat/canned/all", area="admin", order=230, permission=canned.PERMISSION
        )
    ]


def assets() -> list[Asset]:
    """Signs, canned replies and the look of a conversation."""
    return [
        Asset("css", "/chat/static/desk.css"),
        Asset("module", "/chat/static/desk-signs.js"),
        Asset("module", "/chat/static/desk-canned.js"),
    ]


def jobs() -> list[Job]:
    """Silent visitors are warned, their chats closed."""

    def look() -> None:
        inactivity.run_due()

    return [Job("chat.inactivity", look, seconds=inactivity.SECONDS)]


def commands() -> list[CommandMount]:
    """``okno canned`` and ``okno chat-rules``."""
    from plugins.chat.desk import commands as desk_commands

    return [CommandMount(desk_commands.canned), CommandMount(desk_commands.chat_rules)]


def assigned(interaction: InteractionInfo) -> None:
    """An agent has got it: the greeting, or word of who serves from now on."""
    if not greeting.greet(interaction):
        greeting.introduce(interaction)


def answer_seconds(service_ids: Collection[int]) -> Mapping[int, int]:
    """When the bar turns orange, where a service says so."""
    known = rules.all_rules()
    return {key: seconds for key in service_ids if key in known and (seconds := known[key].answer_seconds) is not None}
