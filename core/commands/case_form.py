"""``okno case-fields``, ``okno case-categories``, ``okno screen-pops``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, given, json_option, pass_house, titles

if TYPE_CHECKING:
    from core.model import CaseCategory, CaseField, ScreenPop

TYPES = ("text", "lines", "number", "date", "choice", "bool", "url", "email", "phone")
service_option = click.option("--service", default="", help="Key of a service; without it, every service.")


def _service_id(key: str) -> int | None:
    from core import services

    return services.get_service(key).id if key else None


def field_row(row: CaseField) -> dict[str, Any]:
    """A field for lists and programs."""
    return {
        "key": row.key,
        "title": row.title_en,
        "title_ru": row.title_ru,
        "type": row.type,
        "choices": row.choices,
        "required": row.required,
        "position": row.position,
        "active": row.active,
    }


@click.group("case-fields")
def case_fields() -> None:
    """What agents fill in on a case."""


@case_fields.command("list")
@service_option
@json_option
@pass_house
def list_fields(house: House, service: str) -> None:
    """The fields of every service, or of one."""
    with house.open():
        from core import case_catalogue

        rows = [field_row(row) for row in case_catalogue.list_fields(_service_id(service))]
        empty = "no fields: add one with  okno case-fields add KEY --title NAME"
        answer_rows(rows, ("key", "title_ru", "title", "type", "required", "active"), empty)


@case_fields.command("add")
@click.argument("key")
@click.option("--title", "title_en", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--type", type=click.Choice(TYPES), help="What it holds; text without it.")
@click.option("--choice", "choices", multiple=True, help="For the type choice; may be repeated.")
@click.option("--required/--optional", default=None, help="Is it needed to close a case?")
@click.option("--position", type=int, help="Lower comes first.")
@click.option("--update", is_flag=True, help="Change the field instead of failing when it exists.")
@service_option
@json_option
@pass_house
def add_field(house: House, key: str, service: str, update: bool, choices: tuple[str, ...], **values: Any) -> None:
    """Add the field KEY. With --update it is safe to repeat."""
    fields = {**given(**values), **({"choices": list(choices)} if choices else {})}
    with house.open():
        from core import case_catalogue

        service_id = _service_id(service)
        known = case_catalogue.find_field(service_id, key) if update else None
        if known is not None:
            row = case_catalogue.update_field(known.id, **fields)
            answer(field_row(row), f"field {key} changed")
            return
        title_en, title_ru = titles(fields.pop("title_en", None), fields.pop("title_ru", None), key)
        row = case_catalogue.add_field(service_id, key, title_en, title_ru, **fields)
        answer(field_row(row), f"field {key} added")


@case_fields.command("remove")
@click.argument("key")
@service_option
@pass_house
def remove_field(house: House, key: str, service: str) -> None:
    """Take the field KEY away; values that cases have stay in them."""
    with house.open():
        from core import case_catalogue
        from core.directory import missing

        row = case_catalogue.find_field(_service_id(service), key)
        if row is None:
            raise missing("field", "поле", key)
        case_catalogue.remove_field(row.id)
        click.echo(f"field {key} removed")


def category_row(row: CaseCategory) -> dict[str, Any]:
    """A category for lists and programs."""
    return {"key": row.key, "title": row.title_en, "title_ru": row.title_ru, "active": row.active}


@click.group("case-categories")
def case_categories() -> None:
    """What cases are about."""


@case_categories.command("list")
@service_option
@json_option
@pass_house
def list_categories(house: House, service: str) -> None:
    """The categories of every service, or of one."""
    with house.open():
        from core import case_catalogue

        rows = [category_row(row) for row in case_catalogue.list_categories(_service_id(service))]
        empty = "no categories: add one with  okno case-categories add KEY --title NAME"
        answer_rows(rows, ("key", "title_ru", "title", "active"), empty)


@case_categories.command("add")
@click.argument("key")
@click.option("--title", "title_en", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--position", type=int, help="Lower comes first.")
@service_option
@json_option
@pass_house
def add_category(house: House, key: str, service: str, **values: Any) -> None:
    """Add the category KEY."""
    fields = given(**values)
    with house.open():
        from core import case_catalogue

        title_en, title_ru = titles(fields.pop("title_en", None), fields.pop("title_ru", None), key)
        row = case_catalogue.add_category(_service_id(service), key, title_en, title_ru, **fields)
        answer(category_row(row), f"category {key} added")


@case_categories.command("remove")
@click.argument("key")
@service_option
@pass_house
def remove_category(house: House, key: str, service: str) -> None:
    """Take the category KEY away; one that cases have is refused."""
    with house.open():
        from core import case_catalogue
        from core.directory import missing

        row = case_catalogue.find_category(_service_id(service), key)
        if row is None:
            raise missing("category", "категория", key)
        case_catalogue.remove_category(row.id)
        click.echo(f"category {key} removed")


def pop_row(row: ScreenPop) -> dict[str, Any]:
    """A screen pop for lists and programs."""
    return {
        "id": row.id,
        "kind": row.kind,
        "title": row.title_en,
        "title_ru": row.title_ru,
        "service": row.service.key if row.service else "",
        "template": row.template,
        "embed": row.embed,
        "active": row.active,
    }


@click.group("screen-pops")
def screen_pops() -> None:
    """What opens at the desk when an interaction arrives."""


@screen_pops.command("list")
@json_option
@pass_house
def list_pops(house: House) -> None:
    """All of them."""
    with house.open():
        from core import screen_pops as operations

        rows = [pop_row(row) for row in operations.list_pops()]
        empty = "no screen pops: add one with  okno screen-pops add url ADDRESS --title NAME"
        answer_rows(rows, ("id", "kind", "title_ru", "title", "service", "template", "active"), empty)


@screen_pops.command("add")
@click.argument("kind", type=click.Choice(["url", "script", "form"]))
@click.argument("template")
@click.option("--title", "title_en", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--embed/--link", default=None, help="Show the page inside the desk, or as a link.")
@click.option("--position", type=int, help="Lower comes first.")
@service_option
@json_option
@pass_house
def add_pop(house: House, kind: str, template: str, service: str, **values: Any) -> None:
    """Add one: TEMPLATE is an address with variables, the HTML of a script, or keys of fields with commas."""
    fields = given(**values)
    with house.open():
        from core import screen_pops as operations

        title_en, title_ru = titles(fields.pop("title_en", None), fields.pop("title_ru", None), kind)
        names = {"title_en": title_en, "title_ru": title_ru, "service_id": _service_id(service)}
        row = operations.add_pop(kind=kind, template=template, **names, **fields)
        answer(pop_row(row), f"screen pop {row.id} added")


@screen_pops.command("remove")
@click.argument("pop_id", type=int)
@pass_house
def remove_pop(house: House, pop_id: int) -> None:
    """Take one away, by its number in the list."""
    with house.open():
        from core import screen_pops as operations

        operations.remove_pop(pop_id)
        click.echo(f"screen pop {pop_id} removed")
