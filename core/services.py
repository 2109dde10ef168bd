"""What contacts reach: services with entries and teams, dispositions, workflow definitions. The only code that changes them.

Every operation owns its transaction (or joins the caller's), writes :mod:`core.audit` and raises
:class:`core.contracts.Rejected` or :class:`core.schemas.Invalid` with texts in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import selectinload

from core import audit
from core.contracts import Rejected, SetupChange, Text
from core.db import db, on_commit, transaction
from core.directory import get_team, missing
from core.events.wake import wake
from core.house import okno
from core.model import (
    Disposition,
    Interaction,
    Service,
    ServiceEntry,
    ServiceTeam,
    WorkflowDefinition,
    WorkflowRun,
    WorkflowVersion,
)
from core.schemas import DispositionForm, EntryForm, Invalid, ServiceForm, WorkflowForm, checked
from core.service_routing import TeamPlace, check_routing, checked_places, places_of

DEEPEST = 4


# --- services ----------------------------------------------------------------------------------------


def list_services(*, inactive: bool = True) -> list[Service]:
    """Services by key, with teams and entries loaded."""
    query = select(Service).order_by(Service.key).options(selectinload(Service.teams), selectinload(Service.entries))
    return list(db.session.scalars(query if inactive else query.where(Service.active)))


def get_service(key: str) -> Service:
    """The service of that key; raises ``Rejected`` (``not-found``)."""
    service: Service | None = db.session.scalar(select(Service).where(Service.key == key))
    if service is None:
        raise missing("service", "сервис", key)
    return service


def service_by_id(service_id: int | None) -> Service | None:
    """The service of that id; None for None, which stands for every service."""
    return db.session.get(Service, service_id) if service_id is not None else None


def _service(service_id: int) -> Service:
    service = db.session.get(Service, service_id)
    if service is None:
        raise missing("service", "сервис", service_id)
    return service


def add_service(
    key: str, title_en: str, title_ru: str, *, teams: Iterable[str | TeamPlace] = (), **fields: Any
) -> Service:
    """A new service; the first one becomes the default. ``fields`` are those of :class:`core.schemas.ServiceForm`."""
    values = checked(ServiceForm, {"key": key, "title_en": title_en, "title_ru": title_ru, **fields})
    with transaction():
        if db.session.scalar(select(Service.id).where(Service.key == values["key"])) is not None:
            raise Invalid({"key": Text("A service with this key exists.", "Сервис с таким ключом уже есть.")}, "exists")
        check_routing(None, values)
        first = db.session.scalar(select(Service.id).limit(1)) is None
        values["is_default"] = values["is_default"] or first
        service = Service(**values)
        db.session.add(service)
        db.session.flush()
        _one_default(service)
        audit.record("service.add", "service", service.key, after=values)
        set_service_teams(service.id, teams)
    return service


def update_service(service_id: int, **fields: Any) -> Service:
    """Change the given fields; the key stays. ``texts`` are merged by key, a blank one is removed."""
    values = checked(ServiceForm, {name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        service = _service(service_id)
        if "texts" in values:
            merged = {**service.texts, **values["texts"]}
            values["texts"] = {name: text for name, text in merged.items() if text}
        if service.is_default and values.get("is_default") is False:
            text = Text("Make another service the default instead.", "Вместо этого назначьте основным другой сервис.")
            raise Invalid({"is_default": text}, "default-needed")
        if values.get("active") is False and values.get("is_default", service.is_default):
            text = Text("The default service must stay active.", "Основной сервис должен работать.")
            raise Invalid({"active": text}, "default-needed")
        check_routing(service, values)
        before = {name: getattr(service, name) for name in values}
        change = SetupChange("service", service.key, {n: (before[n], v) for n, v in values.items() if before[n] != v})
        okno().hooks.before_setup_change(change)
        for name, value in values.items():
            setattr(service, name, value)
        db.session.flush()
        _one_default(service)
        audit.record("service.change", "service", service.key, before, values)
        okno().hooks.during_setup_change(change)
        on_commit(lambda: wake("routing"))
    return service


def _one_default(service: Service) -> None:
    if service.is_default:
        others = update(Service).where(Service.id != service.id, Service.is_default).values(is_default=False)
        db.session.execute(others)


def set_service_teams(service_id: int, teams: Iterable[str | TeamPlace]) -> None:
    """Let exactly these teams serve the service; one given by its key alone keeps its line and waiting, or starts on line 1."""
    with transaction():
        service = _service(service_id)
        before = {place.team: place for place in places_of([service_id]).get(service_id, [])}
        wanted = [team if isinstance(team, TeamPlace) else before.get(team, TeamPlace(team)) for team in teams]
        chosen = checked_places(wanted)
        rows = {row.team_id: row for row in db.session.scalars(select(ServiceTeam).filter_by(service_id=service_id))}
        kept = {get_team(place.team).id: place for place in chosen}
        for team_id in rows.keys() - kept.keys():
            db.session.delete(rows[team_id])
        for team_id, place in kept.items():
            row = rows.get(team_id) or ServiceTeam(service_id=service_id, team_id=team_id)
            row.line, row.after_seconds = place.line, place.after_seconds
            db.session.add(row)
        db.session.flush()
        db.session.expire(service, ["teams"])
        was, became = ({"teams": sorted(map(str, places))} for places in (before.values(), chosen))
        audit.record("service.teams", "service", service.key, was, became)
        on_commit(lambda: wake("routing"))


# --- entries -----------------------------------------------------------------------------------------


def normal_address(channel: str, address: str) -> str:
    """An entry's address as channels compare it: blanks cut, mail addresses in lower case."""
    kind = okno().channels[channel].address_kind if channel in okno().channels else ""
    return address.strip().lower() if kind in ("email", "") else address.strip()


