"""Numbers of documents as they are compared."""

from __future__ import annotations

from core.search import analysis


def number_key(number: str) -> str:
    """How a document number is compared: `№ 3347`, `3347` and `KB-3347`, `kb3347` are pairs of equals."""
    return analysis.folded("".join(character for character in analysis.normalise(number) if character.isalnum()))
