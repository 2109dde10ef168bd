"""The editors' page of import and export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, abort, render_template, request, send_file
from flask_babel import gettext as _

from core.permissions import require
from core.web.desk_commands import done
from plugins.kb.exchange import runs, sources
from plugins.kb.use.focus import viewer


@require("kb.edit")
def exchange() -> str:
    """What can be brought in and taken out; how the last import went."""
    return render_template("kb/exchange.html", report=runs.report_of(viewer().id), formats=sources.FORMATS)


@require("kb.edit")
def begin() -> Response:
    """Take the file and begin."""
    file = request.files.get("file")
    runs.start(
        viewer().id,
        file.filename or "" if file else "",
        file.read() if file else b"",
        dry="dry" in request.form,
        restart="restart" in request.form,
    )
    return done(**{"toast": {"level": "info", "text": _("The import has begun.")}, "kb:readers": {}})


@require("kb.edit")
def export(kind: str) -> Response:
    """All articles in a format, to save."""
    if kind not in sources.FORMATS:
        abort(404)
    suffix = sources.SUFFIX[kind]
    with tempfile.TemporaryDirectory(prefix="okno-export-") as place:
        path = Path(place) / f"articles{suffix}"
        sources.save(path, kind)
        # The open file outlives its folder: it is read while it is sent.
        opened = path.open("rb")
    return send_file(opened, as_attachment=True, download_name=f"knowledge{suffix}", mimetype=_TYPES[kind], max_age=0)


_TYPES = {"markdown": "application/zip", "csv": "text/csv", "zendesk": "application/json"}
PAGES: tuple[tuple[str, str, Any], ...] = (
    ("/kb/exchange", "exchange", exchange),
    ("/kb/exchange/export/<kind>", "export", export),
)
COMMANDS: tuple[tuple[str, str, Any], ...] = (("/kb/exchange", "begin_import", begin),)
