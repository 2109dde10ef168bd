"""The sections of a configuration in the order in which they can be put: each as rows out, and a row in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import calendars, case_catalogue, directory, ping_targets, reasons, skills, team_rules
from core import services as operations
from core.contracts import Rejected, Text
from core.exchange import services as service_rows
from core.house import okno
from core.model import Team

Row = dict[str, Any]
TITLES = ("title_en", "title_ru")
TEAM_RULES = (
    "capacity", "mix", "after_sign_in", "after_work", "after_reject", "after_no_answer", "away_minutes", "break_minutes", "start_url",
)  # fmt: skip
REASON = ("icon", "is_break", "position", "active")
DISPOSITION = ("closes_case", "success", "workflow_key", "position", "active")
TARGET = ("kind", "fields", "target_seconds", "active")


def _as_given(items: Sequence[Row]) -> Iterable[Row]:
    return items


def _nothing(items: Sequence[Row]) -> None:
    """Most sections need no preparation."""


def _key(item: Mapping[str, Any]) -> str:
    return str(item["key"])


def _scoped_key(item: Mapping[str, Any]) -> str:
    return f"{item.get('service') or '*'}/{item['key']}"


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing. ``prepare`` makes what others of the file may refer to, ``put`` adds or changes one row."""

    name: str
    fields: tuple[str, ...]
    dump: Callable[[], list[Row]]
    put: Callable[[Row], None]
    prepare: Callable[[list[Row]], None] = _nothing
    order: Callable[[Sequence[Row]], Iterable[Row]] = _as_given
    name_of: Callable[[Mapping[str, Any]], str] = _key


def _row(source: Any, *names: str) -> Row:
    return {name: getattr(source, name) for name in names}


def _given(item: Row, *names: str) -> Row:
    return {name: item[name] for name in names if name in item}


def _titles(item: Row) -> tuple[str, str]:
    english, russian = item.get("title_en"), item.get("title_ru")
    return english or russian or item["key"], russian or english or item["key"]


# --- roles, calendars, skills ------------------------------------------------------------------------


def _dump_roles() -> list[Row]:
    known = okno().permissions
    return [
        {**_row(role, "key", *TITLES), "privileges": sorted(name for name in role.privileges if name in known)}
        for role in directory.list_roles()
    ]


def _put_role(item: Row) -> None:
    before = {role.key: role for role in directory.list_roles()}.get(item["key"])
    kept = [name for name in before.privileges if name in okno().permissions] if before else []
    english, russian = (before.title_en, before.title_ru) if before else _titles(item)
    directory.save_role(
        item["key"], item.get("title_en", english), item.get("title_ru", russian), item.get("privileges", kept)
    )


def _dump_calendars() -> list[Row]:
    return [
        {"key": entry.key, "title_en": entry.title.en, "title_ru": entry.title.ru, "settings": entry.calendar.to_dict()}
        for entry in calendars.list_calendars()
        if entry.stored
    ]


def _put_calendar(item: Row) -> None:
    if not calendars.is_known(item["key"]):
        calendars.add_calendar(item["key"], *_titles(item), item.get("settings", {}))
        return
    calendars.update_calendar(item["key"], **_given(item, *TITLES, "settings"))


def _put_skill(item: Row) -> None:
    known = {skill.key: skill.id for skill in skills.list_skills()}
    if item["key"] in known:
        skills.update_skill(known[item["key"]], **_given(item, *TITLES))
    else:
        skills.add_skill(item["key"], *_titles(item))


# --- teams, reasons ----------------------------------------------------------------------------------


def _team(key: str) -> Team | None:
    return {team.key: team for team in directory.list_teams()}.get(key)


def _prepare_teams(items: list[Row]) -> None:
    known = {team.key for team in directory.list_teams()}
    for item in items:
        if item["key"] not in known:
            directory.add_team(item["key"], *_titles(item))


def _put_team(item: Row) -> None:
    team = directory.get_team(item["key"])
    directory.update_team(team.id, **_given(item, *TITLES))
    team_rules.set_rules(team.id, **_given(item, *TEAM_RULES))


def _dump_reasons() -> list[Row]:
    return [_row(reason, "key", *TITLES, *REASON) for reason in reasons.list_reasons()]


def _put_reason(item: Row) -> None:
    known = reasons.find_reason(item["key"])
    if known is None:
        reasons.add_reason(item["key"], *_titles(item), **_given(item, *REASON))
    else:
        reasons.update_reason(known.id, **_given(item, *TITLES, *REASON))


# --- workflows, dispositions -------------------------------------------------------------------------


def _dump_workflows() -> list[Row]:
    return [
        {**_row(found, "key", *TITLES, "active"), "steps": found.versions[-1].steps}
        for found in operations.list_workflows()
        if found.versions
    ]


def _put_workflow(item: Row) -> None:
    known = {found.key: found for found in operations.list_workflows()}.get(item["key"])
    english, russian = (known.title_en, known.title_ru) if known else _titles(item)
    steps = item.get("steps", known.versions[-1].steps if known else [])
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
        raise Rejected(
            Text("steps must be a list of mappings.", "steps — список шагов с именами и значениями."), "config-shape"
        )
    operations.define_workflow(item["key"], item.get("title_en", english), item.get("title_ru", russian), steps)
    if "active" in item and (known.active if known else True) != item["active"]:
        operations.set_workflow_active(item["key"], bool(item["active"]))


