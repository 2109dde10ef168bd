"""The case page and its parts: timeline pages, preview, message bodies, attachments, the choice of a disposition."""

from __future__ import annotations

import re

from flask import Response, abort, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core import case_form, case_viewers, screen_pops, storage
from core.db import db
from core.house import okno
from core.model import Attachment, Case, Interaction, Message, NoteFile, TimelineEntry
from core.permissions import allowed, require
from core.web import case_aside, case_queries, desk_frame, desk_queries, drawing, letters

# Entries that are drawn again when something of a case has changed.
MOST_CHANGED = 12

VIEWS = ("talk", "events")
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
# A letter is a foreign page: nothing in it runs or calls out; images come from the letter itself.
BODY_POLICY = "default-src 'none'; img-src {images} data:; style-src 'self' 'unsafe-inline'; font-src 'self'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
COLOURED = re.compile(r"bgcolor=|background|<style|color\s*[:=]", re.IGNORECASE)
CID = re.compile(r"(src\s*=\s*[\"']?)cid:([^\"'\s>]+)", re.IGNORECASE)


def seen_case(case_id: int) -> Case:
    """The case, or 404 for none and 403 for one of other teams."""
    case = case_queries.find_case(case_id)
    if case is None:
        abort(404)
    if not desk_queries.may_see(desk_frame.signed_in(), case):
        abort(403)
    return case


def seen_interaction(interaction_id: int) -> Interaction:
    """The interaction of a case that the user may see."""
    query = select(Interaction).where(Interaction.id == interaction_id)
    found: Interaction | None = db.session.scalar(
        query.options(joinedload(Interaction.case), joinedload(Interaction.service))
    )
    if found is None:
        abort(404)
    if not desk_queries.may_see(desk_frame.signed_in(), found.case):
        abort(403)
    return found


def _view() -> str:
    return request.args["view"] if request.args.get("view") in VIEWS else VIEWS[0]


@require("case.view")
def case(case_id: int) -> str:
    """The page of a case."""
    user, row = desk_frame.signed_in(), seen_case(case_id)
    page = case_queries.case_page(row, user, _view())
    context = desk_frame.context_of(user, page.interaction, case_id)
    return render_template(
        "desk/case.html",
        aside=case_aside.aside(row, user),
        may_edit=allowed(user, "case.reply"),
        others=case_viewers.viewers(case_id, without=user.id),
        pops_in_tabs=okno().config.get("cases.screen_pops") == "tabs",
        pops=pops_beside(page.interaction if page.mine else None, user.id),
        page=page,
        case=row,
        view=_view(),
        user=user,
        panels=desk_frame.panels(user, context, "case"),
        reply_panels=desk_frame.panels(user, context, "reply"),
        channel=desk_queries.channel_of(page.interaction.channel) if page.interaction else None,
        controls=okno().hooks.controls(context) if page.mine else [],
    )


@require("case.view")
def earlier(case_id: int) -> str:
    """Timeline entries before, after or around one."""
    row = seen_case(case_id)
    asked = {name: _entry_id(name) for name in ("before", "after", "around")}
    window = case_queries.timeline(case_id, _view(), **asked)
    return render_template("desk/timeline.html", window=window, case=row, view=_view())


def pops_beside(interaction: Interaction | None, user_id: int) -> list[screen_pops.Filled]:
    """The screen pops of the interaction in hand."""
    if interaction is None:
        return []
    context = screen_pops.context_of(interaction, user_id)
    return [screen_pops.fill(pop, context) for pop in screen_pops.pops_of(interaction.service_id)]


def _entry_id(name: str) -> int | None:
    value = request.args.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None


