"""What the plugin tells the core; each hook imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core import hookimpl
from core.contracts import (
    Asset,
    Badge,
    BlueprintMount,
    CaseChange,
    CommandMount,
    DeskContext,
    HealthCheck,
    HomeTile,
    Job,
    MenuItem,
    NoticeKind,
    Panel,
    Permission,
    PluginSchema,
    Setting,
    SetupChange,
    Text,
)

FOLDER = Path(__file__).parent
MANAGE = "sla.manage"


@hookimpl
def register_models() -> list[PluginSchema]:
    """The tables sla_policy, sla_clock."""
    from plugins.sla import models  # noqa: F401 -- importing them is what registers them

    return [PluginSchema(FOLDER / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    """What holds for services that name no calendar or policy of their own."""
    return [
        Setting(
            "sla.calendar",
            str,
            "default",
            Text("Calendar of services without their own", "Календарь сервисов без собственного"),
        ),
        Setting(
            "sla.policy",
            str,
            "default",
            Text("Policy of services without their own", "Нормативы сервисов без собственных"),
        ),
    ]


@hookimpl
def register_permissions() -> list[Permission]:
    """Policies and what a service promises."""
    return [Permission(MANAGE, Text("Manage service levels", "Управлять сроками обслуживания"), ("admin",))]


@hookimpl
def register_translations() -> list[str]:
    """Texts of the pages."""
    return [str(FOLDER / "translations")]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The clock on the case, the tile, the admin pages."""
    from plugins.sla import admin_views, views

    return [BlueprintMount(views.blueprint), BlueprintMount(admin_views.blueprint)]


@hookimpl
def register_assets() -> list[Asset]:
    """Looks of the clock."""
    return [Asset("css", "/sla/static/sla.css"), Asset("css", "/sla/static/sla.css", "admin")]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno sla …``."""
    from plugins.sla.commands import sla

    return [CommandMount(sla)]


@hookimpl
def register_jobs() -> list[Job]:
    """Warnings every five seconds, clocks for cases that have none every minute."""
    from plugins.sla import upkeep

    def adopt() -> None:
        while upkeep.adopt_missing() == upkeep.BATCH:
            continue

    return [Job("sla.watch", upkeep.watch, 5), Job("sla.adopt", adopt, 60)]


@hookimpl
def during_case_change(change: CaseChange) -> None:
    """The clock starts, pauses, meets its targets; a line is left late."""
    from plugins.sla import lines
    from plugins.sla.case_clocks import follow

    follow(change)
    lines.follow(change)


@hookimpl
def before_setup_change(change: SetupChange) -> None:
    """Hours hold every target, and a calendar that promises depend on stays."""
    from plugins.sla.catalogue_changes import refuse_setup

    refuse_setup(change)


@hookimpl
def during_setup_change(change: SetupChange) -> None:
    """Other hours: the open clocks are worked out anew."""
    from plugins.sla.catalogue_changes import follow_setup

    follow_setup(change)


@hookimpl
def collect_case_badges(case_ids: Sequence[int], language: str) -> Mapping[int, list[Badge]]:
    """What is left of the promise that is open, and of the support line's."""
    from plugins.sla import lines
    from plugins.sla.badges import collect

    found = collect(case_ids, language)
    for case_id, mark in lines.collect(case_ids, language).items():
        found.setdefault(case_id, []).append(mark)
    return found


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """The clock beside a case."""
    if context.case_id is None:
        return []
    url = f"/sla/cases/{context.case_id}/panel"
    return [Panel("sla", Text("Service level", "Сроки"), "clock", url, "case", 20, "case.view")]


@hookimpl
def collect_home_tiles(context: DeskContext) -> list[HomeTile]:
    """What is about to be late."""
    return [HomeTile("sla", Text("About to be late", "Подходит срок"), "/sla/tile", 20, "case.view")]


@hookimpl
def register_notices() -> list[NoticeKind]:
    """The words of «nearly due» and «late» in the notification centre; the desk's own notice has shown them for a moment already."""
    from plugins.sla.telling import notice_words

    return [
        NoticeKind("sla.warning", "alarm", notice_words, "warn", toast=False),
        NoticeKind("sla.breached", "alarm", notice_words, "bad", toast=False),
    ]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """The admin page."""
    label = Text("Service levels", "Сроки обслуживания")
    return [MenuItem("sla", label, "clock", "/admin/sla", "admin", 60, MANAGE)]


@hookimpl
def load_demo(folder: str) -> None:
    """Calendars and policies of the demo centre, and its cases' clocks by them."""
    from plugins.sla.demo import load_demo as load

    load()


@hookimpl
def check_health() -> list[HealthCheck]:
    """Whether services name what exists and the warning job keeps up."""
    from plugins.sla.health import checks

    return checks()
