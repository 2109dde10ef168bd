"""Where may be called: the settings ``voice.allowed`` and ``voice.forbidden``, over numbers and over SIP addresses that hide one."""

from __future__ import annotations

import re

from core.contracts import Rejected, Text
from core.house import okno

# What both backends can dial; percent signs, parameters and headers of SIP addresses stay out.
SIP = re.compile(r"sips?:[\w.+*#-]{1,64}@[\w.:\[\]-]{1,120}", re.ASCII)
SEPARATORS = re.compile(r"[\s().\-]")
NUMBER_WITHIN = re.compile(r"\+?[0-9]{7,}")
FORBIDDEN = Text("Outgoing calls are not allowed", "Исходящие вызовы не разрешены")


def international(number: str) -> str:
    """A number as it is dialled here («8 …», «7 …», «00 …») in international form; anything else as it is."""
    if number.startswith("00"):
        return "+" + number[2:]
    if re.fullmatch(r"[87][0-9]{10}", number):
        return "+7" + number[1:]
    return number


def check_allowed(address: str) -> None:
    """Raises ``Rejected`` (``direction-forbidden``) for a number or SIP address that the settings leave out.

    A SIP address counts as the number in its user part, however it is dressed; one without a number as it stands: where only
    some beginnings are allowed, «sip:» has to be one of them.
    """
    for number in _numbers_in(address) or [address]:
        _check(number)


def check_telephone(address: str) -> None:
    """The same for an agent's own telephone, where a SIP address without a number is a desk telephone of the house."""
    for number in _numbers_in(address):
        _check(number)


def _numbers_in(address: str) -> list[str]:
    if not address.startswith(("sip:", "sips:")):
        return [address]
    user = SEPARATORS.sub("", address.partition(":")[2].partition("@")[0])
    return [_with_plus(number) for number in NUMBER_WITHIN.findall(user)]


def _with_plus(number: str) -> str:
    """A SIP user that is a number: providers take it with and without plus, and behind the prefix for abroad."""
    if re.fullmatch(r"810[0-9]{9,}", number):
        return "+" + number[3:]
    found = international(number)
    return found if found.startswith("+") else "+" + found


def _check(number: str) -> None:
    allowed, forbidden = (_beginnings(f"voice.{name}") for name in ("allowed", "forbidden"))
    if any(number.startswith(one) for one in forbidden) or (
        allowed and not any(number.startswith(one) for one in allowed)
    ):
        raise Rejected(FORBIDDEN, "direction-forbidden")


def _beginnings(setting: str) -> list[str]:
    """A rule that was written as people write numbers, «+7 (900)» or «7900», must not be one that never matches."""
    found = [SEPARATORS.sub("", one) for one in okno().config.get(setting)]
    plain = ["+" + one.removeprefix("00") if one[:1].isdigit() else one for one in found]
    return [one for one in plain if one]
