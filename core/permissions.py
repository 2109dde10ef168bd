"""Privileges (полномочия): declared, granted by roles, narrowed by plugins, checked on every route."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, abort
from sqlalchemy import select

from core.contracts import Permission, Text
from core.db import db
from core.model import Role, User, UserRole

View = TypeVar("View", bound=Callable[..., Any])
AGENT, SUPERVISOR, EDITOR, ADMIN = "agent", "supervisor", "editor", "admin"
ROLES: dict[str, Text] = {
    AGENT: Text("Agent", "Оператор"),
    SUPERVISOR: Text("Supervisor", "Супервизор"),
    EDITOR: Text("Editor", "Редактор знаний"),
    ADMIN: Text("Administrator", "Администратор"),
}
_SERVING = (AGENT, SUPERVISOR, ADMIN)

CORE_PERMISSIONS = (
    Permission("desk.use", Text("Work at the desk", "Работать за рабочим местом"), (AGENT, SUPERVISOR, EDITOR, ADMIN)),
    Permission("case.view", Text("See the cases of one's teams", "Видеть запросы своих групп"), _SERVING),
    Permission("case.view_all", Text("See all cases", "Видеть все запросы"), (SUPERVISOR, ADMIN)),
    Permission("case.reply", Text("Answer and close cases", "Отвечать и закрывать запросы"), _SERVING),
    Permission("contact.view", Text("See contacts", "Видеть контакты"), _SERVING),
    Permission("contact.edit", Text("Change contacts", "Изменять контакты"), _SERVING),
    Permission("contact.ban", Text("Ban contacts", "Блокировать контакты"), _SERVING),
    Permission("supervisor.view", Text("Watch teams", "Наблюдать за группами"), (SUPERVISOR, ADMIN)),
    Permission("admin.view", Text("See the admin pages", "Видеть страницы управления"), (ADMIN,)),
    Permission("admin.users", Text("Manage users and teams", "Управлять пользователями и группами"), (ADMIN,)),
    Permission("admin.services", Text("Manage services", "Управлять сервисами"), (ADMIN,)),
    Permission("admin.dispositions", Text("Manage dispositions", "Управлять статусами обращений"), (ADMIN,)),
    Permission("admin.workflows", Text("Manage workflows", "Управлять рабочими процессами"), (ADMIN,)),
    Permission("admin.plugins", Text("See plugins and their faults", "Видеть плагины и их сбои"), (ADMIN,)),
    Permission("admin.transit", Text("See and retry what is stuck", "Видеть застрявшее и повторять"), (ADMIN,)),
    Permission("admin.bans", Text("See and lift bans", "Видеть и снимать блокировки"), (ADMIN,)),
    Permission(
        "admin.help",
        Text("Manage help documents, read problem reports", "Управлять справкой, читать сообщения о проблемах"),
        (ADMIN,),
    ),
    Permission("profile.names", Text("Change one's own name", "Менять собственное имя"), (SUPERVISOR, ADMIN)),
    Permission("admin.api", Text("Manage API tokens and webhooks", "Управлять токенами API и вебхуками"), (ADMIN,)),
    Permission("admin.audit", Text("Read the audit log", "Читать журнал изменений"), (ADMIN,)),
)


def require(permission: str) -> Callable[[View], View]:
    """Mark a view as needing ``permission``: 401/sign-in without a user, 403 without the privilege."""

    def mark(view: View) -> View:
        @wraps(view)
        def checked(*arguments: Any, **values: Any) -> Any:
            from core.web.auth import current_user, sign_in_first

            user = current_user()
            if user is None:
                return sign_in_first()
            if not allowed(user, permission, **values):
                abort(403)
            return view(*arguments, **values)

        checked.okno_permission = permission  # type: ignore[attr-defined]
        return cast(View, checked)

    return mark


def public(view: View) -> View:
    """Mark a view as open to everybody."""
    view.okno_permission = ""  # type: ignore[attr-defined]
    return view


def granted(user: User) -> frozenset[str]:
    """What the roles of ``user`` grant, before plugins object."""
    return frozenset(name for role in user.roles for name in role.privileges)


def allowed(user: User, permission: str, **context: Any) -> bool:
    """Whether ``user`` may: a role grants it and no plugin denies it."""
    from core.house import okno

    return permission in granted(user) and not okno().hooks.permission_denied(user.id, permission, context)


def holders(permission: str) -> list[int]:
    """The enabled users whose roles grant ``permission``, by id; what plugins deny one by one is not asked here."""
    granting = [role.id for role in db.session.scalars(select(Role)) if permission in role.privileges]
    query = select(UserRole.user_id).join(User, User.id == UserRole.user_id)
    query = query.where(UserRole.role_id.in_(granting), User.disabled_at.is_(None)).distinct()
    return list(db.session.scalars(query.order_by(UserRole.user_id)))


def unguarded(app: Flask) -> list[str]:
    """Endpoints without ``@require`` or ``@public``; start-up refuses any."""
    return sorted(
        {
            rule.endpoint
            for rule in app.url_map.iter_rules()
            if not hasattr(app.view_functions[rule.endpoint], "okno_permission") and not _static(rule.endpoint)
        }
    )


def _static(endpoint: str) -> bool:
    return endpoint == "static" or endpoint.endswith(".static")
