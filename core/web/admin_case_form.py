"""What cases hold: the fields and categories of every service or of one."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from core import case_catalogue, services
from core.contracts import Text
from core.model import CaseCategory, CaseField, Service
from core.permissions import require
from core.schemas import CASE_FIELD_TYPES
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, refused, ticked, typed
from core.web.language import here

FIELD_TEXTS, CATEGORY_TEXTS = ("title_en", "title_ru", "type", "position"), ("title_en", "title_ru", "position")
TYPES = {
    "text": Text("Line of text", "Строка"),
    "lines": Text("Several lines", "Несколько строк"),
    "number": Text("Number", "Число"),
    "date": Text("Date", "Дата"),
    "choice": Text("Choice", "Выбор из списка"),
    "bool": Text("Yes or no", "Да или нет"),
    "url": Text("Link", "Ссылка"),
    "email": Text("Email address", "Адрес почты"),
    "phone": Text("Phone number", "Телефон"),
}
assert set(TYPES) == set(CASE_FIELD_TYPES)


@blueprint.get("/case-form")
@require("admin.services")
def case_form() -> Answer:
    """The fields and categories of one service, or of every service."""
    shown = _service(request.args.get("service", ""))
    service_id = shown.id if shown else None
    return draw(
        "case_form",
        services=services.list_services(),
        service=shown,
        fields=case_catalogue.list_fields(service_id),
        categories=case_catalogue.list_categories(service_id),
        types=TYPES,
    )


@blueprint.route("/case-form/fields/new", methods=["GET", "POST"])
@require("admin.services")
def new_case_field() -> Answer:
    """Add a field."""
    shown = _service(request.args.get("service", ""))
    if request.method == "GET":
        return _field_page(shown, None, FormState({"type": "text", "position": 0, "active": True, "choices": []}))
    values = {**typed("key"), **_posted_field()}
    errors = attempt(lambda: case_catalogue.add_field(shown.id if shown else None, **values))
    return _field_page(shown, None, FormState(values, errors)) if errors else _back(shown, _("Field added"))


@blueprint.route("/case-form/fields/<int:field_id>", methods=["GET", "POST"])
@require("admin.services")
def case_field(field_id: int) -> Answer:
    """One field."""
    row = found(lambda: case_catalogue.get_field(field_id))
    shown = services.service_by_id(row.service_id)
    if request.method == "GET":
        return _field_page(shown, row, FormState({name: getattr(row, name) for name in case_catalogue.PLAIN_FIELD}))
    values = _posted_field()
    errors = attempt(lambda: case_catalogue.update_field(field_id, **values))
    if errors:
        return _field_page(shown, case_catalogue.get_field(field_id), FormState(values, errors))
    return _back(shown)


@blueprint.post("/case-form/fields/<int:field_id>/remove")
@require("admin.services")
def remove_case_field(field_id: int) -> Answer:
    """Remove a field."""
    shown = services.service_by_id(found(lambda: case_catalogue.get_field(field_id)).service_id)
    errors = attempt(lambda: case_catalogue.remove_field(field_id))
    return refused(errors, "admin.case_field", field_id=field_id) if errors else _back(shown, _("Field removed"))


@blueprint.route("/case-form/categories/new", methods=["GET", "POST"])
@require("admin.services")
def new_case_category() -> Answer:
    """Add a category."""
    shown = _service(request.args.get("service", ""))
    if request.method == "GET":
        return _category_page(shown, None, FormState({"position": 0, "active": True}))
    values: dict[str, Any] = {**typed("key", *CATEGORY_TEXTS), **ticked("active")}
    errors = attempt(lambda: case_catalogue.add_category(shown.id if shown else None, **values))
    return _category_page(shown, None, FormState(values, errors)) if errors else _back(shown, _("Category added"))


@blueprint.route("/case-form/categories/<int:category_id>", methods=["GET", "POST"])
@require("admin.services")
def case_category(category_id: int) -> Answer:
    """One category."""
    row = found(lambda: case_catalogue.get_category(category_id))
    shown = services.service_by_id(row.service_id)
    if request.method == "GET":
        stored = {name: getattr(row, name) for name in case_catalogue.PLAIN_CATEGORY}
        return _category_page(shown, row, FormState(stored))
    values: dict[str, Any] = {**typed(*CATEGORY_TEXTS), **ticked("active")}
    errors = attempt(lambda: case_catalogue.update_category(category_id, **values))
    if errors:
        return _category_page(shown, case_catalogue.get_category(category_id), FormState(values, errors))
    return _back(shown)


@blueprint.post("/case-form/categories/<int:category_id>/remove")
@require("admin.services")
def remove_case_category(category_id: int) -> Answer:
    """Remove a category that no case has."""
    shown = services.service_by_id(found(lambda: case_catalogue.get_category(category_id)).service_id)
    errors = attempt(lambda: case_catalogue.remove_category(category_id))
    if errors:
        return refused(errors, "admin.case_category", category_id=category_id)
    return _back(shown, _("Category removed"))


def _service(key: str) -> Service | None:
    return found(lambda: services.get_service(key)) if key else None


def _back(shown: Service | None, text: str = "") -> Answer:
    return done("admin.case_form", text, service=shown.key if shown else None)


def _posted_field() -> dict[str, Any]:
    return {**typed(*FIELD_TEXTS), **ticked("required", "active"), "choices": _choices(request.form.get("choices", ""))}


def _choices(text: str) -> list[dict[str, str] | str]:
    """One choice a line: ``key = Russian / English``, the titles may be left out."""
    found_choices: list[dict[str, str] | str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, _sep, titles = line.partition("=")
        russian, _sep, english = titles.partition("/")
        both = (english.strip() or russian.strip(), russian.strip() or english.strip())
        key = key.strip()
        found_choices.append({"key": key, "title_en": both[0], "title_ru": both[1]} if any(both) else key)
    return found_choices


def _choice_lines(choices: Any) -> str:
    lines = []
    for choice in choices:
        given = choice if isinstance(choice, dict) else {"key": str(choice)}
        key = given.get("key", "")
        russian, english = given.get("title_ru") or key, given.get("title_en") or key
        lines.append(key if russian == english == key else f"{key} = {russian} / {english}")
    return "\n".join(lines)


def _field_page(shown: Service | None, row: CaseField | None, form: FormState) -> Answer:
    types = [(key, text.to(here())) for key, text in TYPES.items()]
    choice_lines = _choice_lines(form.values.get("choices", []))
    return draw("case_field", form, service=shown, field_row=row, types=types, choice_lines=choice_lines)


def _category_page(shown: Service | None, row: CaseCategory | None, form: FormState) -> Answer:
    return draw("case_category", form, service=shown, category=row)
