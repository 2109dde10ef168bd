"""What voice contributes. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Flask

from core import error_texts, hookimpl
from core.contracts import (
    Asset,
    Badge,
    BlueprintMount,
    Capabilities,
    Channel,
    CommandMount,
    Control,
    Daemon,
    DeskContext,
    ErrorText,
    HealthCheck,
    InteractionInfo,
    Job,
    MenuItem,
    NoticeKind,
    Panel,
    Permission,
    PersonAction,
    PluginSchema,
    Process,
    PublishedEvent,
    Setting,
    Text,
)

HERE = Path(__file__).parent
CHANNEL = "voice"
CAPABILITIES = Capabilities(live=True, media=True, initiate=True)


@hookimpl
def register_models() -> list[PluginSchema]:
    """The tables of calls, and of what is kept about them."""
    from plugins.voice import models

    assert models.__all__
    return [PluginSchema(HERE / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    """What carries calls, what may be dialled, how callers wait; the servers that help two ends find each other."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.call_settings import SETTINGS

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
        *SETTINGS,
        *features.settings(),
    ]


@hookimpl
def register_channels() -> list[Channel]:
    """The channel: live, with media, contacts known by their number; agents may call."""
    from plugins.voice.operations import begin_call, deliver

    label = Text("Call", "Звонок")
    call = Text("Call", "Позвонить")
    return [
        Channel(
            CHANNEL,
            label,
            "phone",
            CAPABILITIES,
            "phone",
            deliver,
            initiate=begin_call,
            initiate_label=call,
            colleague_url="/voice/phone?user={id}",
        )
    ]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The admin page and the agent's «Hang up»; the softphone and the pages of calls."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.call_routes import calls, visitors
    from plugins.voice.desk.routes import blueprint as desk
    from plugins.voice.views import blueprint

    return [
        BlueprintMount(blueprint),
        BlueprintMount(calls, "/voice"),
        BlueprintMount(visitors, "/voice", public=True),
        BlueprintMount(desk, "/voice"),
        *features.blueprints(),
    ]


@hookimpl
def register_permissions() -> list[Permission]:
    """Who may have a telephone; who hears recordings, keeps messages, watches registration."""
    from plugins.voice import feature_contributions as features

    title = Text("Make and take calls", "Звонить и принимать звонки")
    return [Permission("voice.call", title, ("agent", "supervisor", "admin")), *features.permissions()]


@hookimpl
def register_assets() -> list[Asset]:
    """The small module that hears of calls, and the softphone's looks; players and recorders."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.desk import contributions

    return [*contributions.assets(), *features.assets()]


@hookimpl
def register_person_actions() -> list[PersonAction]:
    """«Call» at every colleague."""
    from plugins.voice.desk import contributions

    return contributions.person_actions()


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """Microphone and loudspeaker, messages and voicemail in the agent's own settings; what a service does; calls of a case."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.desk import contributions

    return [*contributions.panels(context), *features.panels(context)]


@hookimpl
def collect_case_badges(case_ids: Sequence[int], language: str) -> Mapping[int, list[Badge]]:
    """Whose contact waits to be called back; an offer of such a case says so."""
    from plugins.voice.registration.callbacks import badges

    return badges(case_ids, language)


@hookimpl
def register_processes() -> list[Process]:
    """The process that carries sound."""

    def carry(app: Flask) -> None:
        from plugins.voice.process.run import run

        run(app)

    return [Process("voice", carry)]


@hookimpl
def register_daemons() -> list[Daemon]:
    """What reads the events of the voice process, on the leading worker."""
    from plugins.voice.calls.listening import start

    return [Daemon("voice-events", start, leader=True)]


@hookimpl
def register_jobs() -> list[Job]:
    """What time alone does to calls; what was recorded is encoded, and forgotten after its days."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.calls.timing import run_due

    return [Job("voice.due", run_due, 2), *features.jobs()]


@hookimpl
def during_events(events: Sequence[PublishedEvent]) -> None:
    """Calls follow their interactions, in the same transaction."""
    from plugins.voice.calls.serving import moved

    moved(events)


@hookimpl
def check_health() -> list[HealthCheck]:
    """Whether the voice process answers."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.operations import health

    return [*health(), *features.health()]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno voice``."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.cli import voice

    features.add_commands(voice)
    return [CommandMount(voice)]


@hookimpl
def register_notices() -> list[NoticeKind]:
    """A voicemail has come."""
    from plugins.voice import feature_contributions as features

    return features.notices()


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
    from plugins.voice import feature_contributions as features
    from plugins.voice.desk import contributions

    return [
        *contributions.menu_items(context),
        *features.menu_items(context),
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
    """A number for the default service, so that a test call has somewhere to ring; a menu to try, lines."""
    from plugins.voice import feature_contributions as features
    from plugins.voice.operations import ensure_number

    ensure_number("+78000000001")
    features.load_demo()


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