@require("case.view")
def fresh(case_id: int) -> str:
    """The header as it is now, the entries after ``after``, and the newest of those before that may have changed since."""
    user, row = desk_frame.signed_in(), seen_case(case_id)
    page = case_queries.case_page(row, user, _view())
    after = _entry_id("after") or 0
    entries = [entry for entry in page.window.entries if entry.row.id > after]
    changed = [entry for entry in page.window.entries if entry.row.id <= after and entry.changes][-MOST_CHANGED:]
    parts = {"aside": case_aside.aside(row, user), "may_edit": allowed(user, "case.reply")}
    shown = {"entries": entries, "changed": changed}
    return render_template("desk/fresh.html", page=page, case=row, view=_view(), user=user, **shown, **parts)


@require("case.view")
def aside(case_id: int) -> str:
    """The form, links, watchers and files as they are now."""
    user, row = desk_frame.signed_in(), seen_case(case_id)
    parts = {"aside": case_aside.aside(row, user), "may_edit": allowed(user, "case.reply")}
    return render_template("desk/case_aside.html", case=row, user=user, **parts)


@require("case.view")
def preview(interaction_id: int) -> str:
    """A look at a waiting interaction without taking it."""
    interaction = seen_interaction(interaction_id)
    entries = case_queries.timeline(interaction.case_id, "talk").entries
    contact = case_queries.contact_card(interaction.contact_id)
    return render_template(
        "desk/preview.html", interaction=interaction, entries=entries[-4:], case=interaction.case, contact=contact
    )


@require("case.reply")
def disposition(interaction_id: int) -> str:
    """The dialog in which the outcome is chosen."""
    interaction = seen_interaction(interaction_id)
    case = interaction.case
    return render_template(
        "desk/disposition.html",
        interaction=interaction,
        groups=case_queries.dispositions(interaction.service_id),
        missing=case_form.missing(case),
        case=case,
    )


@require("case.view")
def message_body(message_id: int) -> Response:
    """The HTML of a message as a page of its own for a sandboxed frame."""
    query = select(Message).where(Message.id == message_id).options(selectinload(Message.attachments))
    message = db.session.scalar(query)
    if message is None:
        abort(404)
    seen_case(message.case_id)
    html = _with_images(message) if message.body_html else ""
    shows = "images" in request.args
    hidden = 0 if shows else letters.count_hidden(html)
    html = letters.with_pictures(html) if shows else html
    page = render_template(
        "desk/message_body.html",
        html=html,
        text=message.body_text,
        paper=bool(COLOURED.search(html)),
        theme=drawing.theme(),
        hidden=hidden,
    )
    policy = BODY_POLICY.format(images="'self' https: http:" if shows else "'self'")
    return Response(page, headers={"Content-Security-Policy": policy, "Cache-Control": "private, max-age=300"})


def _with_images(message: Message) -> str:
    inline = {item.content_id.strip("<>"): item.id for item in message.attachments if item.content_id}

    def replace(match: re.Match[str]) -> str:
        found = inline.get(match.group(2))
        return match.group(1) + url_for("desk.attachment", attachment_id=found) if found else match.group(0)

    return CID.sub(replace, message.body_html)


@require("case.view")
def attachment(attachment_id: int) -> Response:
    """A file; shown in the browser only when it is of a harmless type."""
    row = db.session.get(Attachment, attachment_id)
    message = db.session.get(Message, row.message_id) if row else None
    if row is None or message is None:
        abort(404)
    seen_case(message.case_id)
    return _served(row)


@require("case.view")
def note_file(file_id: int) -> Response:
    """A file of a note."""
    row = db.session.get(NoteFile, file_id)
    entry = db.session.get(TimelineEntry, row.entry_id) if row else None
    if row is None or entry is None:
        abort(404)
    seen_case(entry.case_id)
    return _served(row)


def _served(row: Attachment | NoteFile) -> Response:
    path = storage.path(row.sha256)
    if not path.exists():
        abort(404)
    harmless = row.content_type in SHOWN
    kind = row.content_type if harmless else "application/octet-stream"
    answer = send_file(
        path, mimetype=kind, download_name=row.name or "file", as_attachment=not harmless or "download" in request.args
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer
