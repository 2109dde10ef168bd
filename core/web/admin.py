"""The admin pages: this module gathers them and draws the overview. Each noun has a module of its own."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import func, select

from core import __version__, doctor
from core.db import db
from core.house import okno
from core.model import Intake, OutboxRow, Service, Team, User
from core.permissions import require
from core.web import (
    admin_api,
    admin_bans,
    admin_calendars,
    admin_case_form,
    admin_dispositions,
    admin_help,
    admin_people,
    admin_ping_targets,
    admin_plugins,
    admin_reasons,
    admin_screen_pops,
    admin_service_lines,
    admin_services,
    admin_skills,
    admin_teams,
    admin_transit,
    admin_workflows,
)
from core.web.admin_frame import Answer, blueprint, draw
from core.web.language import here

PAGES = (
    admin_api, admin_bans, admin_calendars, admin_case_form, admin_dispositions, admin_help, admin_people, admin_ping_targets, admin_plugins, admin_reasons,
    admin_screen_pops, admin_service_lines, admin_services, admin_skills, admin_teams, admin_transit, admin_workflows,
)  # fmt: skip
__all__ = ["PAGES", "blueprint"]


@blueprint.get("")
@require("admin.view")
def overview() -> Answer:
    """How the house stands: counts, and the checks of ``okno doctor``."""
    checks = doctor.examine_app(current_app, here())
    return draw(
        "overview",
        counts={
            "users": _count(select(func.count(User.id)).where(User.disabled_at.is_(None))),
            "teams": _count(select(func.count(Team.id))),
            "services": _count(select(func.count(Service.id)).where(Service.active)),
            "plugins": len(okno().plugins.loaded),
            "dead": _count(select(func.count(OutboxRow.id)).where(OutboxRow.state == "dead")),
            "failed": _count(select(func.count(Intake.id)).where(Intake.state == "failed")),
        },
        checks=sorted(checks, key=lambda check: check.ok),
        version=__version__,
        home=okno().config.home,
    )


def _count(query: object) -> int:
    return int(db.session.scalar(query) or 0)  # type: ignore[call-overload]
