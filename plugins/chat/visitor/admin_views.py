"""The administrator's pages of widgets: list, form with preview, the line to copy."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core import audit, services
from core.contracts import Text
from core.permissions import require
from core.web.admin_frame import FormState, attempt, choices, found, posted_rows, ticked, typed
from core.web.auth import current_user
from plugins.chat.models import Widget
from plugins.chat.visitor import widgets
from plugins.chat.visitor.words import OWN, WORDS

blueprint = Blueprint("chat_widgets", "plugins.chat", url_prefix="/admin/chat-widgets", template_folder="templates")
Answer = Response | str | tuple[str, int]
PLAIN = ("title_en", "title_ru", "language", "colour", "theme", "position", "launcher", "offline")
FIELD_ROWS = 6
KINDS = {
    "name": Text("Name", "Имя"),
    "email": Text("Email", "Почта"),
    "phone": Text("Phone", "Телефон"),
    "text": Text("Text", "Текст"),
    "choice": Text("Choice", "Выбор"),
}
LANGUAGES = (
    ("", Text("The page's own", "Язык страницы")),
    ("ru", Text("Russian", "Русский")),
    ("en", Text("English", "Английский")),
)
THEMES = (
    ("auto", Text("As on the visitor's device", "Как на устройстве посетителя")),
    ("light", Text("Light", "Светлая")),
    ("dark", Text("Dark", "Тёмная")),
)
POSITIONS = (("right", Text("Bottom right", "Справа внизу")), ("left", Text("Bottom left", "Слева внизу")))
LAUNCHERS = (
    ("round", Text("Round button", "Круглая кнопка")),
    ("bar", Text("Button with the title", "Кнопка с названием")),
)
OFFLINES = (
    ("hours", Text("Outside the service's hours", "Вне часов работы сервиса")),
    ("agents", Text("Outside the hours, or when nobody is at work", "Вне часов работы или когда никого нет на месте")),
    ("never", Text("Never", "Никогда")),
)


@blueprint.before_request
def name_actor() -> None:
    """Changes are in the audit log under the administrator's name."""
    user = current_user()
    if user is not None:
        audit.set_actor(user.login, request.remote_addr or "")


@blueprint.get("")
@require("admin.services")
def index() -> Answer:
    """All widgets with the services they lead to."""
    rows = widgets.list_widgets()
    return _draw("chat/widgets.html", rows=rows, services=widgets.services_of([row.key for row in rows]))


@blueprint.route("/new", methods=["GET", "POST"])
@require("admin.services")
def new() -> Answer:
    """Add one."""
    if request.method == "GET":
        return _page(None, FormState(_shown(widgets.look_up(""))))
    values = _posted()
    key = request.form.get("key", "").strip().lower()
    errors = attempt(lambda: widgets.add_widget(key, request.form.get("service", ""), **values))
    if errors:
        return _page(None, FormState({**_typed(), "key": key}, errors))
    flash(_("Widget added: copy its line to your site"), "good")
    return redirect(url_for("chat_widgets.one", key=key), 303)


@blueprint.route("/<key>", methods=["GET", "POST"])
@require("admin.services")
def one(key: str) -> Answer:
    """One widget."""
    row = found(lambda: widgets.get_widget(key))
    if request.method == "GET":
        return _page(row, FormState(_shown(row)))
    values = _posted()
    errors = attempt(lambda: widgets.update_widget(key, request.form.get("service", ""), **values))
    if errors:
        return _page(widgets.get_widget(key), FormState(_typed(), errors))
    flash(_("Saved"), "good")
    return redirect(url_for("chat_widgets.one", key=key), 303)


@blueprint.post("/<key>/remove")
@require("admin.services")
def remove(key: str) -> Answer:
    """Take one away."""
    found(lambda: widgets.remove_widget(key))
    flash(_("Removed"), "good")
    return redirect(url_for("chat_widgets.index"), 303)


def _posted() -> dict[str, Any]:
    return {
        **typed(*PLAIN),
        **ticked("active"),
        "texts": _texts(),
        "fields": _fields(),
        "features": {name: f"feature-{name}" in request.form for name in widgets.FEATURES},
        "origins": request.form.get("origins", "").replace(",", " ").split(),
    }


def _typed() -> dict[str, Any]:
    """What the form shows again when something is wrong in it."""
    given = _posted()
    return {**given, "service": request.form.get("service", ""), "origins": request.form.get("origins", "")}


def _texts() -> dict[str, dict[str, str]]:
    return {key: {tongue: request.form.get(f"text-{key}-{tongue}", "") for tongue in ("en", "ru")} for key in OWN}


def _fields() -> list[dict[str, Any]]:
    rows = posted_rows("field", "kind", "title_en", "title_ru", "required", "options")
    return [
        {**row, "required": bool(row.get("required")), "options": row.get("options", "").split(",")}
        for row in rows
        if row.get("title_en") or row.get("title_ru")
    ]


def _shown(row: Widget) -> dict[str, Any]:
    """A widget as the form holds it."""
    service = widgets.services_of([row.key]).get(row.key)
    return {
        **{name: getattr(row, name) for name in (*PLAIN, "key", "active", "texts", "fields")},
        "features": {name: row.features.get(name, True) for name in widgets.FEATURES},
        "origins": "\n".join(row.origins),
        "service": service.key if service else "",
    }


def _page(row: Widget | None, form: FormState) -> Answer:
    return _draw(
        "chat/widget_form.html",
        form,
        widget=row,
        services=choices(services.list_services(inactive=False)),
        texts=OWN,
        words=WORDS,
        features=widgets.FEATURES,
        kinds=KINDS,
        rows=[*form.values.get("fields", []), *[{}] * FIELD_ROWS][:FIELD_ROWS],
        options={
            "language": LANGUAGES,
            "theme": THEMES,
            "position": POSITIONS,
            "launcher": LAUNCHERS,
            "offline": OFFLINES,
        },
        line=widgets.snippet(request.host_url, row.key) if row else "",
    )


def _draw(name: str, form: FormState | None = None, **values: Any) -> Answer:
    frame = current_app.jinja_env.get_or_select_template(["admin/layout.html", "desk/shell.html"])
    return render_template(name, frame=frame, form=form, **values), form.status if form else 200
