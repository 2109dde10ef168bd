"""The mailbox page: what customers of the demo centre have received, and a way to write as one of them."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from core.clock import now
from core.contracts import Rejected, Text
from core.db import db
from core.house import okno
from core.model import Service, ServiceEntry
from core.permissions import public
from plugins.email.channel import CHANNEL, take_in
from plugins.email.mime import parse
from plugins.email.models import CaughtMail

blueprint = Blueprint(
    "email", __name__, template_folder="templates", static_folder="static", static_url_path="/mailbox/static"
)
PAGE = 100


def demo_only() -> None:
    """The page shows letters to anybody, so it exists in demo centres alone."""
    if not okno().config.get("core.demo"):
        abort(404)


@blueprint.get("/mailbox")
@public
def mailbox() -> str:
    """The latest letters, the chosen one beside them."""
    demo_only()
    rows = db.session.scalars(select(CaughtMail).order_by(CaughtMail.id.desc()).limit(PAGE)).all()
    chosen = db.session.get(CaughtMail, request.args.get("id", type=int) or (rows[0].id if rows else 0))
    parsed = parse(chosen.raw) if chosen else None
    return render_template(
        "email/mailbox.html", rows=rows, chosen=chosen, mail=parsed, entries=_entries(), sent=request.args.get("sent")
    )


@blueprint.get("/mailbox/<int:mail_id>/source")
@public
def source(mail_id: int) -> Response:
    """The letter as it would have gone over the wire."""
    demo_only()
    row = db.session.get(CaughtMail, mail_id) or abort(404)
    return Response(row.raw, mimetype="text/plain", headers={"Content-Disposition": "inline"})


@blueprint.post("/mailbox/write")
@public
def write() -> AnyResponse:
    """Write to the centre as a customer: a real letter, taken in like any other."""
    demo_only()
    sender, text = request.form.get("from", "").strip(), request.form.get("text", "").strip()
    if "@" not in sender or not text:
        raise Rejected(Text("Give an address and a text", "Укажите адрес и текст"), "incomplete")
    letter = EmailMessage(policy=policy.SMTP)
    letter["From"], letter["To"] = _header(sender), _header(request.form.get("to", ""))
    letter["Subject"] = _header(request.form.get("subject", "")) or gettext("(no subject)")
    letter["Date"] = email.utils.format_datetime(now())
    letter["Message-ID"] = email.utils.make_msgid(domain="customer.example")
    answered = db.session.get(CaughtMail, request.form.get("answers", type=int) or 0)
    if answered is not None:
        identifier = parse(answered.raw).message_id
        letter["In-Reply-To"] = letter["References"] = identifier
    letter.set_content(text)
    take_in(letter.as_bytes(), envelope_from=sender, recipients=[letter["To"]], peer="mailbox page", door="demo")
    return redirect(url_for("email.mailbox", sent=1, id=answered.id if answered else None))


def _header(value: str) -> str:
    return " ".join(value.split())[:300]


def _entries() -> list[tuple[str, Service]]:
    query = select(ServiceEntry).where(ServiceEntry.channel == CHANNEL).order_by(ServiceEntry.id)
    return [(entry.address, entry.service) for entry in db.session.scalars(query)]
