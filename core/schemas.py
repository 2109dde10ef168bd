"""What an administrator may enter, for the command line and the admin pages alike.

Each schema loads plain values into checked ones; :func:`checked` turns what is wrong into :class:`Invalid`, which
knows the field of every message in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, pre_load

from core.contracts import Rejected, Text

KEY = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]*[a-z0-9])?")
EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+|[^@\s<>\"]+@localhost")
LANGUAGES = ("ru", "en")
SUCCESS = ("success", "failure", "neutral")
CLOSED_ACTIONS = ("wait", "offer", "overflow")
AGENT_CHOICES = ("longest_idle", "most_skilled", "fewest_handled")
CASE_FIELD_TYPES = ("text", "lines", "number", "date", "choice", "bool", "url", "email", "phone")
PING_KINDS = ("expert", "supervisor", "expert_support")
AFTER_STATES = ("ready", "not_ready")
CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
# The telephone number of a colleague within the house.
INTERNAL = re.compile(r"\d{2,6}")
# What JSON and letters can say and neither UTF-8 nor data bases can hold: zeros, and halves of characters.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
SERVICE_TEXTS = ("acknowledgement", "signature", "greeting")

REQUIRED = Text("Please fill this in.", "Заполните это поле.")
NOT_TEXT = Text("This must be text.", "Здесь должен быть текст.")
NOT_NUMBER = Text("Please enter a whole number.", "Введите целое число.")
NOT_FLAG = Text("This must be yes or no.", "Здесь должно быть «да» или «нет».")
UNKNOWN = Text("There is no such field.", "Такого поля нет.")


class Invalid(Rejected):
    """Some fields hold what they may not; ``errors`` gives a text for each field's name."""

    def __init__(self, errors: Mapping[str, Text], code: str = "invalid") -> None:
        self.errors = dict(errors)
        super().__init__(
            Text(
                "; ".join(f"{k}: {t.en}" for k, t in errors.items()),
                "; ".join(f"{k}: {t.ru}" for k, t in errors.items()),
            ),
            code,
        )


def wrong(en: str, ru: str) -> ValidationError:
    """A marshmallow error that carries both languages."""
    return ValidationError([Text(en, ru)])


