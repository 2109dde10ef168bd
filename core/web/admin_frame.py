"""What all admin pages share: the blueprint, the menu, and how a form is read, kept and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core import audit
from core.contracts import Asset, DeskContext, MenuItem, Rejected, Text
from core.db import db
from core.house import okno
from core.permissions import allowed
from core.schemas import Invalid
from core.web.auth import current_user
from core.web.language import here

T = TypeVar("T")
Answer = Response | str | tuple[str, int]
blueprint = Blueprint("admin", __name__, url_prefix="/admin")

OWN_MENU = (
    ("overview", Text("Overview", "Обзор"), "layout-dashboard", "admin.overview", "admin.view", 0),
    ("users", Text("Users", "Пользователи"), "users", "admin.users", "admin.users", 10),
    ("roles", Text("Roles", "Роли"), "shield-check", "admin.roles", "admin.users", 11),
    ("teams", Text("Teams", "Группы"), "users-group", "admin.teams", "admin.users", 12),
    ("skills", Text("Skills", "Навыки"), "school", "admin.skills", "admin.users", 13),
    ("reasons", Text("Reasons for Not ready", "Причины «Не готов»"), "clock-pause", "admin.reasons", "admin.users", 14),
    ("services", Text("Services", "Сервисы"), "headset", "admin.services", "admin.services", 30),
    ("calendars", Text("Calendars", "Календари"), "calendar", "admin.calendars", "admin.services", 35),
    (
        "dispositions",
        Text("Dispositions", "Статусы обращений"),
        "sitemap",
        "admin.dispositions",
        "admin.dispositions",
        40,
    ),
    (
        "screen_pops",
        Text("Screen pops", "Всплывающие окна"),
        "window-maximize",
        "admin.screen_pops_list",
        "admin.services",
        46,
    ),
    ("case_form", Text("Fields and categories", "Поля и категории"), "forms", "admin.case_form", "admin.services", 45),
    ("workflows", Text("Workflows", "Рабочие процессы"), "route", "admin.workflows", "admin.workflows", 50),
    (
        "ping_targets",
        Text("Addressees of pings", "Адресаты пингов"),
        "message-question",
        "admin.ping_targets",
        "admin.services",
        55,
    ),
    ("bans", Text("Bans", "Блокировки"), "ban", "admin.bans_list", "admin.bans", 58),
    ("help", Text("Help documents", "Справка"), "book", "admin.help_list", "admin.help", 60),
    ("problems", Text("Problem reports", "Сообщения о проблемах"), "bug", "admin.problems", "admin.help", 505),
    ("plugins", Text("Plugins", "Плагины"), "puzzle", "admin.plugins", "admin.plugins", 500),
    ("outbox", Text("Outbox", "Исходящие"), "send", "admin.outbox", "admin.transit", 510),
    ("intake", Text("Intake", "Приём"), "inbox", "admin.intake", "admin.transit", 520),
    ("audit", Text("Audit log", "Журнал изменений"), "history", "admin.audit_log", "admin.audit", 530),
)
GROUPS = (
    (0, Text("", "")),
    (10, Text("People", "Люди")),
    (30, Text("Service", "Обслуживание")),
    (200, Text("Channels and functions", "Каналы и функции")),
    (500, Text("System", "Система")),
)


@blueprint.before_request
def name_the_actor() -> None:
    """Changes of this request are audited under the signed-in user's name."""
    user = current_user()
    if user is not None:
        audit.set_actor(user.login, request.remote_addr or "")


@blueprint.app_template_global()
def admin_menu() -> list[tuple[Text, list[MenuItem]]]:
    """The admin menu in groups, without what the viewer may not open."""
    user = current_user()
    if user is None:
        return []
    own = [
        MenuItem(key, label, icon, url_for(endpoint), "admin", order, right)
        for key, label, icon, endpoint, right, order in OWN_MENU
    ]
    theirs = [item for item in okno().hooks.menu_items(DeskContext(user.id, here())) if item.area == "admin"]
    items = [item for item in own + theirs if not item.permission or allowed(user, item.permission)]
    groups: list[tuple[Text, list[MenuItem]]] = []
    for (start, title), end in zip(GROUPS, [*(start for start, _title in GROUPS[1:]), 10**6], strict=True):
        inside = sorted((item for item in items if start <= item.order < end), key=lambda item: item.order)
        if inside:
            groups.append((title, inside))
    return groups


