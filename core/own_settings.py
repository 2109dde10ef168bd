"""What people set for themselves: profile, contact data, place, looks, letters, start page, sounds; their password, their sign-ins.

Each section is a form of its own; :func:`change` checks it and keeps it in columns of the user or in ``preferences``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers

from core import audit, passwords, sessions
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import SignIn, User
from core.permissions import allowed
from core.schemas import INTERNAL, LANGUAGES, Form, Invalid, checked, choice, email_line, flag, words, wrong, zone_line

FONTS = ("", "Arial", "Calibri", "Georgia", "Tahoma", "Times New Roman", "Verdana")
SIZES = ("", "10", "11", "12", "13", "14", "16", "18")
THEMES = ("", "light", "dark")
COLUMNS = ("first_name", "last_name", "nickname", "email", "phone", "location", "timezone", "language")
OWN_PAGE = re.compile(r"/(?![/\\])[\w\-./?=&%]*")
NO_PHONE = (
    "This is not a telephone number; write it with the country code, for instance +7 912 345-67-89.",
    "Это не похоже на номер телефона; пишите с кодом страны, например +7 912 345-67-89.",
)


def _phone(value: str) -> None:
    if value and not INTERNAL.fullmatch(value) and number_of(value) is None:
        raise wrong(*NO_PHONE)


def _page(value: str) -> None:
    if value and not OWN_PAGE.fullmatch(value):
        raise wrong("Choose a page of the desk.", "Выберите страницу рабочего места.")


class NamesForm(Form):
    first_name = words(80, required=True)
    last_name = words(80)


class ProfileForm(Form):
    nickname = words(80)
    email = email_line()
    phone = words(40, _phone)


class PlaceForm(Form):
    location = words(120)
    timezone = zone_line()


class LooksForm(Form):
    language = choice("", *LANGUAGES)
    theme = choice(*THEMES)


class LettersForm(Form):
    font = choice(*FONTS)
    font_size = choice(*SIZES)
    reply_all = flag(False)
    signature = words(2000)


class DeskForm(Form):
    start_url = words(200, _page)
    pinned = words(200, _page)


class SoundsForm(Form):
    sound = flag(True)
    notifications = flag(True)


SECTIONS: dict[str, type[Form]] = {
    "names": NamesForm,
    "profile": ProfileForm,
    "place": PlaceForm,
    "looks": LooksForm,
    "letters": LettersForm,
    "desk": DeskForm,
    "sounds": SoundsForm,
}
DEFAULTS: dict[str, Any] = {
    "theme": "",
    "font": "",
    "font_size": "",
    "reply_all": False,
    "signature": "",
    "start_url": "",
    "pinned": "",
    "sound": True,
    "notifications": True,
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user has chosen, defaults filled in. ``font`` and ``font_size`` (points) are "" for the reader's own."""

    theme: str
    font: str
    font_size: str
    reply_all: bool
    signature: str
    start_url: str
    pinned: str
    sound: bool
    notifications: bool

    @property
    def letter_font(self) -> dict[str, str]:
        """What letters are set in: ``family`` and ``size`` in points, as far as chosen."""
        return {name: value for name, value in (("family", self.font), ("size", self.font_size)) if value}


def of(user: User) -> Preferences:
    """The preferences of ``user``."""
    return Preferences(**{name: user.preferences.get(name, default) for name, default in DEFAULTS.items()})


def change(user_id: int, section: str, values: Mapping[str, Any]) -> None:
    """Keep one section of :data:`SECTIONS`. Raises :class:`core.schemas.Invalid` with a text for each wrong field."""
    loaded = checked(SECTIONS[section], values)
    if loaded.get("phone"):
        loaded["phone"] = number_of(loaded["phone"]) or loaded["phone"]
    with transaction():
        user = db.session.get_one(User, user_id, populate_existing=True)
        before = {name: getattr(user, name) for name in loaded if name in COLUMNS}
        for name in before:
            setattr(user, name, loaded[name])
        kept = {name: value for name, value in loaded.items() if name not in COLUMNS}
        if kept:
            user.preferences = {**user.preferences, **kept}
        if before:
            audit.record("user.own", "user", user.login, before, {name: loaded[name] for name in before})


def number_of(text: str, region: str = "") -> str | None:
    """A telephone number as +79123456789; None when it is none. ``region`` (RU, GB) reads numbers without a country code."""
    region = region or ("RU" if okno().config.get("core.language") == "ru" else "GB")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=10_000)
def formatted(number: str) -> str:
    """+79123456789 as people write it; anything else as it is."""
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


# --- password and sign-ins ----------------------------------------------------------------------------


def change_password(user_id: int, old: str, new: str, keep_sign_in: int | None) -> None:
    """A new password for who knows the old one; every other sign-in ends. Raises :class:`core.schemas.Invalid` by field."""
    user = db.session.get_one(User, user_id)
    if not passwords.fits(user.password_hash, old):
        raise Invalid({"old": Text("The present password is wrong.", "Текущий пароль указан неверно.")}, "password")
    try:
        hashed = passwords.checked_hash(user.login, new)
    except Invalid as invalid:
        raise Invalid({"new": invalid.errors["password"]}, "password") from None
    with transaction():
        row = db.session.get_one(User, user_id, populate_existing=True)
        row.password_hash = hashed
        sessions.end((SignIn.user_id == user_id) & (SignIn.id != (keep_sign_in or 0)), "password")
        audit.record("user.password", "user", row.login)


def end_sign_in(user_id: int, sign_in_id: int, current: int | None) -> None:
    """End another sign-in of one's own. Raises ``Rejected`` (``own-session``) for the one that asks."""
    if sign_in_id == current:
        raise Rejected(Text("To leave here, sign out", "Чтобы выйти здесь, нажмите «Выйти»"), "own-session")
    sessions.end((SignIn.user_id == user_id) & (SignIn.id == sign_in_id), "by_user")


def names_allowed(user: User) -> bool:
    """Whether the user may change the own name."""
    return allowed(user, "profile.names")