def _service_id(item: Row) -> int | None:
    key = item.get("service") or ""
    return operations.get_service(key).id if key else None


def _dump_dispositions() -> list[Row]:
    rows = []
    places: list[tuple[int | None, str]] = [(None, ""), *((row.id, row.key) for row in operations.list_services())]
    for service_id, key in places:
        found = [row for _depth, row in operations.flat(operations.disposition_tree(service_id))]
        keys = {row.id: row.key for row in found}
        for row in found:
            parent = keys.get(row.parent_id or 0, "")
            rows.append({"key": row.key, "service": key, "parent": parent, **_row(row, *TITLES, *DISPOSITION)})
    return rows


def _put_disposition(item: Row) -> None:
    service_id, parent_key = _service_id(item), item.get("parent") or ""
    parent = operations.find_disposition(service_id, parent_key) if parent_key else None
    if parent_key and parent is None:
        text = Text(f"There is no disposition «{parent_key}» above it.", f"Над ним нет статуса «{parent_key}».")
        raise Rejected(text, "not-found")
    parent_id, known = parent.id if parent else None, operations.find_disposition(service_id, item["key"])
    fields = _given(item, *DISPOSITION)
    if known is None:
        operations.add_disposition(service_id, item["key"], *_titles(item), parent_id=parent_id, **fields)
        return
    moved = "parent" in item and known.parent_id != parent_id
    operations.update_disposition(known.id, parent_id=parent_id, move=moved, **_given(item, *TITLES), **fields)


# --- the case form -----------------------------------------------------------------------------------


def _scopes() -> list[tuple[int | None, str]]:
    return [(None, ""), *((row.id, row.key) for row in operations.list_services())]


def _dump_fields() -> list[Row]:
    return [
        {"service": key, **_row(row, *case_catalogue.PLAIN_FIELD)}
        for service_id, key in _scopes()
        for row in case_catalogue.list_fields(service_id)
    ]


def _put_field(item: Row) -> None:
    known = case_catalogue.find_field(_service_id(item), item["key"])
    fields = _given(item, "type", "choices", "required", "position", "active")
    if known is None:
        case_catalogue.add_field(_service_id(item), item["key"], *_titles(item), **fields)
    else:
        case_catalogue.update_field(known.id, **_given(item, *TITLES), **fields)


def _dump_categories() -> list[Row]:
    return [
        {"service": key, **_row(row, *case_catalogue.PLAIN_CATEGORY)}
        for service_id, key in _scopes()
        for row in case_catalogue.list_categories(service_id)
    ]


def _put_category(item: Row) -> None:
    known = case_catalogue.find_category(_service_id(item), item["key"])
    fields = _given(item, "position", "active")
    if known is None:
        case_catalogue.add_category(_service_id(item), item["key"], *_titles(item), **fields)
    else:
        case_catalogue.update_category(known.id, **_given(item, *TITLES), **fields)


# --- addressees of pings -----------------------------------------------------------------------------


def _dump_targets() -> list[Row]:
    return [
        {**_row(row, "key", *TITLES, *TARGET), "team": row.team.key if row.team else ""}
        for row in ping_targets.list_targets()
    ]


def _put_target(item: Row) -> None:
    known = {row.key: row for row in ping_targets.list_targets()}.get(item["key"])
    fields = _given(item, *TARGET, "team")
    if known is None:
        ping_targets.add_target(item["key"], *_titles(item), **fields)
    else:
        ping_targets.update_target(known.id, **_given(item, *TITLES), **fields)


SECTIONS: tuple[Section, ...] = (
    Section("roles", ("key", *TITLES, "privileges"), _dump_roles, _put_role),
    Section("calendars", ("key", *TITLES, "settings"), _dump_calendars, _put_calendar),
    Section(
        "skills", ("key", *TITLES), lambda: [_row(row, "key", *TITLES) for row in skills.list_skills()], _put_skill
    ),
    Section(
        "teams",
        ("key", *TITLES, *TEAM_RULES),
        lambda: [_row(team, "key", *TITLES, *TEAM_RULES) for team in directory.list_teams()],
        _put_team,
        _prepare_teams,
    ),
    Section("reasons", ("key", *TITLES, *REASON), _dump_reasons, _put_reason),
    Section("workflows", ("key", *TITLES, "steps", "active"), _dump_workflows, _put_workflow),
    Section(
        "services",
        service_rows.FIELDS,
        service_rows.dump,
        service_rows.put,
        service_rows.prepare,
        service_rows.in_order,
    ),
    Section(
        "dispositions",
        ("key", "service", "parent", *TITLES, *DISPOSITION),
        _dump_dispositions,
        _put_disposition,
        name_of=_scoped_key,
    ),
    Section("case_fields", ("service", *case_catalogue.PLAIN_FIELD), _dump_fields, _put_field, name_of=_scoped_key),
    Section(
        "case_categories",
        ("service", *case_catalogue.PLAIN_CATEGORY),
        _dump_categories,
        _put_category,
        name_of=_scoped_key,
    ),
    Section("ping_targets", ("key", *TITLES, *TARGET, "team"), _dump_targets, _put_target),
)
