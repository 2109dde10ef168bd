"""The case form: which fields and categories a service has, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import phonenumbers
from marshmallow import Schema, ValidationError, fields
from sqlalchemy import select

from core.contracts import Rejected, Text
from core.db import db
from core.model import Case, CaseCategory, CaseField
from core.schemas import EMAIL, NOT_FLAG, NOT_TEXT, Form, Invalid, checked, wrong

Row = TypeVar("Row", CaseField, CaseCategory)
LONGEST_LINE, LONGEST_TEXT = 500, 10_000
INCOMPLETE = Text(
    "Please choose a disposition and fill in the required fields",
    "Пожалуйста, выберите статус разговора и заполните требуемые поля",
)


class Incomplete(Rejected):
    """A case cannot close yet; ``fields`` are the empty required ones."""

    def __init__(self, missing: Sequence[CaseField]) -> None:
        self.fields = tuple(missing)
        english, russian = (", ".join(f"«{title}»" for title in titles) for titles in _titles(missing))
        super().__init__(Text(f"{INCOMPLETE.en}: {english}", f"{INCOMPLETE.ru}: {russian}"), "required-fields")


def _titles(rows: Sequence[CaseField]) -> tuple[list[str], list[str]]:
    return [row.title_en for row in rows], [row.title_ru for row in rows]


def _of_service(model: type[Row], service_id: int | None) -> list[Row]:
    """Rows for every service and for this one; a row of the service replaces a general one with its key."""
    query = select(model).where(model.active, (model.service_id == service_id) | model.service_id.is_(None))
    found: dict[str, Row] = {}
    for row in db.session.scalars(query.order_by(model.service_id.is_not(None), model.id)):
        found[row.key] = row
    return sorted(found.values(), key=lambda row: (row.position, row.id))


def fields_of(service_id: int | None) -> list[CaseField]:
    """The fields of a service's form, in order."""
    return _of_service(CaseField, service_id)


def categories_of(service_id: int | None) -> list[CaseCategory]:
    """The categories that cases of a service may have, in order."""
    return _of_service(CaseCategory, service_id)


# --- checks of values --------------------------------------------------------------------------------


def choices_of(row: CaseField) -> list[tuple[str, Text]]:
    """Key and title of each choice; a bare text is both."""
    found = []
    for choice in row.choices:
        if isinstance(choice, Mapping):
            key = str(choice.get("key", ""))
            found.append((key, Text(str(choice.get("title_en") or key), str(choice.get("title_ru") or key))))
        else:
            found.append((str(choice), Text(str(choice), str(choice))))
    return found


def _number(value: str) -> None:
    try:
        number = Decimal("".join(value.split()).replace(",", "."))
        fits = number.is_finite() and abs(number) < 10**18
    except ArithmeticError:
        fits = False
    if not fits:
        raise wrong("Please enter a number, for instance 12.5.", "Введите число, например 12,5.")


def _date(value: str) -> None:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise wrong("Please enter a date, for instance 2026-11-21.", "Введите дату, например 21.11.2026.") from None


def _url(value: str) -> None:
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in value)
    except ValueError:
        fits = False
    if not fits:
        text = ("An address begins with http:// or https://.", "Адрес начинается с http:// или https://.")
        raise wrong(*text)


def _email(value: str) -> None:
    if not EMAIL.fullmatch(value) or len(value) > 254:
        raise wrong(
            "This does not look like an email address, for instance name@example.com.",
            "Это не похоже на адрес почты, например name@example.com.",
        )


def _phone(value: str) -> None:
    try:
        fits = phonenumbers.is_possible_number(phonenumbers.parse(value, "RU"))
    except phonenumbers.NumberParseException:
        fits = False
    if not fits:
        raise wrong("A phone number, for instance +7 495 123-45-67.", "Введите телефон, например +7 495 123-45-67.")


CHECKS = {"number": _number, "date": _date, "url": _url, "email": _email, "phone": _phone}


def _not_longer(limit: int) -> Any:
    def check(value: str) -> None:
        if len(value) > limit:
            raise wrong(
                f"At most {limit} characters, this has {len(value)}.", f"Не больше {limit} знаков, здесь {len(value)}."
            )
        if "\x00" in value:
            raise ValidationError([NOT_TEXT])

    return check


def _choice(row: CaseField) -> Any:
    keys = [key for key, _title in choices_of(row)]

    def check(value: str) -> None:
        if value not in keys:
            raise wrong("Choose one of the list.", "Выберите значение из списка.")

    return check


def _field(row: CaseField) -> fields.Field[Any]:
    if row.type == "bool":
        return fields.Boolean(error_messages={"invalid": [NOT_FLAG], "null": [NOT_FLAG]})
    checks: list[Any] = [_not_longer(LONGEST_TEXT if row.type == "lines" else LONGEST_LINE)]
    if row.type == "choice":
        checks.append(_choice(row))
    elif row.type in CHECKS:
        checks.append(CHECKS[row.type])

    def unless_empty(value: str) -> None:
        if value:
            for check in checks:
                check(value)

    messages: dict[str, Any] = {"invalid": [NOT_TEXT], "null": [NOT_TEXT]}
    return fields.String(validate=unless_empty, error_messages=messages)


def schema_of(rows: Sequence[CaseField]) -> type[Schema]:
    """A marshmallow schema made from the rows; it knows no other fields."""
    return Form.from_dict({row.key: _field(row) for row in rows}, name="CaseForm")


def check_values(rows: Sequence[CaseField], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are kept: texts, and True or False for ``bool``. Raises :class:`Invalid` by key."""
    plain = {key: value if isinstance(value, str | bool) else _as_text(value) for key, value in values.items()}
    loaded = checked(schema_of(rows), plain, partial=True)
    numbers = {row.key for row in rows if row.type == "number"}
    return {key: "".join(value.split()).replace(",", ".") if key in numbers else value for key, value in loaded.items()}


def _as_text(value: Any) -> Any:
    """JSON numbers are as good as their digits; None empties a field; anything else stays and is refused."""
    if value is None:
        return ""
    return (
        format(value, "f") if isinstance(value, Decimal) else repr(value) if isinstance(value, int | float) else value
    )


def missing(case: Case, rows: Sequence[CaseField] | None = None) -> list[CaseField]:
    """The required fields that are empty; a required check box must be ticked."""
    known = fields_of(case.service_id) if rows is None else rows
    return [row for row in known if row.required and case.fields.get(row.key) in (None, "", False)]


def check_complete(case: Case) -> None:
    """Raises :class:`Incomplete` when the case may not close yet."""
    if left := missing(case):
        raise Incomplete(left)


def check_category(service_id: int | None, key: str) -> None:
    """Raises :class:`Invalid` for a category that cases of the service may not have; "" is none."""
    if key and key not in {row.key for row in categories_of(service_id)}:
        words = Text("There is no such category for this service.", "У этого сервиса нет такой категории.")
        raise Invalid({"category": words}, "category-unknown")
