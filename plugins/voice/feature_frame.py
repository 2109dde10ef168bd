"""What the pages of voice's features share: blueprints whose changes are audited, admin pages, sounds that are sent and served."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request, send_file

from core import audit, own_settings, storage
from core.contracts import Rejected, Text
from core.permissions import allowed
from core.web.admin_frame import Answer, FormState
from core.web.auth import current_user
from plugins.voice.calls import arrival

MOST_SOUND = 40 << 20


def feature_blueprint(name: str, **options: Any) -> Blueprint:
    """A blueprint with the templates of voice; changes are in the audit log under the user's name."""
    made = Blueprint(f"voice_{name}", "plugins.voice", template_folder="templates", **options)

    @made.before_request
    def name_actor() -> None:
        user = current_user() if request.method == "POST" else None
        if user is not None:
            audit.set_actor(user.login, request.remote_addr or "")

    @made.context_processor
    def rights() -> dict[str, Any]:
        return {"journal_rights": journal_rights, "number_words": number_words}

    return made


def number_words(number: str) -> str:
    """A number as people write it; "" for a caller from a page, who has none."""
    return "" if number.startswith(arrival.WEB) else own_settings.formatted(number)


def journal_rights() -> tuple[bool, bool, bool, bool]:
    """Whether the viewer watches registration, hears recordings, watches quality, calls: which tabs the journal of calls has."""
    user = current_user()
    registers, hears, watches, calls = (
        user is not None and allowed(user, f"voice.{name}")
        for name in ("registration", "recordings", "quality", "call")
    )
    return registers, hears, watches, calls


def draw_admin(name: str, form: FormState | None = None, **values: Any) -> Answer:
    """A page in the frame of the admin pages; 422 when its form has errors."""
    frame = current_app.jinja_env.get_or_select_template(["admin/layout.html", "desk/shell.html"])
    return render_template(f"voice/{name}.html", frame=frame, form=form, **values), form.status if form else 200


def sent_sound(name: str = "sound") -> bytes:
    """The sound that a form has sent. Raises ``Rejected``: ``sound-missing``, ``sound-too-large``."""
    file = request.files.get(name)
    content = file.stream.read(MOST_SOUND + 1) if file is not None else b""
    if not content:
        words = Text("Record something, or choose a file", "Запишите звук или выберите файл")
        raise Rejected(words, "sound-missing")
    if len(content) > MOST_SOUND:
        megabytes = MOST_SOUND >> 20
        words = Text(f"The file is larger than {megabytes} MB", f"Файл больше {megabytes} МБ")
        raise Rejected(words, "sound-too-large")
    return content


def serve_sound(sha256: str | None, content_type: str, name: str) -> Response:
    """A kept sound in ranges for a player; with ``?download`` as a file. 404 when it is gone."""
    path = storage.path(sha256) if sha256 else None
    if path is None or not path.exists():
        abort(404)
    wanted = "download" in request.args
    answer = send_file(path, mimetype=content_type, conditional=True, as_attachment=wanted, download_name=name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def plain_number(name: str, otherwise: int = 0) -> int:
    """A whole number of the form or the address; ``otherwise`` for anything else."""
    value = request.values.get(name, "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else otherwise
