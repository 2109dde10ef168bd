"""What voice contributes. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

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
    InteractionInfo,
    MenuItem,
    Panel,
    Permission,
    Setting,
    Text,
)

HERE = Path(__file__).parent
CHANNEL = "voice"
CAPABILITIES = Capabilities(live=True, media=True)


@hookimpl
def register_settings() -> list[Setting]:
    """The servers that help two ends find each other; shown at /admin/voice, used once calls have audio."""
    stun = Text(
        "STUN servers, host:port; none: no server is asked", "Серверы STUN, хост:порт; пусто: серверы не опрашиваются"
    )
    turn = Text(
        "TURN server, host:port, for networks that let nothing else through",
        "Сервер TURN, хост:порт, для закрытых сетей",
    )
    return [
        Setting("voice.stun", list, [], stun),
        Setting("voice.turn", str, "", turn),
        Setting(
            "voice.turn_secret",
            str,
            "",
            Text("Shared secret of the TURN server", "Общий секрет сервера TURN"),
            secret=True,
        ),
    ]


@hookimpl
def register_channels() -> list[Channel]:
    """The channel: live, with media, contacts known by their number."""
    from plugins.voice.operations import deliver

    return [Channel(CHANNEL, Text("Call", "Звонок"), "phone", CAPABILITIES, "phone", deliver)]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The admin page and the agent's «Hang up»; the softphone and the pages of calls."""
    from plugins.voice.desk.routes import blueprint as desk
    from plugins.voice.views import blueprint

    return [BlueprintMount(blueprint), BlueprintMount(desk, "/voice")]


@hookimpl
def register_permissions() -> list[Permission]:
    """Who may have a telephone."""
    title = Text("Make and take calls", "Звонить и принимать звонки")
    return [Permission("voice.call", title, ("agent", "supervisor", "admin"))]


@hookimpl
def register_assets() -> list[Asset]:
    """The small module that hears of calls, and the softphone's looks."""
    from plugins.voice.desk import contributions

    return contributions.assets()


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """Microphone and loudspeaker in the agent's own settings."""
    from plugins.voice.desk import contributions

    return contributions.panels(context)


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno voice``."""
    from plugins.voice.cli import voice

    return [CommandMount(voice)]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def after_assigned(interaction: InteractionInfo) -> None:
    """The agent has answered: the case's history says so."""
    if interaction.channel == CHANNEL:
        from plugins.voice.operations import note_answer

        note_answer(interaction.id)


@hookimpl
def collect_controls(context: DeskContext) -> list[Control]:
    """«Hang up» while the call is under way."""
    if context.channel != CHANNEL or context.interaction_id is None:
        return []
    from plugins.voice.operations import under_way

    if not under_way(context.interaction_id):
        return []
    url = f"/voice/calls/{context.interaction_id}/hang-up"
    return [Control("voice.hang-up", Text("Hang up", "Положить трубку"), "phone-off", url, style="danger")]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """The admin page; «Telephone» and «Calls now»."""
    from plugins.voice.desk import contributions

    return [
        *contributions.menu_items(context),
        MenuItem(
            "voice",
            Text("Voice", "Телефония"),
            "phone",
            "/admin/voice",
            area="admin",
            order=230,
            permission="admin.view",
        ),
    ]


@hookimpl
def load_demo(folder: str) -> None:
    """A number for the default service, so that a test call has somewhere to ring."""
    from plugins.voice.operations import ensure_number

    ensure_number("+78000000001")


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
