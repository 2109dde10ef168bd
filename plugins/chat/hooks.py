"""What chat contributes. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from core import error_texts, hookimpl
from core.contracts import (
    Asset,
    BlueprintMount,
    Capabilities,
    Channel,
    CommandMount,
    Control,
    DeskContext,
    ErrorText,
    HealthCheck,
    Inbound,
    InteractionInfo,
    Job,
    MenuItem,
    Panel,
    Permission,
    PluginSchema,
    PublishedEvent,
    Setting,
    Text,
)

HERE = Path(__file__).parent
CHANNEL = "chat"
FILE_TYPES = [
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "pdf",
    "txt",
    "log",
    "csv",
    "rtf",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "ppt",
    "pptx",
    "odt",
    "ods",
    "zip",
    "mp3",
    "ogg",
    "m4a",
    "mp4",
    "webm",
    "mov",
    "eml",
    "msg",
]


@hookimpl
def register_models() -> list[PluginSchema]:
    """The tables of widgets, of agents' tools and of calls."""
    return [PluginSchema(HERE / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    """Limits for what visitors write, and how calls connect."""
    from plugins.chat.media.media_settings import SETTINGS
    from plugins.chat.visitor.visitor_settings import SETTINGS as FROM_VISITORS

    return [
        *FROM_VISITORS,
        Setting(
            "chat.max_characters", int, 4000, Text("Longest message, characters", "Самое длинное сообщение, знаков")
        ),
        Setting(
            "chat.flood_messages",
            int,
            10,
            Text(
                "Messages a visitor may send in 10 seconds", "Сколько сообщений посетитель может отправить за 10 секунд"
            ),
        ),
        *SETTINGS,
    ]


@hookimpl
def register_channels() -> list[Channel]:
    """The channel: live, plain text."""
    from plugins.chat.telling import deliver

    return [Channel(CHANNEL, Text("Chat", "Чат"), "message-circle", Capabilities(live=True), CHANNEL, deliver)]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The visitor's requests and the demo page; what agents do."""
    from plugins.chat.desk.routes import blueprint as desk
    from plugins.chat.media.media_routes import blueprint as media
    from plugins.chat.visitor.admin_views import blueprint as admin
    from plugins.chat.visitor.views import blueprint as visitor

    return [
        BlueprintMount(visitor, "/chat", public=True),
        BlueprintMount(desk, "/chat"),
        BlueprintMount(media, "/chat"),
        BlueprintMount(admin),
    ]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def before_interaction_open(inbound: Inbound) -> None:
    """Refuse visitors who leave messages faster than people do; what is said in a conversation is counted where it is taken in."""
    if inbound.channel == CHANNEL and inbound.extra.get("form"):
        from plugins.chat.visitor.messages import refuse_flood

        refuse_flood(inbound.sender.value)


@hookimpl
def after_interaction_opened(interaction: InteractionInfo) -> None:
    """Tell the visitor that an agent is being found."""
    _tell(interaction)


@hookimpl
def after_assigned(interaction: InteractionInfo) -> None:
    """Tell the visitor who has joined."""
    _tell(interaction)


@hookimpl
def during_assigned(interaction: InteractionInfo) -> None:
    """The agent's greeting, where the service wishes one; a visitor who was served reads who serves now."""
    from plugins.chat.desk import contributions as desk

    desk.assigned(interaction)


@hookimpl
def collect_answer_seconds(service_ids: Collection[int]) -> Mapping[int, int]:
    """When the bar of a waiting contact turns orange."""
    from plugins.chat.desk import contributions as desk

    return desk.answer_seconds(service_ids)


@hookimpl
def register_permissions() -> list[Permission]:
    """Who writes canned replies for others."""
    from plugins.chat.desk import contributions as desk

    return desk.permissions()


@hookimpl
def after_interaction_closed(interaction: InteractionInfo) -> None:
    """Tell the visitor that the conversation is over; the next message begins a new one."""
    _tell(interaction)


def _tell(interaction: InteractionInfo) -> None:
    if interaction.channel == CHANNEL:
        from plugins.chat.telling import tell_state

        tell_state(interaction.id)


@hookimpl
def collect_controls(context: DeskContext) -> list[Control]:
    """«End chat» while the chat is under way."""
    if context.channel != CHANNEL or context.interaction_id is None:
        return []
    from core.db import db
    from core.model import Interaction

    interaction = db.session.get(Interaction, context.interaction_id)
    if interaction is None or interaction.state != "active":
        return []
    from plugins.chat.media import contributions

    url = f"/chat/interactions/{context.interaction_id}/end"
    ends = Control("chat.end", Text("End chat", "Завершить чат"), "player-stop", url, style="danger")
    return [*contributions.controls(interaction), ends]


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """Recordings of a case; what calls a service takes, on its page."""
    from plugins.chat.desk import contributions as desk
    from plugins.chat.media import contributions

    return [*contributions.panels(context), *desk.panels(context)]


@hookimpl
def register_assets() -> list[Asset]:
    """What listens for calls at the desk."""
    from plugins.chat.desk import contributions as desk
    from plugins.chat.media import contributions
    from plugins.chat.visitor import contributions as visitor

    return [*contributions.assets(), *desk.assets(), *visitor.assets()]


@hookimpl
def register_jobs() -> list[Job]:
    """Calls that nobody answers end, half-done recordings are completed; silent visitors are warned."""
    from plugins.chat.desk import contributions as desk
    from plugins.chat.media import contributions
    from plugins.chat.visitor import contributions as visitor

    return [*contributions.jobs(), *desk.jobs(), *visitor.jobs()]


@hookimpl
def during_events(events: Sequence[PublishedEvent]) -> None:
    """A chat that ends or goes to another agent takes its call along."""
    from plugins.chat.media import contributions

    contributions.chats_moved(events)


@hookimpl
def check_health() -> list[HealthCheck]:
    """Whether the settings of calls make sense."""
    from plugins.chat.media import ice

    return [ice.health()]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """Widgets, the demo page, canned replies."""
    from plugins.chat.desk import contributions as desk
    from plugins.chat.visitor import contributions as visitor

    return [*desk.menu_items(context), *visitor.menu_items(context)]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno canned``, ``okno chat-rules`` and ``okno chat-widgets``."""
    from plugins.chat.desk import contributions as desk
    from plugins.chat.visitor import contributions as visitor

    return [*desk.commands(), *visitor.commands()]


@hookimpl
def collect_hints(language: str) -> list[Text]:
    """Where to write from as a customer."""
    return [Text("Chat as a customer: open /chat/demo", "Написать в чат как клиент: откройте /chat/demo")]


@hookimpl
def load_demo(folder: str) -> None:
    """A widget for the demo page, canned replies for the desk."""
    from plugins.chat.desk import demo
    from plugins.chat.visitor import contributions as visitor

    visitor.load_demo()
    demo.load()


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
