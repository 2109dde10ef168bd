"""``okno users``, ``okno roles``, ``okno teams``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import (
    House,
    answer,
    answer_rows,
    given,
    joined,
    json_option,
    language,
    pass_house,
    read_password,
    titles,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.model import Role, Team, User


def user_row(user: User) -> dict[str, Any]:
    """A user for lists and programs."""
    return {
        "login": user.login,
        "name": user.name,
        "email": user.email,
        "roles": [role.key for role in user.roles],
        "teams": [member.team.key for member in user.memberships],
        "language": user.language,
        "disabled": user.disabled_at is not None,
        "password": bool(user.password_hash),
    }


@click.group()
def users() -> None:
    """People who sign in: add, list, change, disable."""


@users.command("list")
@click.argument("search", default="")
@click.option("--enabled", is_flag=True, help="Leave disabled ones out.")
@json_option
@pass_house
def list_users(house: House, search: str, enabled: bool) -> None:
    """All users, or those with SEARCH in login, name or address."""
    with house.open():
        from core import directory

        rows = [user_row(user) for user in directory.list_users(search, disabled=not enabled)]
        columns = ("login", "name", "email", "roles", "teams", "disabled")
        answer_rows(rows, columns, "no users: add one with  okno users add LOGIN --first-name NAME --role admin")


@users.command("add")
@click.argument("login")
@click.option("--first-name", help="Required for a new user.")
@click.option("--last-name")
@click.option("--nickname", help="The name customers see.")
@click.option("--email")
@click.option("--language", type=click.Choice(["ru", "en"]), help="Of the interface; without it the browser decides.")
@click.option("--timezone", help="Like Europe/Moscow; without it the centre's.")
@click.option("--role", "roles", multiple=True, help="May be repeated; «agent» when none is given.")
@click.option("--team", "teams", multiple=True, help="Key of a team; may be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@click.option("--no-password", is_flag=True, help="Set none yet: the user can't sign in until  okno users password.")
@click.option("--update", is_flag=True, help="Change the user instead of failing when the login exists.")
@json_option
@pass_house
def add_user(
    house: House,
    login: str,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    password_stdin: bool,
    no_password: bool,
    update: bool,
    **fields: str | None,
) -> None:
    """Add a user LOGIN. With --update it is safe to repeat."""
    if password_stdin and no_password:
        raise click.UsageError("--password-stdin and --no-password exclude each other")
    with house.open():
        from core import directory
        from core.db import transaction

        known = directory.find_user(login)
        if known is not None and update:
            password = read_password(True) if password_stdin else None
            with transaction():
                directory.update_user(known.id, **given(**fields))
                if roles:
                    directory.set_roles(known.id, roles)
                if teams:
                    directory.set_teams(known.id, teams)
                if password is not None:
                    directory.set_password(known.id, password)
            answer(user_row(directory.get_user(login)), f"user {login} changed")
            return
        password = None if no_password or known is not None else read_password(password_stdin)
        values = given(**fields)
        first_name = values.pop("first_name", "")
        user = directory.add_user(
            login, first_name, password=password, roles=roles or ("agent",), teams=teams, **values
        )
        answer(user_row(user), f"user {user.login} added")


@users.command()
@click.argument("login")
@json_option
@pass_house
def disable(house: House, login: str) -> None:
    """Let LOGIN sign in no more; open sessions end, the history stays."""
    with house.open():
        from core import directory

        directory.disable_user(directory.get_user(login).id)
        answer(user_row(directory.get_user(login)), f"user {login} is disabled")


@users.command()
@click.argument("login")
@json_option
@pass_house
def enable(house: House, login: str) -> None:
    """Let LOGIN sign in again."""
    with house.open():
        from core import directory

        directory.enable_user(directory.get_user(login).id)
        answer(user_row(directory.get_user(login)), f"user {login} is enabled")


@users.command()
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@json_option
@pass_house
def password(house: House, login: str, password_stdin: bool) -> None:
    """Set a new password for LOGIN; all sessions of that user end."""
    with house.open():
        from core import directory

        user = directory.get_user(login)
        directory.set_password(user.id, read_password(password_stdin))
        answer({"login": user.login}, f"the password of {user.login} is set")


@users.command("roles")
@click.argument("login")
@click.argument("roles", nargs=-1)
@json_option
@pass_house
def user_roles(house: House, login: str, roles: tuple[str, ...]) -> None:
    """Give LOGIN exactly these ROLES; without any, show those held."""
    with house.open():
        from core import directory

        user = directory.get_user(login)
        if roles:
            directory.set_roles(user.id, roles)
        row = user_row(directory.get_user(login))
        answer(row, f"{login}: {joined(row['roles'])}")


def role_row(role: Role, members: int) -> dict[str, Any]:
    """A role for lists and programs."""
    return {
        "key": role.key,
        "title": role.title_en,
        "title_ru": role.title_ru,
        "users": members,
        "privileges": list(role.privileges),
    }


@click.group()
def roles() -> None:
    """Roles and their privileges."""


@roles.command("list")
@json_option
@pass_house
def list_roles(house: House) -> None:
    """All roles with what they allow."""
    with house.open():
        from core import directory

        members = directory.members_of_roles()
        rows = [role_row(role, members.get(role.key, 0)) for role in directory.list_roles()]
        answer_rows(rows, ("key", "title", "title_ru", "users", "privileges"), "no roles: run  okno db upgrade")


def team_row(team: Team) -> dict[str, Any]:
    """A team for lists and programs."""
    return {
        "key": team.key,
        "title": team.title_en,
        "title_ru": team.title_ru,
        "members": sorted(member.user.login for member in team.members),
        "supervisors": sorted(member.user.login for member in team.members if member.supervisor),
        "capacity": dict(team.capacity),
        "mix": list(team.mix),
        "after_sign_in": team.after_sign_in,
        "after_work": team.after_work,
        "after_reject": team.after_reject,
        "after_no_answer": team.after_no_answer,
        "away_minutes": team.away_minutes,
        "break_minutes": team.break_minutes,
        "start_url": team.start_url,
    }


@click.group()
def teams() -> None:
    """Teams of agents: add, list, members."""


@teams.command("list")
@json_option
@pass_house
def list_teams(house: House) -> None:
    """All teams with their members."""
    with house.open():
        from core import directory

        rows = [team_row(team) for team in directory.list_teams()]
        columns = ("key", "title", "title_ru", "members", "supervisors")
        answer_rows(rows, columns, "no teams: add one with  okno teams add KEY --title NAME")


@teams.command("add")
@click.argument("key")
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--update", is_flag=True, help="Change the titles instead of failing when the team exists.")
@json_option
@pass_house
def add_team(house: House, key: str, title: str | None, title_ru: str | None, update: bool) -> None:
    """Add a team KEY. With --update it is safe to repeat."""
    with house.open():
        from core import directory

        known = {team.key: team for team in directory.list_teams()}.get(key)
        if known is not None and update:
            directory.update_team(known.id, **given(title_en=title, title_ru=title_ru))
        else:
            directory.add_team(key, *titles(title, title_ru, key))
        answer(team_row(directory.get_team(key)), f"team {key} {'changed' if known else 'added'}")


def capacity_of(words: Sequence[str], before: dict[str, Any]) -> dict[str, Any]:
    """``before`` with what was given as CHANNEL=PUSH/LIMIT; CHANNEL= follows what holds without it."""
    capacity = dict(before)
    for word in words:
        channel, sign, numbers = word.partition("=")
        push, _, limit = numbers.partition("/")
        if not sign or not channel:
            raise click.UsageError(f"'{word}' must be CHANNEL=PUSH/LIMIT, for instance chat=3/4")
        if numbers:
            capacity[channel] = {"push": push, **({"limit": limit} if limit else {})}
        else:
            capacity.pop(channel, None)
    return capacity


AFTER = click.Choice(["", "ready", "not_ready"])


@teams.command("set")
@click.argument("key")
@click.option("--title", "title_en", help="In English.")
@click.option("--title-ru", help="In Russian.")
@click.option(
    "--capacity",
    multiple=True,
    metavar="CHANNEL=PUSH/LIMIT",
    help="Offered at once / at most in hand; may be repeated.",
)
@click.option(
    "--mix", multiple=True, metavar="CHANNEL,CHANNEL", help="Offered at the same time; may be repeated; '' for none."
)
@click.option("--after-sign-in", type=AFTER, help="State after signing in; '' as the house.")
@click.option("--after-work", type=AFTER, help="State after an interaction.")
@click.option("--after-reject", type=AFTER, help="State after declining.")
@click.option("--after-no-answer", type=AFTER, help="State after an offer that ran out.")
@click.option("--away-minutes", type=int, help="Idle minutes until Away; 0: never.")
@click.option("--break-minutes", type=int, help="Breaks a day.")
@click.option("--start-url", help="Page after signing in.")
@json_option
@pass_house
def set_team(house: House, key: str, capacity: tuple[str, ...], mix: tuple[str, ...], **values: Any) -> None:
    """Change titles and working rules of the team KEY, and say what they mean together."""
    fields = given(**values)
    if not (fields or capacity or mix):
        raise click.UsageError("nothing to change: give at least one option")
    with house.open():
        from core import directory, team_rules, team_words
        from core.db import transaction

        team = directory.get_team(key)
        rules = {name: value for name, value in fields.items() if not name.startswith("title")}
        if capacity:
            rules["capacity"] = capacity_of(capacity, team.capacity)
        if mix:
            rules["mix"] = [group.split(",") for group in mix if group]
        with transaction():
            directory.update_team(team.id, **{name: fields[name] for name in fields if name.startswith("title")})
            team_rules.set_rules(team.id, **rules)
        team = directory.get_team(key)
        words = [text.to(language()) for text in team_words.meaning(team)]
        answer({**team_row(team), "meaning": words}, "\n".join([f"team {key} changed", *words]))


@users.command("capacity")
@click.argument("login")
@click.argument("numbers", nargs=-1, metavar="[CHANNEL=PUSH/LIMIT]...")
@click.option("--clear", is_flag=True, help="Follow the team again.")
@json_option
@pass_house
def user_capacity(house: House, login: str, numbers: tuple[str, ...], clear: bool) -> None:
    """How much LOGIN may have in hand where it differs from the team; without numbers, show it."""
    with house.open():
        from core import directory, team_rules

        user = directory.get_user(login)
        if numbers or clear:
            team_rules.set_user_capacity(user.id, capacity_of(numbers, {} if clear else user.capacity))
        held = directory.get_user(login).capacity
        shown = joined(f"{name}={pair.get('push', '')}/{pair.get('limit', '')}" for name, pair in sorted(held.items()))
        answer({"login": login, "capacity": held}, f"{login}: {shown}")


@teams.command()
@click.argument("key")
@click.argument("logins", nargs=-1)
@click.option("--supervisor", "supervisors", multiple=True, help="Login of a member who supervises; may be repeated.")
@click.option("--none", "nobody", is_flag=True, help="Empty the team.")
@json_option
@pass_house
def members(house: House, key: str, logins: tuple[str, ...], supervisors: tuple[str, ...], nobody: bool) -> None:
    """Make team KEY consist of exactly LOGINS; without any, show the members."""
    if nobody and (logins or supervisors):
        raise click.UsageError("--none and logins exclude each other")
    with house.open():
        from core import directory

        team = directory.get_team(key)
        if logins or supervisors or nobody:
            chosen = {directory.get_user(login).id: login in supervisors for login in (*logins, *supervisors)}
            directory.set_members(team.id, chosen)
        row = team_row(directory.get_team(key))
        answer(row, f"{key}: {joined(row['members'])}")
