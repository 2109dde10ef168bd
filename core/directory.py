"""People: users and their passwords, roles with privileges, teams. The only code that changes them.

Every operation owns its transaction (or joins the caller's), writes :mod:`core.audit` and raises
:class:`core.contracts.Rejected` or :class:`core.schemas.Invalid` with texts in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import selectinload

from core import audit, passwords, sessions
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Audit, Presence, Role, Team, TeamMember, User, UserRole
from core.permissions import ADMIN, ROLES
from core.schemas import Invalid, RoleForm, TeamForm, UserForm, checked

USER_FIELDS = ("login", "first_name", "last_name", "nickname", "email", "language", "timezone")


def missing(kind_en: str, kind_ru: str, name: object) -> Rejected:
    """The refusal for something that is not there; code ``not-found``."""
    return Rejected(Text(f"There is no {kind_en} «{name}».", f"Нет такого: {kind_ru} «{name}»."), "not-found")


# --- passwords ---------------------------------------------------------------------------------------


def verify_password(login: str, password: str) -> User | None:
    """The user when login and password fit and the account is enabled, else None.

    An unknown login takes as long as a wrong password, so that the time tells nothing. A hash made with older
    parameters is renewed.
    """
    user = find_user(login)
    known = user.password_hash if user is not None else ""
    if not passwords.fits(known, password) or user is None or user.disabled_at is not None:
        return None
    if passwords.is_outdated(known):
        with transaction():
            db.session.execute(update(User).where(User.id == user.id).values(password_hash=passwords.hashed(password)))
    return db.session.get(User, user.id)


def set_password(user_id: int, password: str) -> None:
    """Set a new password and end the user's other sessions. The password itself is never logged."""
    hashed = passwords.checked_hash(_user(user_id).login, password)
    with transaction():
        user = _user(user_id)
        user.password_hash = hashed
        sessions.end_of_user(user_id, "password")
        audit.record("user.password", "user", user.login)


# --- users -------------------------------------------------------------------------------------------


def find_user(login: str) -> User | None:
    """The user of that login, in any case of letters."""
    return db.session.scalar(select(User).where(User.login == login.strip().lower()))


def get_user(login: str) -> User:
    """:func:`find_user`; raises ``Rejected`` (``not-found``)."""
    user = find_user(login)
    if user is None:
        raise missing("user", "пользователь", login)
    return user


def list_users(search: str = "", *, disabled: bool = True) -> list[User]:
    """Users by login, with roles and teams loaded; ``search`` looks in login, names and address."""
    query = select(User).order_by(User.login).options(selectinload(User.roles), selectinload(User.memberships))
    if not disabled:
        query = query.where(User.disabled_at.is_(None))
    users: Iterable[User] = db.session.scalars(query)
    wanted = search.casefold().split()
    return [user for user in users if all(word in _haystack(user) for word in wanted)]


def _haystack(user: User) -> str:
    return f"{user.login} {user.first_name} {user.last_name} {user.nickname} {user.email}".casefold()


def add_user(
    login: str,
    first_name: str,
    *,
    password: str | None = None,
    roles: Iterable[str] = ("agent",),
    teams: Iterable[str] = (),
    **fields: Any,
) -> User:
    """A new user; without ``password`` the account cannot sign in until one is set.

    ``fields`` are last_name, nickname, email, language, timezone. Codes: ``invalid``, ``exists``, ``not-found``.
    """
    values = checked(UserForm, {"login": login.lower(), "first_name": first_name, **fields})
    hashed = passwords.checked_hash(values["login"], password) if password is not None else ""
    with transaction():
        if find_user(values["login"]) is not None:
            taken = Text(f"The login «{values['login']}» is taken.", f"Логин «{values['login']}» уже занят.")
            raise Invalid({"login": taken}, "exists")
        user = User(**values, password_hash=hashed, roles=_roles(roles))
        db.session.add(user)
        db.session.flush()
        db.session.add(Presence(user_id=user.id))
        for team in _teams(teams):
            db.session.add(TeamMember(team_id=team.id, user_id=user.id))
        audit.record("user.add", "user", user.login, after={**values, "roles": sorted(roles), "teams": sorted(teams)})
    return user


def update_user(user_id: int, **fields: Any) -> User:
    """Change the given fields of a user; a login that is taken is refused (``exists``)."""
    values = checked(UserForm, fields, partial=True)
    with transaction():
        user = _user(user_id)
        before = {name: getattr(user, name) for name in values}
        other = find_user(values.get("login", user.login))
        if other is not None and other.id != user_id:
            raise Invalid({"login": Text("This login is taken.", "Этот логин уже занят.")}, "exists")
        for name, value in values.items():
            setattr(user, name, value)
        audit.record("user.change", "user", user.login, before, values)
    return user


