"""Teams: their members, how much of what they get, what follows what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext as _

from core import directory, team_rules, team_words
from core.db import transaction
from core.house import okno
from core.model import Team
from core.permissions import require
from core.routing.capacity import usual
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, posted_rows, present, typed
from core.web.language import here

TITLES = ("title_en", "title_ru")
AFTER = ("after_sign_in", "after_work", "after_reject", "after_no_answer")
RULES = (*AFTER, "away_minutes", "break_minutes", "start_url")


@blueprint.get("/teams")
@require("admin.users")
def teams() -> Answer:
    """All teams with their members."""
    return draw("teams", teams=directory.list_teams())


@blueprint.get("/teams/new")
@require("admin.users")
def new_team() -> Answer:
    """A form with the usual rules."""
    return _page(None, FormState({"away_minutes": 15, "break_minutes": 60, "capacity": {}, "mix": []}), {})


@blueprint.post("/teams/new")
@require("admin.users")
def add_team() -> Answer:
    """Add a team with its members and rules."""
    values, members = typed("key", *TITLES), _posted_members()
    rules = _posted_rules()

    def add() -> None:
        with transaction():
            team = directory.add_team(**values)
            directory.set_members(team.id, members)
            team_rules.set_rules(team.id, **rules)

    errors = attempt(add)
    if errors:
        return _page(None, FormState({**values, **rules}, errors), members)
    return done("admin.team", _("Team added"), key=values["key"].strip())


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
    """Change titles, members and rules together, or nothing."""
    team_id = found(lambda: directory.get_team(key)).id
    values, members, rules = typed(*TITLES), _posted_members(), _posted_rules()

    def change() -> None:
        with transaction():
            directory.update_team(team_id, **values)
            directory.set_members(team_id, members)
            team_rules.set_rules(team_id, **rules)

    errors = attempt(change)
    if errors:
        return _page(directory.get_team(key), FormState({"key": key, **values, **rules}, errors), members)
    return done("admin.team", key=key)


def posted_capacity() -> dict[str, dict[str, str]]:
    """The numbers of the form by channel; an empty one follows what holds without it."""
    found: dict[str, dict[str, str]] = {}
    for name, value in request.form.items():
        kind, _sep, channel = name.partition(":")
        if kind in ("push", "limit") and value.strip():
            found.setdefault(channel, {})[kind] = value.strip()
    return found


def capacity_rows(own: Mapping[str, Any], above: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """A row of the capacity table for each channel: what is set, and what holds where nothing is."""
    rows = []
    for name, channel in okno().channels.items():
        fallback = {**usual(channel.capabilities), **(above or {}).get(name, {})}
        rows.append({"name": name, "channel": channel, "own": own.get(name, {}), "fallback": fallback})
    return rows


def _posted_rules() -> dict[str, Any]:
    groups = [[name for name, ticked in row.items() if ticked] for row in posted_rows("mix", *okno().channels)]
    return {**present(*RULES), "capacity": posted_capacity(), "mix": groups}


def _posted_members() -> dict[int, bool]:
    supervisors = set(request.form.getlist("supervisors"))
    chosen = {*request.form.getlist("members"), *supervisors}
    return {int(value): value in supervisors for value in sorted(chosen) if value.isdigit()}


def _values(shown: Team) -> dict[str, Any]:
    return {name: getattr(shown, name) for name in ("key", *TITLES, *RULES, "capacity", "mix")}


def _page(shown: Team | None, form: FormState, members: dict[int, bool]) -> Answer:
    people = [user for user in directory.list_users() if user.disabled_at is None or user.id in members]
    people.sort(key=lambda user: (user.id not in members, user.last_name, user.first_name))
    return draw(
        "team",
        form,
        team=shown,
        people=people,
        members=members,
        capacity=capacity_rows(form.values.get("capacity", {})),
        groups=[*form.values.get("mix", []), []],
        channels=okno().channels,
        after=list(zip(AFTER, (words for _name, words in team_words.AFTER), strict=True)),
        meaning=team_words.meaning(shown) if shown else [],
        states=[("", _("as the house")), *((key, text.to(here())) for key, text in team_words.STATES.items())],
    )
