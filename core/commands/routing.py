"""``okno skills``, ``okno calendars``, ``okno services explain``: what routing is set up by, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import (
    House,
    answer,
    answer_rows,
    given,
    joined,
    json_option,
    language,
    pass_house,
    titles,
    yaml_mapping,
)

if TYPE_CHECKING:
    from core.calendars import NamedCalendar
    from core.model import Skill


# --- skills ------------------------------------------------------------------------------------------


def skill_row(skill: Skill, people: int) -> dict[str, Any]:
    """A skill for lists and programs."""
    return {"key": skill.key, "title": skill.title_en, "title_ru": skill.title_ru, "people": people}


@click.group()
def skills() -> None:
    """What agents know, to a level of 1 to 5."""


@skills.command("list")
@json_option
@pass_house
def list_skills(house: House) -> None:
    """All skills, and how many people have each."""
    with house.open():
        from core import skills as operations

        counts = operations.people_with_skills()
        rows = [skill_row(skill, counts.get(skill.key, 0)) for skill in operations.list_skills()]
        answer_rows(
            rows, ("key", "title_ru", "title", "people"), "no skills: add one with  okno skills add KEY --title NAME"
        )


@skills.command("add")
@click.argument("key")
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--update", is_flag=True, help="Change the titles instead of failing when the skill exists.")
@json_option
@pass_house
def add_skill(house: House, key: str, title: str | None, title_ru: str | None, update: bool) -> None:
    """Add a skill KEY. With --update it is safe to repeat."""
    with house.open():
        from core import skills as operations

        known = {skill.key: skill for skill in operations.list_skills()}.get(key)
        if known is not None and update:
            skill = operations.update_skill(known.id, **given(title_en=title, title_ru=title_ru))
        else:
            skill = operations.add_skill(key, *titles(title, title_ru, key))
        people = operations.people_with_skills().get(key, 0)
        answer(skill_row(skill, people), f"skill {key} {'changed' if known else 'added'}")


@skills.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove_skill(house: House, key: str) -> None:
    """Remove the skill KEY and everybody's level of it."""
    with house.open():
        from core import skills as operations

        operations.remove_skill(operations.get_skill(key).id)
        answer({"key": key}, f"skill {key} removed")


@skills.command("user")
@click.argument("login")
@click.argument("levels", nargs=-1, metavar="[SKILL=LEVEL]...")
@click.option("--only", is_flag=True, help="Take away the skills that are not named.")
@json_option
@pass_house
def user_skills(house: House, login: str, levels: tuple[str, ...], only: bool) -> None:
    """Set what LOGIN knows, for instance tax=3 1c=5; level 0 takes a skill away; without any, show it."""
    wanted = dict(_pair(word, "SKILL=LEVEL") for word in levels)
    with house.open():
        from core import directory
        from core import skills as operations

        user = directory.get_user(login)
        if only:
            operations.set_user_skills(user.id, wanted)  # type: ignore[arg-type]  # checked when stored
        elif wanted:
            operations.set_levels({user.id: wanted})
        held = operations.skills_of([user.id])[user.id]
        answer(
            {"login": login, "skills": held},
            f"{login}: {joined(f'{key}={level}' for key, level in sorted(held.items()))}",
        )


def _pair(word: str, form: str) -> tuple[str, str]:
    key, sign, value = word.partition("=")
    if not sign or not key or not value:
        raise click.UsageError(f"'{word}' must be {form}")
    return key, value


# --- calendars ---------------------------------------------------------------------------------------


def calendar_row(entry: NamedCalendar) -> dict[str, Any]:
    """A calendar for lists and programs."""
    from core import calendars as operations
    from core.clock import now

    at = now()
    return {
        "key": entry.key,
        "title": entry.title.en,
        "title_ru": entry.title.ru,
        "built_in": not entry.stored,
        "zone": str(entry.calendar.zone),
        "open": entry.time.is_open(at),
        "until": operations.next_change(entry.key, at),
        "settings": entry.calendar.to_dict(),
    }


@click.group()
def calendars() -> None:
    """Opening hours: the week, holidays, shortened days."""