def checked(schema: type[Schema], values: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """The loaded values, defaults filled in unless ``partial``. Raises :class:`Invalid`."""
    try:
        loaded: dict[str, Any] = schema(partial=partial).load(dict(values))
    except ValidationError as error:
        found: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        raise Invalid({name: _first_text(texts) for name, texts in found.items()}) from None
    return loaded


def _first_text(found: Any) -> Text:
    while not isinstance(found, Text):
        if isinstance(found, str):
            return Text(found, found)
        found = next(iter(found.values() if isinstance(found, dict) else found))
    return found


# --- checks of one value -----------------------------------------------------------------------------


def _at_most(limit: int) -> Callable[[str], None]:
    def check(value: str) -> None:
        if len(value) > limit:
            raise wrong(
                f"At most {limit} characters, this has {len(value)}.", f"Не больше {limit} знаков, здесь {len(value)}."
            )

    return check


def _present(value: str) -> None:
    if not value:
        raise ValidationError([REQUIRED])


def _key(value: str) -> None:
    if value and not KEY.fullmatch(value):
        raise wrong(
            "Lower-case Latin letters, digits, «-» and «_», for instance first-line.",
            "Строчные латинские буквы, цифры, «-» и «_», например first-line.",
        )


def _login(value: str) -> None:
    if value and not LOGIN.fullmatch(value):
        raise wrong(
            "Lower-case Latin letters, digits and «. _ - @», for instance maria.orlova.",
            "Строчные латинские буквы, цифры и «. _ - @», например maria.orlova.",
        )


def _email(value: str) -> None:
    if value and not EMAIL.fullmatch(value):
        raise wrong(
            "This does not look like an email address, for instance name@example.com.",
            "Это не похоже на адрес почты, например name@example.com.",
        )


@lru_cache(maxsize=1)
def timezones() -> tuple[str, ...]:
    """The IANA names this machine knows, sorted."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def _timezone(value: str) -> None:
    if value and value not in available_timezones():
        raise wrong(
            f"The time zone «{value}» is unknown; write it like Europe/Moscow.",
            f"Часовой пояс «{value}» неизвестен; пишите так: Europe/Moscow.",
        )


def _page(value: str) -> None:
    if value and (not value.startswith(("/", "https://", "http://")) or value.startswith("//")):
        raise wrong(
            "A page of the desk like /queue, or an address that begins with https://.",
            "Страница рабочего места, например /queue, или адрес, который начинается с https://.",
        )


def _one_of(*choices: str) -> Callable[[str], None]:
    listed = ", ".join(choice for choice in choices if choice)

    def check(value: str) -> None:
        if value not in choices:
            raise wrong(f"Choose one of: {listed}.", f"Выберите одно из: {listed}.")

    return check


def _between(low: int, high: int) -> Callable[[int], None]:
    def check(value: int) -> None:
        if not low <= value <= high:
            raise wrong(f"From {low} to {high}.", f"От {low} до {high}.")

    return check


# --- kinds of fields ---------------------------------------------------------------------------------


def words(limit: int, *checks: Callable[[str], None], required: bool = False, default: str = "") -> fields.String:
    """A line or block of text; a ``required`` one may not be blank."""
    validate = [*([_present] if required else []), *checks, _at_most(limit)]
    messages: dict[str, Any] = {"required": [REQUIRED], "null": [REQUIRED], "invalid": [NOT_TEXT]}
    if required:
        return fields.String(required=True, validate=validate, error_messages=messages)
    return fields.String(load_default=default, validate=validate, error_messages=messages)


def number(low: int, high: int, default: int, *, key: str | None = None) -> fields.Integer:
    """A whole number of a range; ``key`` is its name outside when that is another."""
    messages: dict[str, Any] = {key: [NOT_NUMBER] for key in ("null", "invalid", "too_large")}
    return fields.Integer(
        load_default=default, validate=_between(low, high), error_messages=messages, data_key=key, attribute=key
    )


def flag(default: bool) -> fields.Boolean:
    """Yes or no."""
    messages: dict[str, Any] = {key: [NOT_FLAG] for key in ("null", "invalid")}
    return fields.Boolean(load_default=default, error_messages=messages)


def choice(*choices: str, default: str = "") -> fields.String:
    """One of some words; leave "" among them for «none»."""
    return words(max(map(len, choices)), _one_of(*choices), default=default)


def email_line() -> fields.String:
    """An email address or nothing."""
    return words(254, _email)


def zone_line() -> fields.String:
    """An IANA time zone or nothing."""
    return words(60, _timezone)


class Form(Schema):
    """The base: texts lose surrounding blanks, unknown fields are refused."""

    error_messages: dict[str, Any] = {"unknown": [UNKNOWN]}

    @pre_load
    def _strip(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value.strip() if isinstance(value, str) else value for key, value in data.items()}


class UserForm(Form):
    login = words(80, _login, required=True)
    first_name = words(80, required=True)
    last_name = words(80)
    nickname = words(80)
    email = words(254, _email)
    language = words(5, _one_of("", *LANGUAGES))
    timezone = words(60, _timezone)


class RoleForm(Form):
    key = words(40, _key, required=True)
    title_en = words(80, required=True)
    title_ru = words(80, required=True)


class TeamForm(Form):
    key = words(40, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)


class CalendarForm(Form):
    key = words(40, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)


class ServiceForm(Form):
    key = words(40, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    language = words(5, _one_of(*LANGUAGES), default="ru")
    timezone = words(60, _timezone)
    priority = number(-1000, 1000, 0)
    offer_seconds = number(5, 3600, 30)
    wrap_up_seconds = number(0, 3600, 60)
    disposition_required = flag(True)
    push = flag(True)
    is_default = flag(False)
    active = flag(True)
    calendar_key = words(40, _key)
    closed_action = words(10, _one_of(*CLOSED_ACTIONS), default="wait")
    overflow_service = words(40, _key)
    overflow_seconds = number(0, 86_400, 0)
    last_agent_seconds = number(0, 86_400, 0)
    prefers_last_agent = flag(True)
    agent_choice = words(16, _one_of(*AGENT_CHOICES), default="longest_idle")
    target_percent = number(1, 100, 80)
    target_seconds = number(1, 604_800, 60)
    texts = fields.Dict(keys=words(40, _key), values=words(10_000), load_default=dict)


class SkillForm(Form):
    key = words(40, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)


class DemandForm(Form):
    skill = words(40, _key, required=True)
    level = number(1, 5, 1)
    relax_seconds = number(0, 86_400, 0)
    floor = number(0, 5, 0)


class LineForm(Form):
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    take_seconds = number(0, 31_536_000, 0)
    solve_seconds = number(0, 31_536_000, 0)
    place = number(1, 9, 1, key="number")


class PingTargetForm(Form):
    key = words(40, _key, required=True)
    kind = words(16, _one_of(*PING_KINDS), default="expert")
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    target_seconds = number(0, 604_800, 900)
    active = flag(True)


class PingFieldForm(Form):
    key = words(40, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    required = flag(False)


class TeamRulesForm(Form):
    capacity = fields.Dict(keys=fields.String(), load_default=dict)
    mix = fields.List(fields.Raw(), load_default=list)
    after_sign_in = words(10, _one_of("", *AFTER_STATES))
    after_work = words(10, _one_of("", *AFTER_STATES))
    after_reject = words(10, _one_of("", *AFTER_STATES))
    after_no_answer = words(10, _one_of("", *AFTER_STATES))
    away_minutes = number(0, 1440, 15)
    break_minutes = number(0, 1440, 60)
    start_url = words(300, _page)


class CaseFieldForm(Form):
    key = words(40, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    type = words(10, _one_of(*CASE_FIELD_TYPES), default="text")
    choices = fields.List(fields.Raw(), load_default=list)
    required = flag(False)
    position = number(-10_000, 10_000, 0)
    active = flag(True)


class CaseCategoryForm(Form):
    key = words(80, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    position = number(-10_000, 10_000, 0)
    active = flag(True)


class PlaceForm(Form):
    team = words(40, _key, required=True)
    line = number(1, 9, 1)
    after_seconds = number(0, 86_400, 0)


class ReasonForm(Form):
    key = words(40, _key, required=True)
    title_en = words(80, required=True)
    title_ru = words(80, required=True)
    icon = words(40, _key, default="clock-pause")
    is_break = flag(False)
    position = number(-10_000, 10_000, 0)
    active = flag(True)


class EntryForm(Form):
    channel = words(40, _key, required=True)
    address = words(254, required=True)
    primary = flag(True)


class DispositionForm(Form):
    key = words(60, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    closes_case = flag(True)
    success = words(10, _one_of(*SUCCESS), default="neutral")
    workflow_key = words(60, _key)
    position = number(-10_000, 10_000, 0)
    active = flag(True)


class WorkflowForm(Form):
    key = words(60, _key, required=True)
    title_en = words(120, required=True)
    title_ru = words(120, required=True)
    active = flag(True)
