"""The fields and categories that cases have, for every service or for one. The only code that changes them.

What agents fill in by them is :mod:`core.case_form`'s. A key stays for ever, because the values of cases are kept by it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import func, select

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.directory import missing
from core.model import Case, CaseCategory, CaseField
from core.schemas import CaseCategoryForm, CaseFieldForm, Invalid, checked

Row = TypeVar("Row", CaseField, CaseCategory)
TAKEN = Text("This key is taken.", "Такой ключ уже есть.")
PLAIN_FIELD = ("key", "title_en", "title_ru", "type", "choices", "required", "position", "active")
PLAIN_CATEGORY = ("key", "title_en", "title_ru", "position", "active")


def list_fields(service_id: int | None) -> list[CaseField]:
    """The fields of one service alone (None: those of every service), in order, switched off ones too."""
    query = select(CaseField).where(CaseField.service_id == service_id)
    return list(db.session.scalars(query.order_by(CaseField.position, CaseField.id)))


def list_categories(service_id: int | None) -> list[CaseCategory]:
    """The categories of one service alone (None: those of every service), in order, switched off ones too."""
    query = select(CaseCategory).where(CaseCategory.service_id == service_id)
    return list(db.session.scalars(query.order_by(CaseCategory.position, CaseCategory.id)))


def find_field(service_id: int | None, key: str) -> CaseField | None:
    """The field of that key in a service."""
    return db.session.scalar(select(CaseField).where(CaseField.service_id == service_id, CaseField.key == key))


def find_category(service_id: int | None, key: str) -> CaseCategory | None:
    """The category of that key in a service."""
    return db.session.scalar(select(CaseCategory).where(CaseCategory.service_id == service_id, CaseCategory.key == key))


def get_field(field_id: int) -> CaseField:
    """By id; raises ``Rejected`` (``not-found``)."""
    row = db.session.get(CaseField, field_id)
    if row is None:
        raise missing("field", "поле", field_id)
    return row


def get_category(category_id: int) -> CaseCategory:
    """By id; raises ``Rejected`` (``not-found``)."""
    row = db.session.get(CaseCategory, category_id)
    if row is None:
        raise missing("category", "категория", category_id)
    return row


def add_field(service_id: int | None, key: str, title_en: str, title_ru: str, **fields: Any) -> CaseField:
    """A new field; ``fields`` are type, choices, required, position, active.

    ``choices`` holds ``{"key", "title_en", "title_ru"}`` or bare texts; a ``choice`` field needs one at least. Codes: ``invalid``, ``exists``.
    """
    values = _field_values({"key": key, "title_en": title_en, "title_ru": title_ru, **fields}, partial=False)
    _check_choices(values["type"], values["choices"])
    with transaction():
        if find_field(service_id, values["key"]) is not None:
            raise Invalid({"key": TAKEN}, "exists")
        row = CaseField(service_id=service_id, **values)
        db.session.add(row)
        db.session.flush()
        audit.record("case_field.add", "case_field", row.key, after={**values, "service_id": service_id})
    return row


def update_field(field_id: int, **fields: Any) -> CaseField:
    """Change what is given; key and service stay."""
    values = _field_values({name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        row = get_field(field_id)
        _check_choices(values.get("type", row.type), values.get("choices", row.choices))
        _change(row, values, "case_field")
    return row


def remove_field(field_id: int) -> None:
    """Remove a field; what cases hold under its key stays with them and is no longer shown."""
    with transaction():
        row = get_field(field_id)
        audit.record(
            "case_field.remove", "case_field", row.key, before={name: getattr(row, name) for name in PLAIN_FIELD}
        )
        db.session.delete(row)


def add_category(service_id: int | None, key: str, title_en: str, title_ru: str, **fields: Any) -> CaseCategory:
    """A new category; ``fields`` are position, active. Codes: ``invalid``, ``exists``."""
    values = checked(CaseCategoryForm, {"key": key, "title_en": title_en, "title_ru": title_ru, **fields})
    with transaction():
        if find_category(service_id, values["key"]) is not None:
            raise Invalid({"key": TAKEN}, "exists")
        row = CaseCategory(service_id=service_id, **values)
        db.session.add(row)
        db.session.flush()
        audit.record("case_category.add", "case_category", row.key, after={**values, "service_id": service_id})
    return row


def update_category(category_id: int, **fields: Any) -> CaseCategory:
    """Change what is given; key and service stay."""
    values = checked(CaseCategoryForm, {name: v for name, v in fields.items() if name != "key"}, partial=True)
    with transaction():
        row = get_category(category_id)
        _change(row, values, "case_category")
    return row


def remove_category(category_id: int) -> None:
    """Remove a category that no case has; others can be switched off (``in-use``)."""
    with transaction():
        row = get_category(category_id)
        having = select(func.count(Case.id)).where(Case.category == row.key)
        if row.service_id is not None:
            having = having.where(Case.service_id == row.service_id)
        if count := db.session.scalar(having):
            text = Text(
                f"{count} cases have this category: switch it off instead.",
                f"Запросов с этой категорией: {count}. Её можно только выключить.",
            )
            raise Rejected(text, "in-use")
        audit.record("case_category.remove", "case_category", row.key, before={"title_en": row.title_en})
        db.session.delete(row)


def _change(row: Row, values: dict[str, Any], kind: str) -> None:
    before = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    audit.record(f"{kind}.change", kind, row.key, before, values)


def _field_values(given: dict[str, Any], *, partial: bool) -> dict[str, Any]:
    values = checked(CaseFieldForm, given, partial=partial)
    if "choices" in values:
        values["choices"] = [_choice(item) for item in values["choices"]]
    return values


def _choice(item: Any) -> dict[str, str] | str:
    if isinstance(item, str) and item.strip():
        return item.strip()
    given = item if isinstance(item, dict) else {}
    key = str(given.get("key", "")).strip()
    if not key or given.keys() - {"key", "title_en", "title_ru"}:
        raise Invalid(
            {"choices": Text("Each choice has a key and titles.", "У каждого значения есть ключ и названия.")}
        )
    return {"key": key, "title_en": str(given.get("title_en") or key), "title_ru": str(given.get("title_ru") or key)}


def _check_choices(kind: str, choices: list[Any]) -> None:
    if kind == "choice" and not choices:
        raise Invalid({"choices": Text("Write what can be chosen.", "Перечислите, из чего выбирать.")})
    keys = [choice["key"] if isinstance(choice, dict) else choice for choice in choices]
    if len(set(keys)) != len(keys):
        raise Invalid({"choices": Text("A choice is there twice.", "Одно из значений указано дважды.")})
