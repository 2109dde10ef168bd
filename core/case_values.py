"""Values of the case form, written by compare-and-swap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import case_changes, case_form, casework, timeline
from core.contracts import Text
from core.db import transaction
from core.model import Case, CaseField


def set_fields(
    case_id: int, user_id: int | None, values: Mapping[str, Any], *, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write values of the form; returns those that changed.

    ``before`` is what the writer saw in each field; a field that is different now and not what is wanted raises
    :class:`core.case_changes.CaseChanged`, and nothing is written. Raises :class:`core.schemas.Invalid` for what does not fit.
    """
    with transaction():
        case = case_changes.locked(case_id)
        rows = {row.key: row for row in case_form.fields_of(case.service_id)}
        changed: dict[str, Any] = {}
        for key, value in case_form.check_values(list(rows.values()), values).items():
            current = case.fields.get(key, "")
            if (current or "") == (value or ""):
                continue
            if before is not None and key in before:
                title = Text(rows[key].title_en, rows[key].title_ru)
                case_changes.check_same(title, current or "", before[key] or "", case_id, "case.field", key)
            changed[key] = value
        if changed:
            _write(case, user_id, rows, changed)
        return changed


def _write(case: Case, user_id: int | None, rows: Mapping[str, CaseField], changed: Mapping[str, Any]) -> None:
    for key, value in changed.items():
        words: dict[str, Any] = {"title_en": rows[key].title_en, "title_ru": rows[key].title_ru}
        facts = {"key": key, "before": case.fields.get(key, ""), "after": value}
        timeline.write(case.id, "case.field", actor_id=user_id, **facts, **words)
    merged = {key: value for key, value in {**case.fields, **changed}.items() if value not in ("", None, False)}
    casework.touch(case, cause="agent", fields=merged)
