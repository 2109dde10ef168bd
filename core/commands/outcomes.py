"""``okno dispositions``, ``okno workflows``: outcomes, and what runs after them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, given, json_option, pass_house, titles

if TYPE_CHECKING:
    from core.model import Disposition


# --- dispositions ------------------------------------------------------------------------------------


def disposition_row(disposition: Disposition, service: str, depth: int = 0) -> dict[str, Any]:
    """A disposition for lists and programs; ``depth`` 0 stands at the top."""
    return {
        "service": service,
        "key": disposition.key,
        "depth": depth,
        "title": disposition.title_en,
        "title_ru": disposition.title_ru,
        "closes_case": disposition.closes_case,
        "success": disposition.success,
        "workflow": disposition.workflow_key,
        "active": disposition.active,
    }


@click.group()
def dispositions() -> None:
    """Outcomes that agents choose, nested, by service."""


@dispositions.command("list")
@click.option("--service", "service_key", help="Of this service only.")
@json_option
@pass_house
def list_dispositions(house: House, service_key: str | None) -> None:
    """All dispositions as trees."""
    with house.open():
        from core import services as operations

        places: list[tuple[int | None, str]] = [(None, "")]
        if service_key:
            places = [(operations.get_service(service_key).id, service_key)]
        else:
            places += [(service.id, service.key) for service in operations.list_services()]
        rows = [
            disposition_row(disposition, name, depth)
            for service_id, name in places
            for depth, disposition in operations.flat(operations.disposition_tree(service_id))
        ]
        shown = [{**row, "tree": "  " * row["depth"] + row["key"]} for row in rows]
        for row in shown if click.get_current_context().find_root().meta.get("okno.json") else ():
            del row["tree"]
        columns = ("service", "tree", "title_ru", "title", "closes_case", "success", "workflow")
        answer_rows(shown, columns, "no dispositions: add one with  okno dispositions add KEY --title NAME")


@dispositions.command("add")
@click.argument("key")
@click.option("--service", "service_key", help="Without it, the disposition is offered in every service.")
@click.option("--parent", help="Key of the disposition it stands under.")
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--closes/--interim", "closes_case", default=None, help="Does choosing it close the case?")
@click.option("--success", type=click.Choice(["success", "failure", "neutral"]), help="How statistics count it.")
@click.option("--workflow", "workflow_key", help="Key of a workflow it starts.")
@click.option("--position", type=int, help="Order among its neighbours.")
@click.option("--update", is_flag=True, help="Change it instead of failing when the key exists.")
@json_option
@pass_house
def add_disposition(
    house: House,
    key: str,
    service_key: str | None,
    parent: str | None,
    title: str | None,
    title_ru: str | None,
    update: bool,
    **values: Any,
) -> None:
    """Add a disposition KEY. With --update it is safe to repeat."""
    with house.open():
        from core import services as operations

        service_id = operations.get_service(service_key).id if service_key else None
        above = operations.find_disposition(service_id, parent) if parent else None
        if parent and above is None:
            raise click.ClickException(f"there is no disposition '{parent}' in this service")
        parent_id = above.id if above else None
        known = operations.find_disposition(service_id, key)
        if known is not None and update:
            fields = given(title_en=title, title_ru=title_ru, **values)
            found = operations.update_disposition(known.id, parent_id=parent_id, move=parent is not None, **fields)
        else:
            both = titles(title, title_ru, key)
            found = operations.add_disposition(service_id, key, *both, parent_id=parent_id, **given(**values))
        answer(disposition_row(found, service_key or ""), f"disposition {key} {'changed' if known else 'added'}")


# --- workflows ---------------------------------------------------------------------------------------


@click.group()
def workflows() -> None:
    """What runs after a disposition."""


@workflows.command("list")
@json_option
@pass_house
def list_workflows(house: House) -> None:
    """All workflows with their newest steps and how their runs stand."""
    with house.open():
        from core import services as operations

        counts = operations.run_counts()
        rows = [
            {
                "key": workflow.key,
                "title": workflow.title_en,
                "title_ru": workflow.title_ru,
                "version": workflow.versions[-1].version if workflow.versions else 0,
                "steps": [step["type"] for step in workflow.versions[-1].steps] if workflow.versions else [],
                "waiting": counts.get(workflow.id, {}).get("waiting", 0),
                "failed": counts.get(workflow.id, {}).get("failed", 0),
                "active": workflow.active,
            }
            for workflow in operations.list_workflows()
        ]
        columns = ("key", "title_ru", "title", "version", "steps", "waiting", "failed", "active")
        answer_rows(rows, columns, "no workflows: add one with  okno workflows define FILE.yml")


@workflows.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@pass_house
def define(house: House, file: Path) -> None:
    """Add a workflow from a YAML FILE (key, title, steps), or a version to it. Safe to repeat."""
    import yaml

    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: not valid YAML: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("steps"), list) or "key" not in found:
        raise click.ClickException(f"{file}: must be a mapping with key, title and a list of steps")
    title = found.get("title") or {}
    pair = title if isinstance(title, dict) else {"en": str(title)}
    both = titles(pair.get("en"), pair.get("ru"), str(found["key"]))
    with house.open():
        from core import services as operations

        workflow = operations.define_workflow(str(found["key"]), *both, found["steps"])
        version = workflow.versions[-1].version
        answer({"key": workflow.key, "version": version}, f"workflow {workflow.key} is at version {version}")
