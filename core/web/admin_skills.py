"""Skills: the list, and the matrix of who knows what."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from core import directory
from core import skills as operations
from core.model import User
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, blueprint, choices, done, draw, found, refused, typed

PAGE = 50
CELL = "level"


@blueprint.get("/skills")
@require("admin.users")
def skills() -> Answer:
    """The skills, and a page of the matrix, narrowed by words and team."""
    return _page(FormState({}))


@blueprint.post("/skills")
@require("admin.users")
def add_skill() -> Answer:
    """Add a skill."""
    values = typed("key", "title_en", "title_ru")
    errors = attempt(lambda: operations.add_skill(**values))
    return _page(FormState(values, errors)) if errors else done("admin.skills", _("Skill added"))


@blueprint.post("/skills/levels")
@require("admin.users")
def set_levels() -> Answer:
    """Store the matrix as shown; only what differs changes."""
    wanted: dict[int, dict[str, str]] = {}
    for name, value in request.form.items():
        start, _sep, rest = name.partition(":")
        user_id, _sep, key = rest.partition(":")
        if start == CELL and user_id.isdecimal():
            wanted.setdefault(int(user_id), {})[key] = value
    counts: list[int] = []
    errors = attempt(lambda: counts.append(operations.set_levels(wanted)))
    if errors:
        typed_levels = {f"{user}:{key}": value for user, levels in wanted.items() for key, value in levels.items()}
        return _page(FormState(typed_levels, errors))
    shown = {name: request.args[name] for name in ("q", "team", "page") if request.args.get(name)}
    return done(
        "admin.skills", _("%(num)s levels changed", num=counts[0]) if counts[0] else _("Nothing had changed"), **shown
    )


@blueprint.get("/skills/<key>")
@require("admin.users")
def skill(key: str) -> Answer:
    """One skill."""
    shown = found(lambda: operations.get_skill(key))
    return draw("skill", FormState({"title_en": shown.title_en, "title_ru": shown.title_ru}), skill=shown)


@blueprint.post("/skills/<key>")
@require("admin.users")
def change_skill(key: str) -> Answer:
    """Change the titles."""
    shown = found(lambda: operations.get_skill(key))
    values = typed("title_en", "title_ru")
    errors = attempt(lambda: operations.update_skill(shown.id, **values))
    if errors:
        return draw("skill", FormState(values, errors), skill=operations.get_skill(key))
    return done("admin.skills")


@blueprint.post("/skills/<key>/remove")
@require("admin.users")
def remove_skill(key: str) -> Answer:
    """Remove a skill and everybody's level of it."""
    shown = found(lambda: operations.get_skill(key))
    errors = attempt(lambda: operations.remove_skill(shown.id))
    return refused(errors, "admin.skill", key=key) if errors else done("admin.skills", _("Skill removed"))


def _page(form: FormState) -> Answer:
    search, team = request.args.get("q", ""), request.args.get("team", "")
    number = max(1, request.args.get("page", 1, type=int))
    people, more = _people(search, team, number)
    return draw(
        "skills",
        form,
        skills=operations.list_skills(),
        counts=operations.people_with_skills(),
        people=people,
        levels=operations.skills_of([user.id for user in people]),
        teams=choices(directory.list_teams()),
        search=search,
        team=team,
        number=number,
        more=more,
        highest=operations.HIGHEST,
    )


def _people(search: str, team: str, number: int) -> tuple[list[User], bool]:
    people = operations.people_page(search, team, (number - 1) * PAGE, PAGE + 1)
    return people[:PAGE], len(people) > PAGE
