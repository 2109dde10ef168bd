"""The catalogue of errors that people can meet: each with its name, its cause and what to do, in both languages.

A file of texts is YAML: ``code: {en: [title, cause, remedy], ru: [title, cause, remedy]}``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from core.contracts import ErrorText, Text
from core.house import okno

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
OWN = Path(__file__).parent / "error_texts.yml"


def read(path: Path) -> list[ErrorText]:
    """The texts of one file. Raises ``ValueError`` naming a code whose texts are not complete."""
    return list(_parsed(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=32)
def _parsed(path: Path, _changed: int) -> tuple[ErrorText, ...]:
    found = []
    # libyaml reads the same ten times faster than Python does, and every start reads these.
    for code, words in yaml.load(path.read_text(encoding="utf-8"), LOADER).items():  # noqa: S506 -- both are safe
        try:
            title, cause, remedy = (Text(en, ru) for en, ru in zip(words["en"], words["ru"], strict=True))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name}: '{code}' needs title, cause and remedy in en and ru") from error
        found.append(ErrorText(str(code), title, cause, remedy))
    return tuple(found)


def of(code: str) -> ErrorText | None:
    """The text of a code; None for one that nobody has explained."""
    return okno().error_texts.get(code)


def everything() -> list[ErrorText]:
    """The whole catalogue, by code."""
    return sorted(okno().error_texts.values(), key=lambda text: text.code)
