"""What agents do on a case page: answer, note, finish, edit, link, watch, pass on. Each view calls one operation."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, jsonify, render_template, request

from core import (
    assignment,
    case_drafts,
    case_form,
    case_links,
    case_notes,
    case_values,
    case_viewers,
    case_watchers,
    casework,
    organisations,
    own_settings,
    recall,
)
from core.case_changes import CaseChanged
from core.case_facts import CHANGEABLE
from core.contracts import FileIn, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import CaseLink, Message
from core.permissions import require
from core.plain_text import as_html, plain_text
from core.schemas import Invalid
from core.web import case_views, desk_queries, drawing
from core.web.desk_commands import done, opens
from core.web.desk_frame import signed_in
from core.web.language import here

FIELD = "field."
NUMBERS = ("service_id", "assignee_id", "organisation_id")


def posted_files() -> list[FileIn]:
    """The files of the request."""
    return [
        FileIn(file.filename or "file", file.mimetype or "application/octet-stream", file.read())
        for file in request.files.getlist("files")
        if file.filename
    ]


def command_key() -> str:
    """What makes a repeated request the same one."""
    return f"{signed_in().id}:{request.headers.get('Idempotency-Key') or uuid.uuid4()}"


def _number(name: str) -> int | None:
    value = request.form.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _addresses(name: str) -> list[str]:
    return [part.strip() for part in request.form.get(name, "").replace(";", ",").split(",") if part.strip()][:50]


# --- answers -----------------------------------------------------------------------------------------


@require("case.reply")
def reply(interaction_id: int) -> Response | str:
    """Answer the contact; ``then=finish`` goes on to the disposition, ``anyway`` sends though a colleague was faster."""
    user = signed_in()
    interaction = case_views.seen_interaction(interaction_id)
    case_id = interaction.case_id
    # Somebody waits at the other end of a live conversation: nothing is held back there.
    undo = 0 if desk_queries.is_live(interaction.channel) else int(okno().config.get("cases.undo_seconds"))
    html = request.form.get("html", "")
    wishes = own_settings.of(user)
    written, signature = plain_text(html), wishes.signature.strip()
    # An answer that was called back has its signature already.
    if written and signature and not written.endswith(signature):
        html += f"<div><br></div>{as_html(signature)}"
    copies = {f"send_{name}": _addresses(name) for name in ("cc", "bcc")}
    message_id = casework.reply(
        interaction_id,
        user.id,
        html,
        command_key=command_key(),
        subject=request.form.get("subject"),
        to=request.form.get("to") or None,
        files=[*case_drafts.files(user.id, case_id, "reply"), *posted_files()],
        data={name: value for name, value in {**copies, "send_font": wishes.letter_font}.items() if value},
        seen_message_id=None if request.form.get("anyway") else _number("seen"),
        undo_seconds=undo,
    )
    sent: dict[str, Any] = {"interaction_id": interaction_id, "case_id": case_id, "message_id": message_id}
    if undo and recall.may_recall(message_id):
        sent["undo_seconds"] = undo
    events = {"okno:sent": sent, "okno:fresh": {"case_id": case_id}}
    if request.form.get("then") != "finish":
        return done(**events)
    return Response(finish(interaction_id), headers={"HX-Trigger": drawing.trigger(**events)})


@require("case.reply")
def recall_message(message_id: int) -> Response:
    """Call an answer back while it waits."""
    message = db.session.get(Message, message_id)
    case_id = message.case_id if message else 0
    recall.recall(message_id, signed_in().id)
    return done(**opens(case_id))


@require("case.reply")
def finish(interaction_id: int) -> str:
    """The contact is served: into wrap-up, and on to the choice of a disposition."""
    interaction = case_views.seen_interaction(interaction_id)
    if interaction.state == "active":
        assignment.finish(interaction_id, signed_in().id)
    return case_views.disposition(interaction_id)


@require("case.reply")
def complete(interaction_id: int) -> Response:
    """Close with a disposition, and with what was missing in the form."""
    user, interaction = signed_in(), case_views.seen_interaction(interaction_id)
    case_id, chosen = interaction.case_id, _number("disposition")
    given = {name.removeprefix(FIELD): value for name, value in request.form.items() if name.startswith(FIELD)}
    try:
        with transaction():
            if given:
                case_values.set_fields(case_id, user.id, given)
            assignment.complete(interaction_id, user.id, chosen, request.form.get("comment", "").strip())
    except Invalid as invalid:
        rows = {row.key: row for row in case_form.fields_of(interaction.case.service_id)}
        raise _named(invalid, {key: Text(row.title_en, row.title_ru) for key, row in rows.items()}) from None
    return done(**opens(case_id), **{"okno:completed": {"interaction_id": interaction_id, "case_id": case_id}})


def _named(invalid: Invalid, titles: dict[str, Text]) -> Rejected:
    """The same refusal with the titles of the fields instead of their keys."""
    named = [(titles.get(key, Text(key, key)), text) for key, text in invalid.errors.items()]
    english = "; ".join(f"{title.en}: {text.en}" for title, text in named)
    return Rejected(Text(english, "; ".join(f"{title.ru}: {text.ru}" for title, text in named)), invalid.code)


# --- notes and drafts --------------------------------------------------------------------------------


@require("case.view")
def add_note(case_id: int) -> Response:
    """A note for colleagues, with files; ``corrects`` names the entry it puts right."""
    case_views.seen_case(case_id)
    user, text = signed_in(), request.form.get("text", "")
    case_notes.add(
        case_id,
        user.id,
        text,
        files=[*case_drafts.files(user.id, case_id, "note"), *posted_files()],
        corrects=_number("corrects"),
        command_key=command_key(),
    )
    events: dict[str, Any] = {"okno:noted": {"case_id": case_id}, "okno:fresh": {"case_id": case_id}}
    if gone := case_notes.unreached(text):
        names = ", ".join(gone)
        words = Text(
            f"Not told, the account is disabled: {names}", f"Без уведомления, учётная запись отключена: {names}"
        )
        events["toast"] = {"level": "warn", "text": words.to(here())}
    return done(**events)


@require("case.view")
def save_draft(case_id: int) -> Response:
    """Keep what is being typed; answers when it was kept."""
    case_views.seen_case(case_id)
    data = {name: request.form[name] for name in ("to", "cc", "bcc", "subject", "corrects") if name in request.form}
    kind, html = request.form.get("kind", "reply"), request.form.get("html", "")
    draft = case_drafts.save(signed_in().id, case_id, kind, html, data if request.form.get("touched") or html else {})
    return jsonify(saved_at=drawing.moment(draft.saved_at, "time") if draft else "")


def _draft_kind() -> str:
    return request.form.get("kind", "reply")


@require("case.view")
def add_draft_file(case_id: int) -> Response:
    """Attach a file to a draft; it is stored at once and sent with the answer."""
    case_views.seen_case(case_id)
    kept: list[dict[str, Any]] = []
    try:
        for file in posted_files():
            kept = case_drafts.add_file(signed_in().id, case_id, _draft_kind(), file)
    except Rejected as refusal:
        return _refused(refusal)
    return _draft_files(kept)


@require("case.view")
def remove_draft_file(case_id: int) -> Response:
    """Take one out again."""
    case_views.seen_case(case_id)
    return _draft_files(case_drafts.remove_file(signed_in().id, case_id, _draft_kind(), request.form.get("sha256", "")))


def _draft_files(kept: list[dict[str, Any]]) -> Response:
    return jsonify(files=[{**one, "shown": drawing.file_size(one["size"])} for one in kept])


# --- the form and the header -------------------------------------------------------------------------


@require("case.reply")
def edit(case_id: int) -> Response:
    """Change one fact (``subject``, ``priority``…) or one field (``field.<key>``) that the page showed as ``before``."""
    case_views.seen_case(case_id)
    name, value, before = request.form.get("name", ""), request.form.get("value", ""), request.form.get("before")
    user = signed_in()
    try:
        if name.startswith(FIELD):
            key = name.removeprefix(FIELD)
            seen = None if before is None else {key: _typed_field(before)}
            case_values.set_fields(case_id, user.id, {key: _typed_field(value)}, before=seen)
        else:
            _change(case_id, user.id, name, value, before)
    except CaseChanged as refusal:
        return _refused(refusal, current=refusal.current)
    except Rejected as refusal:
        return _refused(refusal)
    return jsonify(name=name)


def _typed_field(value: str) -> str | bool:
    return {"true": True, "false": False}.get(value, value)


def _change(case_id: int, user_id: int, name: str, value: str, before: str | None) -> None:
    if name not in CHANGEABLE:
        raise Rejected(Text("There is no such field.", "Такого поля нет."), "field-unknown")
    seen = None if before is None else {name: _typed(name, before)}
    casework.change(case_id, user_id, before=seen, **{name: _typed(name, value)})


def _typed(name: str, value: str) -> Any:
    if name in NUMBERS:
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return value == "true" if name == "is_candidate" else value


def _refused(refusal: Rejected, **more: Any) -> Response:
    """Why an inline edit was not taken, for the script beside the field."""
    db.session.rollback()
    errors = refusal.errors.values() if isinstance(refusal, Invalid) else [refusal.text]
    text = " ".join(error.to(here()) for error in errors)
    response = jsonify(error={"code": refusal.code, "text": text}, **more)
    response.status_code = 422
    return response


@require("case.reply")
def add_organisation(case_id: int) -> Response:
    """A company that was not there yet; the case is for it from now on."""
    case_views.seen_case(case_id)
    tax_id = request.form.get("tax_id", "")
    try:
        with transaction():
            added = organisations.add(request.form.get("name", ""), tax_id)
            casework.change(case_id, signed_in().id, organisation_id=added.id)
    except Rejected as refusal:
        return _refused(refusal)
    warning = organisations.tax_id_warning(tax_id)
    return jsonify(id=added.id, warning=warning.to(here()) if warning else "")


# --- links, watchers, viewers ------------------------------------------------------------------------


@require("case.reply")
def add_link(case_id: int) -> Response:
    """Link with another case that the viewer may see."""
    case_views.seen_case(case_id)
    other_id = _number("other")
    if other_id is None:
        raise Rejected(Text("Choose a case to link with", "Выберите запрос, с которым связать"), "case-not-chosen")
    if other_id != case_id:
        case_views.seen_case(other_id)
    case_links.link(case_id, other_id, request.form.get("kind", "related"), signed_in().id)
    return done(**{"okno:aside": {"case_id": case_id}, "okno:close": {}})


@require("case.reply")
def remove_link(case_id: int, link_id: int) -> Response:
    """Remove one of the case's own links."""
    case_views.seen_case(case_id)
    row = db.session.get(CaseLink, link_id)
    if row is not None and case_id not in (row.case_id, row.other_id):
        link_id = 0
    case_links.unlink(link_id, signed_in().id)
    return done(**{"okno:aside": {"case_id": case_id}})