def set_roles(user_id: int, roles: Iterable[str]) -> None:
    """Give a user exactly these roles, by key. The last administrator keeps the role (``last-admin``)."""
    with transaction():
        user = _user(user_id)
        chosen = _roles(roles)
        before = sorted(role.key for role in user.roles)
        if ADMIN in before and ADMIN not in {role.key for role in chosen}:
            _keep_an_admin(user_id)
        user.roles = chosen
        audit.record(
            "user.roles", "user", user.login, {"roles": before}, {"roles": sorted(role.key for role in chosen)}
        )


def disable_user(user_id: int) -> None:
    """Keep the history of someone who left: no sign-in any more, open sessions end, work in hand goes back. Safe to repeat."""
    from core.assignment import leave

    with transaction():
        user = _user(user_id)
        if user.disabled_at is not None:
            return
        if any(role.key == ADMIN for role in user.roles):
            _keep_an_admin(user_id)
        user.disabled_at = now()
        sessions.end_of_user(user_id, "disabled")
        leave(user_id, "disabled")
        audit.record("user.disable", "user", user.login)


def enable_user(user_id: int) -> None:
    """Let a disabled user sign in again. Safe to repeat."""
    with transaction():
        user = _user(user_id)
        if user.disabled_at is not None:
            user.disabled_at = None
            audit.record("user.enable", "user", user.login)


def refuse_own_end() -> None:
    """Raise the refusal for somebody who would disable themselves."""
    raise Rejected(Text("You cannot disable yourself.", "Нельзя отключить самого себя."), "own-account")


def _keep_an_admin(user_id: int) -> None:
    others = (
        select(func.count())
        .select_from(User)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(Role.key == ADMIN, User.id != user_id, User.disabled_at.is_(None))
    )
    if not db.session.scalar(others):
        text = Text(
            "This is the last administrator.", "Это последний администратор: без него центром некому управлять."
        )
        raise Rejected(text, "last-admin")


