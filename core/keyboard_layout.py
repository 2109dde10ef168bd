"""Words typed with the wrong keyboard layout: «byn» for «инт», «штещ» for «into»."""

from __future__ import annotations

LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
CYRILLIC = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_CYRILLIC = str.maketrans(LATIN + LATIN.upper() + '{}:"<>~', CYRILLIC + CYRILLIC.upper() + "ХЪЖЭБЮЁ")
_TO_LATIN = str.maketrans(CYRILLIC + CYRILLIC.upper(), LATIN + LATIN.upper())


def readings(text: str) -> list[str]:
    """``text`` as typed and as it reads in the other layout, both ways; without repeats."""
    found = [text]
    if any(character in LATIN for character in text.lower()):
        found.append(text.translate(_TO_CYRILLIC))
    if any(character in CYRILLIC for character in text.lower()):
        found.append(text.translate(_TO_LATIN))
    return list(dict.fromkeys(found))
