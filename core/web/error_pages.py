"""The catalogue of errors as a page of the help, to read and to search."""

from __future__ import annotations

from flask import Blueprint, render_template

from core import error_texts
from core.permissions import require

blueprint = Blueprint("error_pages", __name__)


@blueprint.get("/help/errors")
@require("desk.use")
def catalogue() -> str:
    """Every error with its cause and what to do."""
    return render_template("desk/errors.html", errors=error_texts.everything())