def add_entry(service_id: int, channel: str, address: str, *, primary: bool = True) -> ServiceEntry:
    """Let ``address`` of a channel lead to a service; a new primary one replaces the old. Safe to repeat.

    A channel whose plugin is disabled is allowed: its entries wait. An address of another service is refused (``exists``).
    """
    values = checked(EntryForm, {"channel": channel, "address": address, "primary": primary})
    values["address"] = normal_address(values["channel"], values["address"])
    with transaction():
        service = _service(service_id)
        same = (ServiceEntry.channel == values["channel"]) & (ServiceEntry.address == values["address"])
        entry = db.session.scalar(select(ServiceEntry).where(same))
        if entry is not None and entry.service_id != service_id:
            text = Text(
                f"This address leads to «{entry.service.key}» already.",
                f"Этот адрес уже ведёт в «{entry.service.key}».",
            )
            raise Invalid({"address": text}, "exists")
        before = {"primary": entry.primary} if entry else None
        if primary:
            others = (ServiceEntry.service_id == service_id) & (ServiceEntry.channel == values["channel"])
            db.session.execute(update(ServiceEntry).where(others).values(primary=False))
        if entry is None:
            entry = ServiceEntry(service_id=service_id, **values)
            db.session.add(entry)
        entry.primary = primary
        object_id = f"{service.key}/{values['channel']}:{values['address']}"
        audit.record("entry.change" if before else "entry.add", "service", object_id, before, values)
    return entry


def remove_entry(entry_id: int) -> None:
    """Take an entry away; messages to its address then go to the default service."""
    with transaction():
        entry = db.session.get(ServiceEntry, entry_id)
        if entry is None:
            raise missing("entry", "точка входа", entry_id)
        gone = {"channel": entry.channel, "address": entry.address, "primary": entry.primary}
        audit.record("entry.remove", "service", f"{entry.service.key}/{entry.channel}:{entry.address}", before=gone)
        db.session.delete(entry)


# --- dispositions ------------------------------------------------------------------------------------


@dataclass(slots=True)
class DispositionNode:
    """A disposition with those below it, in order."""

    disposition: Disposition
    children: list[DispositionNode] = field(default_factory=list)


def disposition_tree(service_id: int | None) -> list[DispositionNode]:
    """The dispositions of one service (None: those of every service), nested."""
    query = select(Disposition).order_by(Disposition.position, Disposition.id)
    nodes = {
        row.id: DispositionNode(row) for row in db.session.scalars(query.where(Disposition.service_id == service_id))
    }
    roots: list[DispositionNode] = []
    for node in nodes.values():
        parent = nodes.get(node.disposition.parent_id or 0)
        (parent.children if parent else roots).append(node)
    return roots


