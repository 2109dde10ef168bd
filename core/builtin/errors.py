"""The core's own part of the catalogue of errors, and the styles of its page."""

from __future__ import annotations

from core import error_texts, hookimpl
from core.contracts import Asset, ErrorText


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the core refuses, and the errors of HTTP."""
    return error_texts.read(error_texts.OWN)


@hookimpl
def register_assets() -> list[Asset]:
    """The page of the catalogue."""
    return [Asset("css", "/static/css/errors.css")]