@calendars.command("list")
@json_option
@pass_house
def list_calendars(house: House) -> None:
    """All calendars, and whether they are open now."""
    with house.open():
        from core import calendars as operations

        rows = [calendar_row(entry) for entry in operations.list_calendars()]
        answer_rows(rows, ("key", "title_ru", "title", "zone", "open", "until", "built_in"), "no calendars")


@calendars.command("show")
@click.argument("key")
@json_option
@pass_house
def show_calendar(house: House, key: str) -> None:
    """One calendar: its hours by weekday, holidays, shortened days."""
    with house.open():
        from core import calendars as operations

        row = calendar_row(operations.get(key))
        answer(row, "\n".join(_calendar_lines(row)))


def _calendar_lines(row: dict[str, Any]) -> list[str]:
    settings = row["settings"]
    dated = {**settings["exceptions"], **dict.fromkeys(settings["holidays"], ())}
    hours = {**settings["weekly"], **dict(sorted(dated.items()))}
    return [
        f"{row['key']}: {row['title']} / {row['title_ru']}",
        f"{'zone':<12}{settings['zone']}",
        *([f"{'country':<12}{settings['country']}"] if "country" in settings else []),
        *(f"{day:<12}{', '.join(spans) or 'closed'}" for day, spans in hours.items()),
    ]


@calendars.command("set")
@click.argument("key")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@json_option
@pass_house
def set_calendar(house: House, key: str, file: Path, title: str | None, title_ru: str | None) -> None:
    """Add or change the calendar KEY by the YAML FILE (zone, weekly, country, holidays, exceptions, business_day). Safe to repeat."""
    settings = yaml_mapping(file)
    with house.open():
        from core import calendars as operations

        if operations.is_known(key):
            entry = operations.update_calendar(key, **given(title_en=title, title_ru=title_ru), settings=settings)
        else:
            entry = operations.add_calendar(key, *titles(title, title_ru, key), settings)
        answer(calendar_row(entry), f"calendar {key} is set")


@calendars.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove_calendar(house: House, key: str) -> None:
    """Remove the calendar KEY, which nothing may use."""
    with house.open():
        from core import calendars as operations

        operations.remove_calendar(key)
        answer({"key": key}, f"calendar {key} removed")


# --- trying a route ----------------------------------------------------------------------------------


@click.command()
@click.argument("key", required=False)
@click.option("--channel", default="", help="Without it, the channel of the service's first entry.")
@click.option("--line", type=click.IntRange(1, 9), default=1, show_default=True, help="Support line.")
@click.option("--waited", type=click.IntRange(0), default=0, metavar="SECONDS", help="As if it had waited so long.")
@click.option(
    "--at",
    "moment",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
    help="Hours at that time of the centre.",
)
@click.option("--interaction", type=int, metavar="ID", help="Of an interaction that waits, instead of a service.")
@json_option
@pass_house
def explain(
    house: House, key: str | None, channel: str, line: int, waited: int, moment: Any, interaction: int | None
) -> None:
    """Who would get an interaction of service KEY now, and why the others would not."""
    if (key is None) == (interaction is None):
        raise click.UsageError("name a service, or an interaction with --interaction")
    with house.open():
        from zoneinfo import ZoneInfo

        from core import route_check
        from core.house import okno

        if interaction is not None:
            found = route_check.check_interaction(interaction)
        else:
            zone = ZoneInfo(okno().config.get("core.timezone"))
            at = moment.replace(tzinfo=zone) if moment else None
            found = route_check.check(str(key), channel, at=at, line=line, waited=waited)
        tongue = language()
        row = {
            "service": found.service.key,
            "channel": found.channel,
            "line": found.line,
            "waited": found.waited,
            "at": found.at,
            "answer": found.answer.en,
            "steps": [{"ok": step.ok, "text": step.text.en} for step in found.steps],
            "agents": [
                {"login": agent.login, "ok": agent.ok, "chosen": agent.chosen, "text": agent.text.en}
                for agent in found.agents
            ],
        }
        lines = [found.answer.to(tongue), ""]
        lines += [f"  {'+' if step.ok else '!'} {step.text.to(tongue)}" for step in found.steps]
        lines += [
            "",
            *(f"  {'*' if a.chosen else '+' if a.ok else '-'} {a.name}: {a.text.to(tongue)}" for a in found.agents),
        ]
        answer(row, "\n".join(lines).rstrip())
