"""Own settings: sections that are forms of their own, the photo, the password, the sign-ins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, make_response, render_template, request, send_file, session
from flask_babel import gettext as _

from core import audit, own_settings, photos, sessions, storage
from core.contracts import Rejected, Text
from core.db import db
from core.house import okno
from core.model import User
from core.permissions import require
from core.schemas import Invalid, timezones
from core.web import desk_frame, drawing
from core.web.admin_frame import FormState
from core.web.desk_frame import signed_in
from core.web.language import LANGUAGES
from core.web.user_agents import device_of

CHECKS = {"letters": ("reply_all",), "sounds": ("sound", "notifications")}
PHOTO_POLICY = "default-src 'none'; sandbox"


@require("desk.use")
def settings() -> str:
    """All sections."""
    user = signed_in()
    panels = desk_frame.panels(user, desk_frame.context_of(user, None), "settings")
    return render_template("desk/settings.html", panels=panels, **_drawn(user))


def _drawn(user: User) -> dict[str, Any]:
    preferences = own_settings.of(user)
    columns = {name: getattr(user, name) for name in own_settings.COLUMNS}
    values = {name: getattr(preferences, name) for name in own_settings.DEFAULTS} | columns
    return {
        "user": user,
        "form": FormState(values),
        "names_allowed": own_settings.names_allowed(user),
        "zones": timezones(),
        "fonts": own_settings.FONTS,
        "sizes": own_settings.SIZES,
        "pages": _pages(user),
        "house_zone": okno().config.get("core.timezone"),
        "sign_ins": sessions.open_ones(user.id),
        "current": request.environ.get("okno.sign_in"),
        "device_of": device_of,
        "phone": own_settings.formatted(user.phone),
    }


def _pages(user: User) -> list[tuple[str, Text]]:
    """What a tab may be pinned or opened first: the core's pages and those plugins put into the function bar."""
    context = desk_frame.context_of(user, None)
    theirs = [item for item in okno().hooks.menu_items(context) if item.area == "desk"]
    own = [
        ("/queue", Text("Group queue", "Групповая очередь")),
        ("/cases", Text("My cases", "Мои запросы")),
        ("/directory", Text("Directory", "Каталог")),
        ("/search", Text("Search", "Поиск")),
    ]
    return own + [(item.url, item.label) for item in theirs if desk_frame.permitted(user, item.permission)]


@require("desk.use")
def save(section: str) -> Response:
    """Keep a section; its card comes back, with what is wrong under the fields."""
    if section not in own_settings.SECTIONS:
        abort(404)
    user = signed_in()
    if section == "names" and not own_settings.names_allowed(user):
        abort(403)
    names = list(own_settings.SECTIONS[section]().fields)
    values: dict[str, Any] = {name: request.form.get(name, "") for name in names}
    for name in CHECKS.get(section, ()):
        values[name] = name in request.form
    audit.set_actor(user.login, request.remote_addr or "")
    try:
        own_settings.change(user.id, section, values)
    except Invalid as invalid:
        db.session.rollback()
        return _card(section, values, invalid.errors)
    return _kept(section, values)


def _kept(section: str, values: Mapping[str, Any]) -> Response:
    if section == "looks":
        answer = Response(status=204, headers={"HX-Refresh": "true"})
        if values["language"] in LANGUAGES:
            session["language"] = values["language"]
        answer.set_cookie("okno_theme", values["theme"], max_age=31536000 if values["theme"] else 0, samesite="Lax")
        return answer
    answer = _card(section, {}, {})
    raised: dict[str, Any] = {"toast": {"level": "good", "text": _("Saved")}, "okno:around": {}}
    if section in ("sounds", "desk"):
        raised["okno:preferences"] = {name: values[name] for name in values}
    answer.headers["HX-Trigger"] = drawing.trigger(**raised)
    return answer


def _card(section: str, values: Mapping[str, Any], errors: dict[str, Text]) -> Response:
    user = db.session.get_one(User, signed_in().id, populate_existing=True)
    drawn = _drawn(user)
    drawn["form"] = FormState({**drawn["form"].values, **values}, errors)
    return make_response(render_template(f"desk/settings_{section}.html", **drawn))


# --- photo --------------------------------------------------------------------------------------------


@require("desk.use")
def set_photo() -> Response:
    """A new photo, cut square by the page."""
    file = request.files.get("photo")
    if file is None:
        raise Rejected(Text("Choose a file", "Выберите файл"), "photo-missing")
    audit.set_actor(signed_in().login, request.remote_addr or "")
    photos.set_photo(signed_in().id, file.read(photos.LARGEST_BYTES + 1))
    return _photo_changed()


@require("desk.use")
def remove_photo() -> Response:
    """Back to initials."""
    audit.set_actor(signed_in().login, request.remote_addr or "")
    photos.remove_photo(signed_in().id)
    return _photo_changed()


def _photo_changed() -> Response:
    answer = _card("photo", {}, {})
    raised = {"toast": {"level": "good", "text": _("Saved")}, "okno:around": {}}
    answer.headers["HX-Trigger"] = drawing.trigger(**raised)
    return answer


@require("desk.use")
def photo(user_id: int, sha256: str) -> Response:
    """The photo with this hash, for ever the same; 404 once it is another."""
    user = db.session.get(User, user_id)
    if user is None or not user.photo_sha or user.photo_sha != sha256 or not storage.path(sha256).exists():
        abort(404)
    found = photos.examine(storage.get(sha256))
    if found is None:
        abort(404)
    answer = send_file(storage.path(sha256), mimetype=found[0], max_age=31536000)
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    answer.headers["Content-Security-Policy"] = PHOTO_POLICY
    return answer


# --- password, sign-ins -------------------------------------------------------------------------------


@require("desk.use")
def change_password() -> Response:
    """The old one proves who asks; other sign-ins end."""
    from core.web.auth import guard

    user, errors = signed_in(), {}
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    if guard().shut(user.login, request.remote_addr or ""):
        errors["old"] = Text("Too many attempts. Wait a minute.", "Слишком много попыток. Подождите минуту.")
    elif new != again:
        errors["again"] = Text("The two passwords differ.", "Пароли не совпадают.")
    else:
        errors = _changed_password(user, old, new)
    answer = _card("password", {}, errors)
    if not errors:
        text = _("The password is changed; you are signed out everywhere else.")
        answer.headers["HX-Trigger"] = drawing.trigger(toast={"level": "good", "text": text})
    return answer


def _changed_password(user: User, old: str, new: str) -> dict[str, Text]:
    from core.web.auth import guard

    audit.set_actor(user.login, request.remote_addr or "")
    try:
        own_settings.change_password(user.id, old, new, request.environ.get("okno.sign_in"))
    except Invalid as invalid:
        db.session.rollback()
        if "old" in invalid.errors:
            guard().count(user.login, request.remote_addr or "")
        return invalid.errors
    return {}


@require("desk.use")
def end_sign_in(sign_in_id: int) -> Response:
    """End another sign-in of one's own."""
    own_settings.end_sign_in(signed_in().id, sign_in_id, request.environ.get("okno.sign_in"))
    return _card("sign_ins", {}, {})
