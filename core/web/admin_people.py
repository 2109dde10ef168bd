"""Users and roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request
from flask_babel import gettext as _

from core import directory, passwords, team_rules, team_words
from core.contracts import Permission, Rejected, Text
from core.db import transaction
from core.house import okno
from core.model import User
from core.permissions import ADMIN, granted, require
from core.schemas import timezones
from core.web.admin_frame import Answer, FormState, attempt, blueprint, choices, done, draw, found, refused, typed
from core.web.admin_teams import capacity_rows, posted_capacity
from core.web.auth import current_user

TEXTS = ("login", "first_name", "last_name", "nickname", "email", "language", "timezone")


@blueprint.get("/users")
@require("admin.users")
def users() -> Answer:
    """All users, or those with the searched words."""
    search, everybody = request.args.get("q", ""), "all" in request.args
    return draw("users", users=directory.list_users(search, disabled=everybody), search=search, everybody=everybody)


@blueprint.get("/users/new")
@require("admin.users")
def new_user() -> Answer:
    """An empty form."""
    return _user_page(None, FormState({"roles": ["agent"], "teams": []}))


@blueprint.post("/users/new")
@require("admin.users")
def add_user() -> Answer:
    """Add a user; the password may come later."""
    values: dict[str, Any] = {
        **typed(*TEXTS),
        "roles": request.form.getlist("roles"),
        "teams": request.form.getlist("teams"),
    }
    password = request.form.get("password") or None

    def add() -> None:
        refuse_more_than_own(role_privileges(values["roles"]))
        directory.add_user(**values, password=password)

    errors = attempt(add)
    if errors:
        return _user_page(None, FormState(values, errors))
    return done("admin.users", _("User %(login)s added", login=values["login"].strip().lower()))


@blueprint.get("/users/<login>")
@require("admin.users")
def user(login: str) -> Answer:
    """One user."""
    shown = found(lambda: directory.get_user(login))
    return _user_page(shown, FormState(_values(shown)))


@blueprint.post("/users/<login>")
@require("admin.users")
def change_user(login: str) -> Answer:
    """Change fields, roles and teams together, or nothing."""
    shown = found(lambda: directory.get_user(login))
    user_id = shown.id
    values: dict[str, Any] = {
        **typed(*TEXTS),
        "roles": request.form.getlist("roles"),
        "teams": request.form.getlist("teams"),
    }

    def change() -> None:
        refuse_more_than_own(granted(shown) | role_privileges(values["roles"]))
        with transaction():
            directory.update_user(user_id, **{name: values[name] for name in TEXTS})
            directory.set_roles(user_id, values["roles"])
            directory.set_teams(user_id, values["teams"])

    errors = attempt(change)
    if errors:
        return _user_page(directory.get_user(login), FormState(values, errors))
    return done("admin.users")


@blueprint.post("/users/<login>/capacity")
@require("admin.users")
def user_capacity(login: str) -> Answer:
    """How much this agent may have in hand; empty numbers follow the team."""
    shown = found(lambda: directory.get_user(login))
    capacity = posted_capacity()
    errors = attempt(lambda: team_rules.set_user_capacity(shown.id, capacity))
    if errors:
        shown = directory.get_user(login)
        return _user_page(shown, FormState({**_values(shown), "capacity": capacity}, errors))
    return done("admin.user", login=login)


@blueprint.post("/users/<login>/password")
@require("admin.users")
def user_password(login: str) -> Answer:
    """Set a password; the user's sessions end."""
    shown = found(lambda: directory.get_user(login))

    def change() -> None:
        refuse_more_than_own(granted(shown))
        directory.set_password(shown.id, request.form.get("password", ""))

    errors = attempt(change)
    if errors:
        return _user_page(directory.get_user(login), FormState(_values(directory.get_user(login)), errors))
    return done("admin.user", _("The password is set; the user signs in anew"), login=login)


