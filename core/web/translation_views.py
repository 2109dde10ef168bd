"""«Translate» under a contact's message and under an answer that is being written; shown while a plugin translates."""

from __future__ import annotations

from flask import Response, abort, jsonify, render_template, request

from core import translating
from core.db import db
from core.model import Case, Message
from core.permissions import require
from core.plain_text import as_html, plain_text
from core.web import case_views
from core.web.language import here


@require("case.view")
def message(message_id: int) -> str:
    """The message in the viewer's language."""
    row = db.session.get(Message, message_id)
    if row is None:
        abort(404)
    case_views.seen_case(row.case_id)
    translating.message(message_id, here())
    return render_template("desk/translation.html", message=db.session.get_one(Message, message_id))


@require("case.reply")
def draft(case_id: int) -> Response:
    """What is being written, in the contact's language: ``{html}``."""
    case = case_views.seen_case(case_id)
    target = translating.wanted_by_contact(case, here())
    translated = translating.words(plain_text(request.form.get("html", "")), here(), target)
    return jsonify(html=as_html(translated))


def translation_of(row: Message) -> str:
    """What a card shows below a message: its translation into the viewer's language, "" for none."""
    return translating.kept(row, here())


def draft_language(case: Case) -> str:
    """Into which language the viewer's draft would go."""
    return translating.wanted_by_contact(case, here())