def _user(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise missing("user", "пользователь", user_id)
    return user


# --- roles -------------------------------------------------------------------------------------------


def list_roles() -> list[Role]:
    """All roles, in the order they were made."""
    return list(db.session.scalars(select(Role).order_by(Role.id)))


def members_of_roles() -> dict[str, int]:
    """How many enabled users hold each role, by its key."""
    query = (
        select(Role.key, func.count(User.id))
        .join(UserRole, UserRole.role_id == Role.id)
        .join(User, User.id == UserRole.user_id)
        .where(User.disabled_at.is_(None))
        .group_by(Role.key)
    )
    return {row.key: row[1] for row in db.session.execute(query)}


def ensure_roles() -> list[str]:
    """Create the core's roles and give privileges that are new in this house to their default roles.

    A privilege is handed out once, when it first appears (a new house, a plugin enabled later); what the administrator
    changes afterwards stays. Returns the privileges handed out. Safe to repeat.
    """
    introduced = select(Audit.after).where(Audit.object_type == "privilege", Audit.action == "privilege.introduce")
    seen = {name for after in db.session.scalars(introduced) for name in after["names"]}
    roles = {role.key: role for role in list_roles()}
    new = [item for name, item in okno().permissions.items() if name not in seen]
    if not new and not ROLES.keys() - roles.keys():
        return []
    with transaction():
        roles = {role.key: role for role in list_roles()}
        for key, title in ROLES.items():
            if key not in roles:
                roles[key] = Role(key=key, title_en=title.en, title_ru=title.ru, privileges=[])
                db.session.add(roles[key])
        for key in roles:
            mine = {item.name for item in new if key in item.default_roles}
            if mine:
                roles[key].privileges = sorted({*roles[key].privileges, *mine})
        names = sorted(item.name for item in new)
        if names:
            audit.record("privilege.introduce", "privilege", "default", after={"names": names})
    return names


def refuse_known_role(key: str) -> None:
    """Raise :class:`Invalid` (``exists``) when there is a role of that key."""
    if db.session.scalar(select(Role.id).where(Role.key == key.strip())) is not None:
        raise Invalid({"key": Text("A role with this key exists.", "Роль с таким ключом уже есть.")}, "exists")


def save_role(key: str, title_en: str, title_ru: str, privileges: Iterable[str]) -> Role:
    """Add a role or change the one of that key.

    Privileges of disabled plugins that the role holds already are kept. Raises ``Rejected`` (``not-found``).
    """
    values = checked(RoleForm, {"key": key, "title_en": title_en, "title_ru": title_ru})
    chosen, possible = set(privileges), set(okno().permissions)
    if chosen - possible:
        raise missing("privilege", "полномочие", sorted(chosen - possible)[0])
    with transaction():
        role: Role | None = db.session.scalar(select(Role).where(Role.key == values["key"]))
        if role is None:
            role = Role(**values, privileges=sorted(chosen))
            db.session.add(role)
            audit.record("role.add", "role", key, after={**values, "privileges": role.privileges})
            return role
        if role.key == ADMIN and any(name.startswith("admin.") for name in possible - chosen):
            raise Rejected(
                Text(
                    "The administrator role keeps every admin privilege.",
                    "Роль администратора сохраняет полномочия управления.",
                ),
                "last-admin",
            )
        before = {"title_en": role.title_en, "title_ru": role.title_ru, "privileges": role.privileges}
        role.title_en, role.title_ru = values["title_en"], values["title_ru"]
        role.privileges = sorted(chosen | (set(role.privileges) - possible))
        after = {"title_en": role.title_en, "title_ru": role.title_ru, "privileges": role.privileges}
        audit.record("role.change", "role", key, before, after)
    return role


def _roles(keys: Iterable[str]) -> list[Role]:
    wanted = list(dict.fromkeys(keys))
    found = {role.key: role for role in db.session.scalars(select(Role).where(Role.key.in_(wanted)))}
    for key in wanted:
        if key not in found:
            raise missing("role", "роль", key)
    return [found[key] for key in wanted]


# --- teams -------------------------------------------------------------------------------------------


def list_teams() -> list[Team]:
    """All teams with their members and users loaded, by key."""
    query = select(Team).order_by(Team.key).options(selectinload(Team.members).selectinload(TeamMember.user))
    return list(db.session.scalars(query))


def get_team(key: str) -> Team:
    """The team of that key; raises ``Rejected`` (``not-found``)."""
    team: Team | None = db.session.scalar(select(Team).where(Team.key == key))
    if team is None:
        raise missing("team", "группа", key)
    return team


def add_team(key: str, title_en: str, title_ru: str) -> Team:
    """A new team. Codes: ``invalid``, ``exists``."""
    values = checked(TeamForm, {"key": key, "title_en": title_en, "title_ru": title_ru})
    with transaction():
        if db.session.scalar(select(Team.id).where(Team.key == values["key"])) is not None:
            raise Invalid({"key": Text("A team with this key exists.", "Группа с таким ключом уже есть.")}, "exists")
        team = Team(**values)
        db.session.add(team)
        db.session.flush()
        audit.record("team.add", "team", values["key"], after=values)
    return team


def update_team(team_id: int, **fields: Any) -> Team:
    """Change a team's titles; the key stays, because addresses and settings name it."""
    values = checked(TeamForm, {name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        team = _team(team_id)
        before = {name: getattr(team, name) for name in values}
        for name, value in values.items():
            setattr(team, name, value)
        audit.record("team.change", "team", team.key, before, values)
    return team


def set_members(team_id: int, members: Mapping[int, bool]) -> None:
    """Make the team consist of exactly these users; True marks a supervisor."""
    with transaction():
        team = _team(team_id)
        before = _member_names(team)
        users: Sequence[User] = list(db.session.scalars(select(User).where(User.id.in_(members))))
        for user_id in members.keys() - {user.id for user in users}:
            raise missing("user", "пользователь", user_id)
        current = {member.user_id: member for member in team.members}
        for user_id in current.keys() - members.keys():
            team.members.remove(current[user_id])
        for user_id, supervisor in members.items():
            if user_id in current:
                current[user_id].supervisor = supervisor
            else:
                team.members.append(TeamMember(user_id=user_id, supervisor=supervisor))
        db.session.flush()
        db.session.expire(team, ["members"])
        audit.record("team.members", "team", team.key, before, _member_names(team))


def set_teams(user_id: int, teams: Iterable[str]) -> None:
    """Put a user into exactly these teams, by key; who supervises a team stays its supervisor."""
    with transaction():
        user = _user(user_id)
        wanted = {team.id: team for team in _teams(teams)}
        before = sorted(member.team.key for member in user.memberships)
        for member in [member for member in user.memberships if member.team_id not in wanted]:
            user.memberships.remove(member)
        present = {member.team_id for member in user.memberships}
        for team_id in wanted.keys() - present:
            user.memberships.append(TeamMember(team_id=team_id))
        audit.record(
            "user.teams", "user", user.login, {"teams": before}, {"teams": sorted(t.key for t in wanted.values())}
        )


def _member_names(team: Team) -> dict[str, Any]:
    return {
        "members": sorted(member.user.login for member in team.members),
        "supervisors": sorted(member.user.login for member in team.members if member.supervisor),
    }


def _team(team_id: int) -> Team:
    team = db.session.get(Team, team_id)
    if team is None:
        raise missing("team", "группа", team_id)
    return team


def _teams(keys: Iterable[str]) -> list[Team]:
    return [get_team(key) for key in dict.fromkeys(keys)]
