"""The readable part of addresses: Latin letters, digits and hyphens."""

from __future__ import annotations

import re

LETTERS = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "yo",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "",
            "y",
            "",
            "e",
            "yu",
            "ya",
        ],
        strict=True,
    )
)
MOST = 80
_OTHERS = re.compile(r"[^a-z0-9]+")


def slug_of(text: str) -> str:
    """«Ошибка 0x80» → «oshibka-0x80»; cut at a word, never empty."""
    latin = "".join(LETTERS.get(letter, letter) for letter in text.lower())
    slug = _OTHERS.sub("-", latin).strip("-")
    if len(slug) > MOST:
        slug = slug[:MOST].rpartition("-")[0] or slug[:MOST]
    return slug or "article"