def flat(nodes: Sequence[DispositionNode], depth: int = 0) -> list[tuple[int, Disposition]]:
    """A tree as rows with their depth, parents first."""
    rows: list[tuple[int, Disposition]] = []
    for node in nodes:
        rows += [(depth, node.disposition), *flat(node.children, depth + 1)]
    return rows


def find_disposition(service_id: int | None, key: str) -> Disposition | None:
    """The disposition of that key in a service."""
    query = select(Disposition).where(Disposition.service_id == service_id, Disposition.key == key)
    return db.session.scalar(query)


def get_disposition(disposition_id: int) -> Disposition:
    """By id; raises ``Rejected`` (``not-found``)."""
    disposition = db.session.get(Disposition, disposition_id)
    if disposition is None:
        raise missing("disposition", "статус обращения", disposition_id)
    return disposition


def add_disposition(
    service_id: int | None, key: str, title_en: str, title_ru: str, *, parent_id: int | None = None, **fields: Any
) -> Disposition:
    """A new outcome of a service (None: of every service). ``fields`` are those of :class:`core.schemas.DispositionForm`."""
    values = checked(DispositionForm, {"key": key, "title_en": title_en, "title_ru": title_ru, **fields})
    with transaction():
        if find_disposition(service_id, values["key"]) is not None:
            raise Invalid({"key": Text("This key is taken.", "Такой ключ уже есть.")}, "exists")
        _check_place(service_id, parent_id, None)
        _check_workflow(values["workflow_key"])
        disposition = Disposition(service_id=service_id, parent_id=parent_id, **values)
        db.session.add(disposition)
        db.session.flush()
        audit.record("disposition.add", "disposition", disposition.key, after={**values, "parent_id": parent_id})
    return disposition