@blueprint.post("/users/<login>/state")
@require("admin.users")
def user_state(login: str) -> Answer:
    """Disable or enable; nobody disables themselves."""
    shown = found(lambda: directory.get_user(login))
    viewer = current_user()

    def change() -> None:
        refuse_more_than_own(granted(shown))
        if request.form.get("state") == "enabled":
            directory.enable_user(shown.id)
        elif viewer is not None and viewer.id == shown.id:
            directory.refuse_own_end()
        else:
            directory.disable_user(shown.id)

    errors = attempt(change)
    return refused(errors, "admin.user", login=login) if errors else done("admin.user", login=login)


def role_privileges(keys: list[str]) -> frozenset[str]:
    """What the roles of these keys grant together; unknown ones grant nothing."""
    return frozenset(name for row in directory.list_roles() if row.key in keys for name in row.privileges)


def refuse_more_than_own(privileges: Iterable[str]) -> None:
    """Nobody but an administrator gives away, or takes over, what they may not do; undeclared privileges do not count."""
    viewer = current_user()
    if viewer is not None and any(role.key == ADMIN for role in viewer.roles):
        return
    own = granted(viewer) if viewer else frozenset()
    if set(privileges) & set(okno().permissions) - own:
        text = Text(
            "This needs privileges that you do not have yourself.",
            "Для этого нужны полномочия, которых у вас самих нет.",
        )
        raise Rejected(text, "more-than-own")


def _values(shown: User) -> dict[str, Any]:
    texts = {name: getattr(shown, name) for name in TEXTS}
    return {
        **texts,
        "roles": [role.key for role in shown.roles],
        "teams": [member.team.key for member in shown.memberships],
        "capacity": shown.capacity,
    }


def _user_page(shown: User | None, form: FormState) -> Answer:
    team = team_rules.first_team_of(shown.id) if shown else None
    own = form.values.get("capacity", shown.capacity if shown else {})
    return draw(
        "user",
        form,
        team=team,
        capacity=capacity_rows(own, team.capacity if team else {}),
        meaning=team_words.meaning(team, shown.capacity)[:2] if team and shown else [],
        user=shown,
        roles=choices(directory.list_roles()),
        teams=choices(directory.list_teams()),
        timezones=timezones(),
        shortest=passwords.SHORTEST,
    )


# --- roles -------------------------------------------------------------------------------------------


@blueprint.get("/roles")
@require("admin.users")
def roles() -> Answer:
    """All roles with how many users hold them."""
    return draw("roles", roles=directory.list_roles(), members=directory.members_of_roles())


@blueprint.get("/roles/<key>")
@require("admin.users")
def role(key: str) -> Answer:
    """One role with the privileges that exist; ``new`` is an empty one."""
    if key == "new":
        return _role_page(True, FormState({"privileges": []}))
    known = {row.key: row for row in directory.list_roles()}
    shown = found(lambda: _known(known, key))
    values = {"key": key, "title_en": shown.title_en, "title_ru": shown.title_ru, "privileges": list(shown.privileges)}
    return _role_page(False, FormState(values))


@blueprint.post("/roles/<key>")
@require("admin.users")
def save_role(key: str) -> Answer:
    """Add or change a role."""
    new = key == "new"
    values: dict[str, Any] = {**typed("title_en", "title_ru"), "privileges": request.form.getlist("privileges")}
    values["key"] = request.form.get("key", "") if new else key

    def save() -> None:
        refuse_more_than_own(role_privileges([key]) | set(values["privileges"]))
        if new:
            directory.refuse_known_role(values["key"])
        directory.save_role(**values)

    errors = attempt(save)
    return _role_page(new, FormState(values, errors)) if errors else done("admin.roles")


def _known(rows: dict[str, Any], key: str) -> Any:
    if key not in rows:
        raise directory.missing("role", "роль", key)
    return rows[key]


def _role_page(new: bool, form: FormState) -> Answer:
    groups: dict[str, list[Permission]] = {}
    for name, permission in sorted(okno().permissions.items()):
        groups.setdefault(name.split(".")[0], []).append(permission)
    return draw("role", form, new=new, groups=groups)
