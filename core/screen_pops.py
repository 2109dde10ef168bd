"""Screen pops: what opens when an interaction of a service arrives: a page, a script to speak by, a part of the case form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import nh3
from marshmallow import fields as ma
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import audit, variables
from core.case_form import fields_of
from core.contracts import Text, VariableContext
from core.db import db, transaction
from core.directory import missing
from core.model import CaseField, Interaction, ScreenPop
from core.schemas import Form, Invalid, checked, flag, number, words

KINDS = ("url", "form", "script")
HOST = re.compile(r"https?://[^/?#\s$@\\]+(?=[/?#]|$)", re.IGNORECASE)


class ScreenPopForm(Form):
    kind = words(8, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    template = words(20_000, required=True)
    embed = flag(True)
    position = number(-10_000, 10_000, 0)
    active = flag(True)
    service_id = ma.Integer(allow_none=True, load_default=None)


@dataclass(frozen=True, slots=True)
class Filled:
    """A screen pop for one interaction. ``url``, ``html`` or ``fields`` by kind; ``empty`` names variables without a value."""

    pop: ScreenPop
    url: str = ""
    html: str = ""
    fields: tuple[CaseField, ...] = ()
    empty: tuple[str, ...] = ()


def list_pops(service_id: int | None = None) -> list[ScreenPop]:
    """All, or those of one service with those of every service, in order."""
    query = select(ScreenPop).options(joinedload(ScreenPop.service)).order_by(ScreenPop.position, ScreenPop.id)
    if service_id is not None:
        query = query.where((ScreenPop.service_id == service_id) | ScreenPop.service_id.is_(None))
    return list(db.session.scalars(query))


def get_pop(pop_id: int) -> ScreenPop:
    """By id; raises ``Rejected`` (``not-found``)."""
    pop = db.session.get(ScreenPop, pop_id)
    if pop is None:
        raise missing("screen pop", "всплывающее окно", pop_id)
    return pop


def add_pop(**values: Any) -> ScreenPop:
    """A new one; the fields are those of :class:`ScreenPopForm`. Raises :class:`Invalid`."""
    loaded = _checked(checked(ScreenPopForm, values))
    with transaction():
        pop = ScreenPop(**loaded)
        db.session.add(pop)
        db.session.flush()
        audit.record("screen_pop.add", "screen_pop", pop.id, after=loaded)
    return pop


def update_pop(pop_id: int, **values: Any) -> ScreenPop:
    """Change the given fields. Raises :class:`Invalid`."""
    given = checked(ScreenPopForm, values, partial=True)
    with transaction():
        pop = get_pop(pop_id)
        names = ("kind", "title_en", "title_ru", "template", "embed", "position", "active", "service_id")
        before = {name: getattr(pop, name) for name in names}
        loaded = _checked({**before, **given})
        for name, value in loaded.items():
            setattr(pop, name, value)
        audit.record("screen_pop.change", "screen_pop", pop_id, before, loaded)
    return pop


def remove_pop(pop_id: int) -> None:
    """Take one away."""
    with transaction():
        pop = get_pop(pop_id)
        audit.record("screen_pop.remove", "screen_pop", pop_id, before={"title_en": pop.title_en, "kind": pop.kind})
        db.session.delete(pop)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    if values["kind"] not in KINDS:
        raise Invalid({"kind": Text("Choose one of: url, form, script.", "Выберите: url, form или script.")})
    if values["kind"] == "url" and origin_of(values["template"]) is None:
        words_ = Text(
            "An address begins with https:// or http:// and a host without variables, for instance https://crm.example/?phone=$(from.phone).",
            "Адрес начинается с https:// или http:// и узла без переменных, например https://crm.example/?phone=$(from.phone).",
        )
        raise Invalid({"template": words_})
    if values["kind"] == "script":
        values["template"] = nh3.clean(values["template"], link_rel="noopener noreferrer")
    return values


def origin_of(template: str) -> str | None:
    """The origin of an address template, «https://crm.example»; None for what may not be opened."""
    found = HOST.match(template.strip())
    if found is None:
        return None
    try:
        parts = urlsplit(found.group(0))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    if not re.fullmatch(r"[a-z0-9.\-\[\]:]+", host):
        return None
    return f"{parts.scheme.lower()}://{host}{port}"


# --- for one interaction -----------------------------------------------------------------------------


def pops_of(service_id: int | None) -> list[ScreenPop]:
    """What opens for interactions of a service, in order."""
    query = select(ScreenPop).where(ScreenPop.active)
    query = query.where((ScreenPop.service_id == service_id) | ScreenPop.service_id.is_(None))
    return list(db.session.scalars(query.order_by(ScreenPop.position, ScreenPop.id)))


def context_of(interaction: Interaction, user_id: int) -> VariableContext:
    """What the variables draw on."""
    return VariableContext(
        user_id=user_id,
        case_id=interaction.case_id,
        interaction_id=interaction.id,
        contact_id=interaction.contact_id,
        service_id=interaction.service_id,
    )


def fill(pop: ScreenPop, context: VariableContext) -> Filled:
    """The pop with its variables filled in: percent-encoded in addresses, escaped in scripts, empty where nothing is known."""
    if pop.kind == "form":
        keys = [key.strip() for key in pop.template.replace("\n", ",").split(",")]
        known = {row.key: row for row in fields_of(context.service_id)}
        return Filled(pop, fields=tuple(known[key] for key in keys if key in known))
    if pop.kind == "script":
        done = variables.fill(pop.template, context, html=True)
        left = (*done.unknown, *done.empty)
        return Filled(pop, html=_without(done.text, left), empty=left)
    values, empty = _values(pop.template, context)
    url = variables.PATTERN.sub(lambda match: quote(values[match.group(1)], safe=""), pop.template.strip())
    # What stood in front of the first «/» is the administrator's own word, and so is the rest but for the variables.
    return Filled(pop, url=url if origin_of(url) == origin_of(pop.template) else "", empty=empty)


def _values(template: str, context: VariableContext) -> tuple[dict[str, str], tuple[str, ...]]:
    values = {}
    for name in variables.unfilled(template):
        filled = variables.fill(f"$({name})", context)
        values[name] = "" if filled.unknown or filled.empty or filled.cursor else filled.text
    return values, tuple(name for name, value in values.items() if not value)


def _without(html: str, names: Iterable[str]) -> str:
    """Variables without a value leave a blank line to fill in by ear, not their raw name."""
    for name in names:
        html = html.replace(f"$({name})", '<span class="pop-blank">……</span>')
    return html


def steps(html: str) -> list[str]:
    """A script cut before each heading: what is ticked off one by one."""
    parts = re.split(r"(?=<h[1-4][ >])", html)
    return [part for part in parts if part.strip()]
