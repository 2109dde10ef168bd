"""Customers' companies: found and added from a case, told apart by name, with the tax number checked as far as it can be."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from core.contracts import Text
from core.db import db, transaction
from core.model import Organisation
from core.schemas import Form, Invalid, checked, words

WEIGHTS_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
WEIGHTS_11 = (7, *WEIGHTS_10)
WEIGHTS_12 = (3, *WEIGHTS_11)


class OrganisationForm(Form):
    name = words(200, required=True)
    tax_id = words(40)


def _control(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11 % 10


def is_inn(digits: str) -> bool:
    """Whether the control digits of a Russian ИНН of 10 or 12 digits are right (order of the ФНС, ММВ-7-6/435)."""
    if len(digits) == 10:
        return _control(digits, WEIGHTS_10) == int(digits[9])
    first, second = _control(digits, WEIGHTS_11), _control(digits, WEIGHTS_12)
    return len(digits) == 12 and (first, second) == (int(digits[10]), int(digits[11]))


def tax_id_warning(tax_id: str) -> Text | None:
    """What looks wrong about a tax number; None when it is well, empty, or foreign (anything but 10 or 12 digits)."""
    digits = tax_id.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (10, 12) or is_inn(digits):
        return None
    return Text(
        "The control digits of this tax number do not match: check it for a misprint.",
        "Контрольные цифры ИНН не сходятся: проверьте, нет ли опечатки.",
    )


def search(text: str, limit: int = 10) -> list[Organisation]:
    """By beginning of the tax number, or by a part of the name."""
    sought = text.strip()
    if not sought:
        return []
    escaped = sought.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    lower = getattr(func, "okno_lower" if db.engine.dialect.name == "sqlite" else "lower")
    in_name = lower(Organisation.name).like(f"%{escaped.lower()}%", escape="\\")
    by_tax = Organisation.tax_id.like(f"{escaped}%", escape="\\")
    query = select(Organisation).where(or_(in_name, by_tax)).order_by(Organisation.name)
    return list(db.session.scalars(query.limit(limit)))


def add(name: str, tax_id: str = "") -> Organisation:
    """A new company; raises :class:`Invalid` for a name or a tax number that is there already (``exists``)."""
    values = checked(OrganisationForm, {"name": name, "tax_id": tax_id.replace(" ", "")})
    with transaction():
        if db.session.scalar(select(Organisation.id).where(Organisation.name == values["name"])) is not None:
            words = Text("An organisation with this name exists.", "Организация с таким названием уже есть.")
            raise Invalid({"name": words}, "exists")
        same = select(Organisation.name).where(Organisation.tax_id == values["tax_id"]).limit(1)
        if values["tax_id"] and (other := db.session.scalar(same)) is not None:
            words = Text(f"«{other}» has this tax number.", f"Этот ИНН уже есть у организации «{other}».")
            raise Invalid({"tax_id": words}, "exists")
        organisation = Organisation(**values)
        db.session.add(organisation)
        db.session.flush()
    return organisation