@blueprint.app_template_global()
def admin_assets() -> list[Asset]:
    """What plugins load with the admin pages."""
    return [asset for asset in okno().assets if asset.area == "admin"]


@blueprint.app_template_global()
def admin_here(url: str) -> bool:
    """Whether the page shown is ``url`` or below it."""
    return request.path == url or (url != url_for("admin.overview") and request.path.startswith(f"{url}/"))


@blueprint.app_template_global()
def viewer_name() -> str:
    """The signed-in person's name."""
    user = current_user()
    return user.name if user else ""


# --- forms -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FormState:
    """What a form shows: values by field name, messages by field name ("" for the form as a whole)."""

    values: Mapping[str, Any]
    errors: dict[str, Text] = field(default_factory=dict)

    def error(self, name: str) -> str:
        """The message under a field, "" when it is well."""
        found = self.errors.get(name)
        return found.to(here()) if found else ""

    @property
    def general(self) -> str:
        """What belongs to no field."""
        return self.error("")

    @property
    def status(self) -> int:
        """The HTTP status of a page with this form."""
        return 422 if self.errors else 200


def typed(*names: str) -> dict[str, str]:
    """The text fields of the posted form."""
    return {name: request.form.get(name, "") for name in names}


def present(*names: str) -> dict[str, str]:
    """The text fields of these names that the form has; one that it lacks stays as it is."""
    return {name: request.form[name] for name in names if name in request.form}


def ticked(*names: str) -> dict[str, bool]:
    """The check boxes of the posted form."""
    return {name: name in request.form for name in names}


def posted_rows(prefix: str, *names: str) -> list[dict[str, str]]:
    """The rows of a small table in the form, fields named ``prefix-0-name``; those with nothing typed are left out."""
    rows: dict[int, dict[str, str]] = {}
    for field_name, value in request.form.items():
        start, _, rest = field_name.partition("-")
        place, _, name = rest.partition("-")
        if start == prefix and place.isdecimal() and name in names:
            rows.setdefault(int(place), {})[name] = value.strip()
    return [row for _, row in sorted(rows.items()) if any(row.values())]


def attempt(operation: Callable[[], Any]) -> dict[str, Text]:
    """Carry out a change; what was wrong, by field, or nothing when it is done."""
    try:
        operation()
    except Invalid as invalid:
        db.session.rollback()
        return invalid.errors
    except Rejected as refusal:
        db.session.rollback()
        return {"": refusal.text}
    return {}


def draw(name: str, form: FormState | None = None, **values: Any) -> tuple[str, int]:
    """An admin page; 422 when its form has errors."""
    return render_template(f"admin/{name}.html", form=form, **values), form.status if form else 200


def done(endpoint: str, text: str = "", **values: Any) -> Response:
    """Back to a page, which says that it worked."""
    flash(text or _("Saved"), "good")
    return redirect(url_for(endpoint, **values), 303)


def refused(errors: Mapping[str, Text], endpoint: str, **values: Any) -> Response:
    """Back to a page without a form, which says why it did not work."""
    flash(next(iter(errors.values())).to(here()), "bad")
    return redirect(url_for(endpoint, **values), 303)


def found(lookup: Callable[[], T]) -> T:
    """What ``lookup`` gives; 404 when an operation says that there is no such thing."""
    try:
        return lookup()
    except Rejected as refusal:
        if refusal.code == "not-found":
            abort(404)
        raise


def choices(rows: Sequence[Any]) -> list[tuple[str, str]]:
    """Rows with key and titles as the options of a select."""
    return [(row.key, row.title_ru if here() == "ru" else row.title_en) for row in rows]
