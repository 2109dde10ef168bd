"""What the API puts on the Flask application: its operations, its description, and the page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Flask
from werkzeug.routing import IntegerConverter

from core.api import reference_page
from core.api.dispatch import view_of
from core.contracts import ApiOperation

if TYPE_CHECKING:
    from core.house import Okno

PREFIX = "/api/v1"


class IdConverter(IntegerConverter):
    """``<id:case_id>``: a number up to ``MOST_ID``, which fits the data base's keys; anything else is 404.

    The expression decides alone: werkzeug answers 405 where a converter refuses what its expression let through.
    """

    regex = r"[1-9]\d{0,8}"


def own_operations() -> list[ApiOperation]:
    """The operations of the core, resource by resource in the order of the reference."""
    from core.api import (
        agents,
        case_parts,
        cases,
        contacts,
        desk_things,
        dispositions,
        interactions,
        me,
        messages,
        pings,
        search,
        service_changes,
        services,
        tokens,
        webhooks,
    )

    modules = (
        me,
        cases,
        case_parts,
        pings,
        interactions,
        messages,
        contacts,
        agents,
        services,
        service_changes,
        dispositions,
        search,
        desk_things,
        webhooks,
        tokens,
    )
    return [operation for module in modules for operation in module.resource.operations]


def all_operations(house: Okno) -> list[ApiOperation]:
    """The core's operations and the plugins'; a second one of the same name or address is refused and counted as a fault."""
    found = own_operations()
    taken = {(operation.method, operation.path) for operation in found}
    names = {operation.name for operation in found}
    for plugin, operation in house.hooks.api():
        address = (operation.method, operation.path)
        if address in taken or operation.name in names:
            error = ValueError(f"API operation '{operation.name}' ({' '.join(address)}) is registered already")
            house.plugins.record_fault(plugin, "register_api", error)
            continue
        taken.add(address)
        names.add(operation.name)
        found.append(operation)
    return found


def mount(app: Flask, house: Okno) -> None:
    """Register the routes."""
    app.url_map.converters["id"] = IdConverter
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    for operation in house.api:
        blueprint.add_url_rule(operation.path, operation.name, view_of(operation), methods=[operation.method])
    blueprint.add_url_rule("/openapi.json", "openapi", reference_page.description, methods=["GET"])
    app.register_blueprint(blueprint)
    app.add_url_rule("/api/docs", "api_docs", reference_page.page, methods=["GET"])
