"""``okno reasons``, ``okno ping-targets``: why agents step out, whom they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, given, json_option, pass_house, titles

if TYPE_CHECKING:
    from core.model import PingTarget, StateReason


# --- reasons -----------------------------------------------------------------------------------------


def reason_row(reason: StateReason) -> dict[str, Any]:
    """A reason for lists and programs."""
    names = ("key", "icon", "automatic", "is_break", "position", "active")
    row = {name: getattr(reason, name) for name in names}
    return {**row, "title": reason.title_en, "title_ru": reason.title_ru}


@click.group()
def reasons() -> None:
    """Reasons for Not ready."""


@reasons.command("list")
@json_option
@pass_house
def list_reasons(house: House) -> None:
    """All reasons in their order."""
    with house.open():
        from core import reasons as operations

        rows = [reason_row(reason) for reason in operations.list_reasons()]
        answer_rows(
            rows, ("key", "title_ru", "title", "automatic", "is_break", "active"), "no reasons: run  okno db upgrade"
        )


@reasons.command("set")
@click.argument("key")
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--icon", help="A name of tabler.io/icons that the desk has.")
@click.option("--break/--no-break", "is_break", default=None, help="Does its time count as break?")
@click.option("--position", type=int, help="Smaller comes first.")
@click.option("--on/--off", "active", default=None, help="May agents choose it?")
@json_option
@pass_house
def set_reason(house: House, key: str, title: str | None, title_ru: str | None, **values: Any) -> None:
    """Add or change the reason KEY. Safe to repeat."""
    with house.open():
        from core import reasons as operations

        known = operations.find_reason(key)
        if known is not None:
            found = operations.update_reason(known.id, **given(title_en=title, title_ru=title_ru, **values))
        else:
            found = operations.add_reason(key, *titles(title, title_ru, key), **given(**values))
        answer(reason_row(found), f"reason {key} {'changed' if known else 'added'}")


@reasons.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove_reason(house: House, key: str) -> None:
    """Remove the reason KEY, which nobody may have used yet."""
    with house.open():
        from core import reasons as operations

        operations.remove_reason(operations.get_reason(key).id)
        answer({"key": key}, f"reason {key} removed")


# --- addressees of pings -----------------------------------------------------------------------------


def target_row(target: PingTarget) -> dict[str, Any]:
    """An addressee for lists and programs."""
    return {
        "key": target.key,
        "title": target.title_en,
        "title_ru": target.title_ru,
        "kind": target.kind,
        "team": target.team.key if target.team else "",
        "fields": [field["key"] + ("*" if field["required"] else "") for field in target.fields],
        "target_seconds": target.target_seconds,
        "active": target.active,
    }


@click.group("ping-targets")
def ping_targets() -> None:
    """Whom agents ask from a case: experts, supervisors, expert support."""


@ping_targets.command("list")
@json_option
@pass_house
def list_targets(house: House) -> None:
    """All addressees."""
    with house.open():
        from core import ping_targets as operations

        rows = [target_row(target) for target in operations.list_targets()]
        columns = ("key", "title_ru", "title", "kind", "team", "fields", "target_seconds", "active")
        answer_rows(rows, columns, "no addressees: add one with  okno ping-targets set KEY --team TEAM")


@ping_targets.command("set")
@click.argument("key")
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--kind", type=click.Choice(["expert", "supervisor", "expert_support"]))
@click.option("--team", help="Key of the team that answers; '' for none.")
@click.option("--target-seconds", type=int, help="An answer is due within.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="KEY[*][=TITLE_RU/TITLE]",
    help="To fill in, * when required; may be repeated.",
)
@click.option("--on/--off", "active", default=None, help="May agents ask?")
@json_option
@pass_house
def set_target(
    house: House, key: str, title: str | None, title_ru: str | None, fields: tuple[str, ...], **values: Any
) -> None:
    """Add or change the addressee KEY. Safe to repeat; given fields replace all fields."""
    chosen = given(**values)
    if fields:
        chosen["fields"] = [_field(word) for word in fields]
    with house.open():
        from core import ping_targets as operations

        known = {target.key: target for target in operations.list_targets()}.get(key)
        if known is not None:
            found = operations.update_target(known.id, **given(title_en=title, title_ru=title_ru), **chosen)
        else:
            found = operations.add_target(key, *titles(title, title_ru, key), **chosen)
        answer(target_row(found), f"addressee {key} {'changed' if known else 'added'}")


def _field(word: str) -> dict[str, Any]:
    name, _, both = word.partition("=")
    russian, _, english = both.partition("/")
    key = name.rstrip("*")
    return {
        "key": key,
        "title_ru": russian or english or key,
        "title_en": english or russian or key,
        "required": name.endswith("*"),
    }


@ping_targets.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove_target(house: House, key: str) -> None:
    """Remove the addressee KEY, whom nobody may have asked yet."""
    with house.open():
        from core import ping_targets as operations

        operations.remove_target(operations.get_target(key).id)
        answer({"key": key}, f"addressee {key} removed")
