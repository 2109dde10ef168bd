"""Teams and their members."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from core import directory
from core.db import transaction
from core.model import Team
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, typed


@blueprint.get("/teams")
@require("admin.users")
def teams() -> Answer:
    """All teams with their members."""
    return draw("teams", teams=directory.list_teams())


@blueprint.get("/teams/new")
@require("admin.users")
def new_team() -> Answer:
    """An empty form."""
    return _page(None, FormState({}), {})


@blueprint.post("/teams/new")
@require("admin.users")
def add_team() -> Answer:
    """Add a team with its members."""
    values, members = typed("key", "title_en", "title_ru"), _posted_members()

    def add() -> None:
        with transaction():
            team = directory.add_team(**values)
            directory.set_members(team.id, members)

    errors = attempt(add)
    return _page(None, FormState(values, errors), members) if errors else done("admin.teams", _("Team added"))


@blueprint.get("/teams/<key>")
@require("admin.users")
def team(key: str) -> Answer:
    """One team."""
    shown = found(lambda: directory.get_team(key))
    members = {member.user_id: member.supervisor for member in shown.members}
    return _page(shown, FormState(_values(shown)), members)


@blueprint.post("/teams/<key>")
@require("admin.users")
def change_team(key: str) -> Answer:
    """Change titles and members together, or nothing."""
    team_id = found(lambda: directory.get_team(key)).id
    values, members = typed("title_en", "title_ru"), _posted_members()

    def change() -> None:
        with transaction():
            directory.update_team(team_id, **values)
            directory.set_members(team_id, members)

    errors = attempt(change)
    if errors:
        return _page(directory.get_team(key), FormState({"key": key, **values}, errors), members)
    return done("admin.teams")


def _posted_members() -> dict[int, bool]:
    supervisors = set(request.form.getlist("supervisors"))
    chosen = {*request.form.getlist("members"), *supervisors}
    return {int(value): value in supervisors for value in sorted(chosen) if value.isdigit()}


def _values(shown: Team) -> dict[str, Any]:
    return {"key": shown.key, "title_en": shown.title_en, "title_ru": shown.title_ru}


def _page(shown: Team | None, form: FormState, members: dict[int, bool]) -> Answer:
    people = [user for user in directory.list_users() if user.disabled_at is None or user.id in members]
    return draw("team", form, team=shown, people=people, members=members)
