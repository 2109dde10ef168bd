"""Calendars: opening hours, holidays, shortened days."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from core import calendars as operations
from core import clock
from core.calendars.field_reading import FieldError
from core.calendars.form import calendar_settings, calendar_values
from core.calendars.opening_hours import WEEKDAYS
from core.calendars.wording import DAYS, refusal, week
from core.permissions import require
from core.schemas import timezones
from core.service_routing import users_of_calendars
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, refused

FIELDS = ("key", "title_en", "title_ru", "zone", "country", "business_day", "holidays", "exceptions", *WEEKDAYS)


@blueprint.get("/calendars")
@require("admin.services")
def calendars() -> Answer:
    """All calendars: hours, whether open now, who keeps them."""
    entries = operations.list_calendars()
    at = clock.now()
    rows = [(entry, entry.time.is_open(at), operations.next_change(entry.key, at)) for entry in entries]
    return draw("calendars", rows=rows, week=week, users=users_of_calendars())


@blueprint.get("/calendars/new")
@require("admin.services")
def new_calendar() -> Answer:
    """A form that starts with the default's hours."""
    entry = operations.get(operations.DEFAULT)
    values = calendar_values("", entry.title, entry.calendar)
    return _page("", FormState({**values, "title_en": "", "title_ru": ""}))


@blueprint.post("/calendars/new")
@require("admin.services")
def add_calendar() -> Answer:
    """Add a calendar."""
    values = _typed()

    def add() -> None:
        operations.add_calendar(values["key"], values["title_en"], values["title_ru"], _settings(values))

    errors = attempt(add)
    return _page("", FormState(values, errors)) if errors else done("admin.calendars", _("Calendar added"))


@blueprint.get("/calendars/<key>")
@require("admin.services")
def calendar(key: str) -> Answer:
    """One calendar."""
    entry = found(lambda: operations.get(key))
    return _page(key, FormState(calendar_values(key, entry.title, entry.calendar)))


@blueprint.post("/calendars/<key>")
@require("admin.services")
def change_calendar(key: str) -> Answer:
    """Change hours and titles; it holds at once."""
    found(lambda: operations.get(key))
    values = {**_typed(), "key": key}

    def change() -> None:
        operations.update_calendar(
            key, title_en=values["title_en"], title_ru=values["title_ru"], settings=_settings(values)
        )

    errors = attempt(change)
    return _page(key, FormState(values, errors)) if errors else done("admin.calendars")


@blueprint.post("/calendars/<key>/remove")
@require("admin.services")
def remove_calendar(key: str) -> Answer:
    """Remove a calendar that nothing uses."""
    errors = attempt(lambda: operations.remove_calendar(key))
    return refused(errors, "admin.calendar", key=key) if errors else done("admin.calendars", _("Calendar removed"))


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in FIELDS}


def _settings(values: dict[str, str]) -> dict[str, object]:
    try:
        return calendar_settings(values)
    except FieldError as error:
        raise refusal(error) from None


def _page(key: str, form: FormState) -> Answer:
    entry = operations.calendars().get(key)
    return draw(
        "calendar",
        form,
        key=key,
        removable=bool(entry and entry.stored),
        days=DAYS,
        weekdays=WEEKDAYS,
        zones=[(zone, zone) for zone in timezones()],
        users=users_of_calendars().get(key, []),
    )
