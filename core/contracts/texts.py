"""Texts in both languages, refusals, and the plain values that contracts are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

JsonValue = Any
Direction = Literal["in", "out"]
Verdict = Literal["allow", "deny", "abstain"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both interface languages; ``str()`` gives English, for logs."""

    en: str
    ru: str

    def __str__(self) -> str:
        return self.en

    def to(self, language: str) -> str:
        """The text in ``language`` ("ru" or "en"); English for any other."""
        return self.ru if language == "ru" else self.en


class Rejected(Exception):
    """Raised by a ``before_…`` hook (or an operation) to refuse; ``text`` is shown to the person who asked.

    ``code`` is a stable word for programs, for instance ``disposition-required``.
    """

    def __init__(self, text: Text | str, code: str = "rejected") -> None:
        self.text = text if isinstance(text, Text) else Text(text, text)
        self.code = code
        super().__init__(self.text.en)
