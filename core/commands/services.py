"""``okno services``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.routing import explain
from core.commands.terminal import House, answer, answer_rows, given, joined, json_option, pass_house, titles

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.model import Service

Command = Any


def service_row(service: Service) -> dict[str, Any]:
    """A service for lists and programs."""
    return {
        "key": service.key,
        "title": service.title_en,
        "title_ru": service.title_ru,
        "language": service.language,
        "teams": [team.key for team in service.teams],
        "entries": [f"{entry.channel}:{entry.address}" for entry in service.entries],
        "priority": service.priority,
        "offer_seconds": service.offer_seconds,
        "wrap_up_seconds": service.wrap_up_seconds,
        "disposition_required": service.disposition_required,
        "push": service.push,
        "timezone": service.timezone,
        "texts": dict(service.texts),
        "calendar": service.calendar_key,
        "closed_action": service.closed_action,
        "overflow_service": overflow_key(service),
        "overflow_seconds": service.overflow_seconds,
        "last_agent_seconds": service.last_agent_seconds,
        "prefers_last_agent": service.prefers_last_agent,
        "agent_choice": service.agent_choice,
        "target_percent": service.target_percent,
        "target_seconds": service.target_seconds,
        "default": service.is_default,
        "active": service.active,
    }


def overflow_key(service: Service) -> str:
    """The key of the service that takes over, "" for none."""
    from core import services as operations

    other = operations.service_by_id(service.overflow_service_id)
    return other.key if other else ""


def service_options(command: Command) -> Command:
    """The fields of a service as options."""
    options: list[Callable[[Command], Command]] = [
        click.option("--title", "title_en", help="In English."),
        click.option("--title-ru", help="In Russian; one title stands in for the other."),
        click.option("--language", type=click.Choice(["ru", "en"]), help="Of the letters it sends."),
        click.option("--timezone", help="Like Europe/Moscow; without it the centre's."),
        click.option("--priority", type=int, help="Weight in the queue; higher comes first."),
        click.option("--offer-seconds", type=int, help="How long an agent may think about an offer."),
        click.option("--wrap-up-seconds", type=int, help="Time for notes afterwards; 0: none."),
        click.option("--disposition-required/--disposition-optional", default=None, help="Must an outcome be chosen?"),
        click.option("--push/--pull", default=None, help="Offer to agents, or let them take from the queue."),
        click.option("--calendar", "calendar_key", help="Opening hours by key; '' around the clock."),
        click.option(
            "--closed", "closed_action", type=click.Choice(["wait", "offer", "overflow"]), help="Outside of them."
        ),
        click.option("--overflow", "overflow_service", help="Key of the service that takes over; '' for none."),
        click.option("--overflow-seconds", type=int, help="After so much waiting; 0: only outside opening hours."),
        click.option("--agent-choice", type=click.Choice(["longest_idle", "most_skilled", "fewest_handled"])),
        click.option(
            "--last-agent/--any-agent", "prefers_last_agent", default=None, help="Prefer the agent of before?"
        ),
        click.option("--last-agent-seconds", type=int, help="Offered to that agent alone for so long."),
        click.option("--target-percent", type=int, help="Service level: share to be answered in time."),
        click.option("--target-seconds", type=int, help="Service level: what in time means."),
        click.option("--default", "is_default", is_flag=True, default=None, help="Takes what no entry claims."),
        click.option("--acknowledgement", "acknowledgement", help="Text sent when a case opens."),
        click.option("--signature", help="Text under each reply."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    fields = given(**values)
    texts = {name: fields.pop(name) for name in ("acknowledgement", "signature") if name in fields}
    return {**fields, "texts": texts} if texts else fields


@click.group()
def services() -> None:
    """What contacts reach: services with entries, teams and times."""


@services.command("list")
@json_option
@pass_house
def list_services(house: House) -> None:
    """All services."""
    with house.open():
        from core import services as operations

        rows = [service_row(service) for service in operations.list_services()]
        columns = ("key", "title_ru", "title", "teams", "entries", "default", "active")
        answer_rows(rows, columns, "no services: add one with  okno services add KEY --title NAME --team TEAM")


@services.command("add")
@click.argument("key")
@service_options
@click.option("--team", "teams", multiple=True, help="Key of a team that serves; may be repeated.")
@click.option("--update", is_flag=True, help="Change the service instead of failing when it exists.")
@json_option
@pass_house
def add_service(house: House, key: str, teams: tuple[str, ...], update: bool, **values: Any) -> None:
    """Add a service KEY. With --update it is safe to repeat."""
    fields = _fields(values)
    with house.open():
        from core import services as operations
        from core.db import transaction

        known = {service.key: service for service in operations.list_services()}.get(key)
        if known is not None and update:
            with transaction():
                operations.update_service(known.id, **fields)
                if teams:
                    operations.set_service_teams(known.id, teams)
            answer(service_row(operations.get_service(key)), f"service {key} changed")
            return
        title_en, title_ru = titles(fields.pop("title_en", None), fields.pop("title_ru", None), key)
        service = operations.add_service(key, title_en, title_ru, teams=teams, **fields)
        answer(service_row(service), f"service {key} added")


@services.command("set")
@click.argument("key")
@service_options
@json_option
@pass_house
def set_service(house: House, key: str, **values: Any) -> None:
    """Change the service KEY."""
    fields = _fields(values)
    if not fields:
        raise click.UsageError("nothing to change: give at least one option")
    with house.open():
        from core import services as operations

        operations.update_service(operations.get_service(key).id, **fields)
        answer(service_row(operations.get_service(key)), f"service {key} changed")


@services.command()
@click.argument("key")
@click.argument("addresses", nargs=-1, metavar="[CHANNEL:ADDRESS]...")
@click.option("--remove", is_flag=True, help="Take these entries away instead.")
@json_option
@pass_house
def entries(house: House, key: str, addresses: tuple[str, ...], remove: bool) -> None:
    """Let addresses lead to service KEY, for instance email:help@example.com; without any, show them.

    The last one of a channel becomes the one that replies come from.
    """
    pairs = [_pair(address) for address in addresses]
    with house.open():
        from core import services as operations
        from core.db import transaction

        service = operations.get_service(key)
        with transaction():
            for channel, address in pairs:
                if not remove:
                    operations.add_entry(service.id, channel, address)
                    continue
                wanted = operations.normal_address(channel, address)
                found = [entry for entry in service.entries if (entry.channel, entry.address) == (channel, wanted)]
                if not found:
                    raise click.ClickException(f"service {key} has no entry {channel}:{address}")
                operations.remove_entry(found[0].id)
        row = service_row(operations.get_service(key))
        answer(row, f"{key}: {joined(row['entries'])}")


def _pair(address: str) -> tuple[str, str]:
    channel, colon, rest = address.partition(":")
    if not colon or not channel or not rest:
        raise click.UsageError(f"'{address}' must be CHANNEL:ADDRESS, for instance email:help@example.com")
    return channel, rest


@services.command("teams")
@click.argument("key")
@click.argument("teams", nargs=-1, metavar="[TEAM[:LINE[:SECONDS]]]...")
@json_option
@pass_house
def service_teams(house: House, key: str, teams: tuple[str, ...]) -> None:
    """Let exactly TEAMS serve the service KEY, on a line (1), joining after so many seconds of waiting (0); without any, show them.

    For instance  first-line experts:2 night:1:120
    """
    with house.open():
        from core import services as operations
        from core.service_routing import TeamPlace, places_of

        service = operations.get_service(key)
        if teams:
            places = [_parts(word, 3, "TEAM:LINE:SECONDS") for word in teams]
            operations.set_service_teams(service.id, [TeamPlace(*place) for place in places])
        shown = [str(place) for place in places_of([service.id]).get(service.id, [])]
        answer({**service_row(operations.get_service(key)), "places": shown}, f"{key}: {joined(shown)}")


def _parts(word: str, most: int, form: str) -> list[Any]:
    parts = word.split(":")
    if not parts[0] or len(parts) > most or not all(parts):
        raise click.UsageError(f"'{word}' must be {form}")
    return parts


@services.command("skills")
@click.argument("key")
@click.argument("demands", nargs=-1, metavar="[SKILL[:LEVEL[:SECONDS[:FLOOR]]]]...")
@click.option("--none", "nothing", is_flag=True, help="Ask for no skill.")
@json_option
@pass_house
def service_skills(house: House, key: str, demands: tuple[str, ...], nothing: bool) -> None:
    """Let the service KEY ask for exactly these skills; one level less after each SECONDS of waiting, down to FLOOR."""
    with house.open():
        from core import services as operations
        from core import skills
        from core.skills import SkillDemand

        service = operations.get_service(key)
        if demands or nothing:
            chosen = [SkillDemand(*_parts(word, 4, "SKILL:LEVEL:SECONDS:FLOOR")) for word in demands]
            skills.set_service_skills(service.id, chosen)
        held = [str(demand) for demand in skills.demands_of([service.id])[service.id]]
        answer({"key": key, "skills": held}, f"{key}: {joined(held)}")


@services.command("lines")
@click.argument("key")
@click.argument("lines", nargs=-1, metavar="[NUMBER:TAKE:SOLVE[:TITLE_RU[/TITLE]]]...")
@click.option("--none", "nothing", is_flag=True, help="Describe no line.")
@json_option
@pass_house
def service_lines(house: House, key: str, lines: tuple[str, ...], nothing: bool) -> None:
    """Let the service KEY have exactly these support lines with their targets in seconds; without any, show them.

    For instance  1:600:3600:"1-я линия/First line"  2:1800:14400
    """
    wanted = [_parts(word, 4, "NUMBER:TAKE:SOLVE:TITLE") for word in lines]
    with house.open():
        from core import lines as operations
        from core import services as others

        service = others.get_service(key)
        if wanted or nothing:
            operations.set_lines(service.id, [_line(parts) for parts in wanted])
        names = ("number", "title_ru", "title_en", "take_seconds", "solve_seconds")
        rows = [{name: getattr(row, name) for name in names} for row in operations.lines_of([service.id])[service.id]]
        answer_rows(rows, names, f"{key} has no lines of its own")


def _line(parts: list[str]) -> Any:
    from core.lines import Line

    number, take, solve, title = (parts + ["0", "0", "0", ""][len(parts) :]) if len(parts) < 4 else parts
    russian, _, english = title.partition("/")
    both = (english or russian or f"Line {number}", russian or english or f"Линия {number}")
    return Line(number, *both, take, solve)  # type: ignore[arg-type]  # checked when stored


services.add_command(explain)


@services.command()
@click.argument("key")
@click.option("--undo", is_flag=True, help="Let it work again.")
@json_option
@pass_house
def disable(house: House, key: str, undo: bool) -> None:
    """Let the service KEY take nothing new; its cases stay."""
    with house.open():
        from core import services as operations

        operations.update_service(operations.get_service(key).id, active=undo)
        answer(service_row(operations.get_service(key)), f"service {key} is {'active' if undo else 'disabled'}")