def update_disposition(
    disposition_id: int, *, parent_id: int | None = None, move: bool = False, **fields: Any
) -> Disposition:
    """Change the given fields; with ``move`` also put it under ``parent_id`` (None: to the top)."""
    values = checked(DispositionForm, {name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        disposition = get_disposition(disposition_id)
        if "workflow_key" in values and values["workflow_key"] != disposition.workflow_key:
            _check_workflow(values["workflow_key"])
        if move:
            _check_place(disposition.service_id, parent_id, disposition_id)
            values["parent_id"] = parent_id
        before = {name: getattr(disposition, name) for name in values}
        for name, value in values.items():
            setattr(disposition, name, value)
        audit.record("disposition.change", "disposition", disposition.key, before, values)
    return disposition


def remove_disposition(disposition_id: int) -> None:
    """Remove one that was never chosen and has none below it; others can only be switched off (``in-use``)."""
    with transaction():
        disposition = get_disposition(disposition_id)
        below = db.session.scalar(select(Disposition.id).where(Disposition.parent_id == disposition_id).limit(1))
        chosen = db.session.scalar(select(Interaction.id).where(Interaction.disposition_id == disposition_id).limit(1))
        if below or chosen:
            text = Text("It is in use: switch it off instead.", "Он уже используется: его можно только выключить.")
            raise Rejected(text, "in-use")
        audit.record("disposition.remove", "disposition", disposition.key, before={"title_en": disposition.title_en})
        db.session.delete(disposition)


def _check_place(service_id: int | None, parent_id: int | None, moved_id: int | None) -> None:
    depth, at = 1, parent_id
    while at is not None:
        parent = db.session.get(Disposition, at)
        if parent is None or parent.service_id != service_id:
            text = Text("The parent belongs to another service.", "Родительский статус относится к другому сервису.")
            raise Invalid({"parent_id": text})
        if at == moved_id:
            text = Text("It cannot stand below itself.", "Статус нельзя поместить внутрь него самого.")
            raise Invalid({"parent_id": text})
        depth, at = depth + 1, parent.parent_id
    if depth > DEEPEST:
        text = Text(f"At most {DEEPEST} levels.", f"Не больше {DEEPEST} уровней.")
        raise Invalid({"parent_id": text})


def _check_workflow(key: str) -> None:
    if key and db.session.scalar(select(WorkflowDefinition.id).where(WorkflowDefinition.key == key)) is None:
        text = Text(f"There is no workflow «{key}».", f"Рабочего процесса «{key}» нет.")
        raise Invalid({"workflow_key": text}, "not-found")


# --- workflows ---------------------------------------------------------------------------------------


def list_workflows() -> list[WorkflowDefinition]:
    """Definitions by key, with their versions loaded."""
    query = select(WorkflowDefinition).order_by(WorkflowDefinition.key)
    return list(db.session.scalars(query.options(selectinload(WorkflowDefinition.versions))))


def get_workflow(key: str) -> WorkflowDefinition:
    """The workflow of that key; raises ``Rejected`` (``not-found``)."""
    found: WorkflowDefinition | None = db.session.scalar(
        select(WorkflowDefinition).where(WorkflowDefinition.key == key)
    )
    if found is None:
        raise missing("workflow", "рабочий процесс", key)
    return found


def define_workflow(key: str, title_en: str, title_ru: str, steps: Sequence[Mapping[str, Any]]) -> WorkflowDefinition:
    """Add a workflow, or a version to it when the steps differ from its newest; runs keep the version they began with.

    Each step is ``{"type": …, …params}``; types that no enabled plugin knows are refused (``invalid``).
    """
    values = checked(WorkflowForm, {"key": key, "title_en": title_en, "title_ru": title_ru})
    plain = [dict(step) for step in steps]
    _check_steps(plain)
    with transaction():
        found: WorkflowDefinition | None = db.session.scalar(
            select(WorkflowDefinition).where(WorkflowDefinition.key == values["key"])
        )
        if found is None:
            found = WorkflowDefinition(**values)
            found.versions.append(WorkflowVersion(version=1, steps=plain))
            db.session.add(found)
            audit.record("workflow.add", "workflow", key, after={**values, "steps": plain})
            return found
        before = {"title_en": found.title_en, "title_ru": found.title_ru, "steps": found.versions[-1].steps}
        found.title_en, found.title_ru = values["title_en"], values["title_ru"]
        if found.versions[-1].steps != plain:
            found.versions.append(WorkflowVersion(version=found.versions[-1].version + 1, steps=plain))
        after = {"title_en": found.title_en, "title_ru": found.title_ru, "steps": plain}
        audit.record("workflow.change", "workflow", key, before, after)
    return found


def _check_steps(steps: Sequence[Mapping[str, Any]]) -> None:
    if not steps:
        raise Invalid({"steps": Text("A workflow needs at least one step.", "В процессе нужен хотя бы один шаг.")})
    for number, step in enumerate(steps, 1):
        kind = step.get("type", "")
        known = okno().workflow_steps
        if kind not in known:
            names = ", ".join(sorted(known))
            text = Text(
                f"Step {number}: the type «{kind}» is unknown; known: {names}.",
                f"Шаг {number}: тип «{kind}» неизвестен; есть: {names}.",
            )
            raise Invalid({"steps": text})


def set_workflow_active(key: str, active: bool) -> None:
    """Let dispositions start the workflow, or not; runs that began go on."""
    with transaction():
        workflow = get_workflow(key)
        before = {"active": workflow.active}
        workflow.active = active
        audit.record("workflow.change", "workflow", key, before, {"active": active})


def workflow_runs(definition_id: int, limit: int = 50) -> list[WorkflowRun]:
    """The newest runs of all versions."""
    query = select(WorkflowRun).join(WorkflowVersion).where(WorkflowVersion.definition_id == definition_id)
    return list(db.session.scalars(query.order_by(WorkflowRun.id.desc()).limit(limit)))


def run_counts() -> dict[int, dict[str, int]]:
    """How many runs of each workflow, by its id, are in each state."""
    query = (
        select(WorkflowVersion.definition_id, WorkflowRun.state, func.count())
        .join(WorkflowRun, WorkflowRun.version_id == WorkflowVersion.id)
        .group_by(WorkflowVersion.definition_id, WorkflowRun.state)
    )
    counts: dict[int, dict[str, int]] = {}
    for definition_id, state, count in db.session.execute(query):
        counts.setdefault(definition_id, {})[state] = count
    return counts