@require("case.view")
def watch(case_id: int) -> Response:
    """Watch, or add a colleague with ``user``."""
    case_views.seen_case(case_id)
    case_watchers.watch(case_id, _number("user") or signed_in().id)
    return done(**{"okno:aside": {"case_id": case_id}})


@require("case.view")
def unwatch(case_id: int) -> Response:
    """No longer."""
    case_watchers.unwatch(case_id, signed_in().id)
    return done(**{"okno:aside": {"case_id": case_id}})


@require("case.view")
def viewing(case_id: int) -> Response | str:
    """The page's sign of life: ``state`` is open, writing or closed; answers who else is there."""
    user, state = signed_in(), request.form.get("state", "open")
    case_views.seen_case(case_id)
    if state == "closed":
        case_viewers.left(case_id, user.id)
        return done()
    case_viewers.seen(case_id, user.id, state == "writing")
    others = case_viewers.viewers(case_id, without=user.id)
    return render_template("desk/case_viewers.html", others=others, case_id=case_id)


@require("case.view")
def viewers(case_id: int) -> str:
    """Who else has the case open."""
    case_views.seen_case(case_id)
    others = case_viewers.viewers(case_id, without=signed_in().id)
    return render_template("desk/case_viewers.html", others=others, case_id=case_id)
