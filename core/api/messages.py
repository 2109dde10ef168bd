"""Messages and their attachments: read, answer, begin."""

from __future__ import annotations

import uuid
from html import escape
from typing import Any

from flask import Response, abort, request, send_file
from sqlalchemy import select

from core import casework, outgoing, recall, storage
from core.api import fields as f
from core.api import lookups
from core.api.auth import caller, me
from core.api.errors import invalid
from core.api.idempotency import HEADER
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import InteractionShape, MessageShape
from core.contracts import FileIn, Text
from core.db import db
from core.model import Attachment, Interaction, Message, NoteFile, TimelineEntry

resource = Resource("interactions", Text("Interactions", "Обращения"))
OLDEST = Order("messages", ((Message.id, False),))


class ReplyInput(f.Input):
    html = f.text(200_000, Text("Either html or text", "Либо html, либо text"))
    text = f.text(200_000)
    subject = f.text(500)
    to = f.text(
        254, Text("Another address than the contact's last one", "Другой адрес вместо последнего адреса контакта")
    )


class BeginInput(f.Input):
    channel = f.text(40, required=True, least=1)
    address = f.text(254, required=True, least=1)
    service_id = f.key(allow_none=True, load_default=None)
    subject = f.text(300, load_default="")
    name = f.text(200, Text("Of a contact that is new", "Имя нового контакта"), load_default="")


def command_key() -> str:
    """What makes a repeat of this request the same command for operations."""
    return f"api:{caller().token_id}:{request.headers.get(HEADER) or uuid.uuid4()}"


def as_html(text: str) -> str:
    """Plain text as the HTML that replies are made of."""
    paragraphs = text.replace("\r\n", "\n").strip().split("\n\n")
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part.strip())


@resource.get(
    "/cases/<id:case_id>/messages",
    Text("Messages of a case", "Сообщения запроса"),
    permission="case.view",
    query=PageQuery,
    answer=MessageShape,
    paged=True,
)
def list_messages(case_id: int, query: dict[str, Any]) -> Page:
    """Of all its interactions, the oldest first."""
    lookups.case(case_id)
    return page(lookups.message_query().where(Message.case_id == case_id), OLDEST, query, lambda row: (row.id,))


@resource.get("/messages/<id:message_id>", Text("A message", "Сообщение"), permission="case.view", answer=MessageShape)
def get_message(message_id: int) -> Message:
    """With its attachments; ``delivery`` says whether it has left."""
    return lookups.message(message_id)


@resource.post(
    "/interactions/<id:interaction_id>/messages",
    Text("Answer the contact", "Ответить контакту"),
    permission="case.reply",
    body=ReplyInput,
    files=True,
    answer=MessageShape,
    status=201,
)
def reply(interaction_id: int, body: dict[str, Any], files: tuple[FileIn, ...] = ()) -> Message:
    """Goes out through the interaction's channel; files as ``multipart/form-data`` in ``files``."""
    held = lookups.interaction(interaction_id)
    if ("html" in body) == ("text" in body) and not (files and "html" not in body):
        text = Text("Give either html or text.", "Укажите либо html, либо text.")
        raise invalid({"html": text})
    html = body["html"] if "html" in body else as_html(body.get("text", ""))
    message_id = casework.reply(
        held.id,
        me().id,
        html,
        command_key=command_key(),
        subject=body.get("subject"),
        to=body.get("to") or None,
        files=files,
    )
    return lookups.own_message(message_id)


@resource.post(
    "/messages/<id:message_id>/recall", Text("Call a reply back", "Отменить отправку"), permission="case.reply"
)
def recall_message(message_id: int) -> None:
    """While it waits to leave; its text becomes the draft again."""
    lookups.message(message_id)
    recall.recall(message_id, me().id)


@resource.post(
    "/interactions",
    Text("Begin an interaction", "Начать обращение"),
    permission="case.reply",
    body=BeginInput,
    answer=InteractionShape,
    status=201,
)
def begin_interaction(body: dict[str, Any]) -> Interaction:
    """A new case for an address, in the user's hands; in channels where agents may begin."""
    started = outgoing.start(
        body["channel"],
        me().id,
        body["address"],
        command_key=command_key(),
        service_id=body["service_id"],
        subject=body["subject"],
        name=body["name"],
    )
    return lookups.interaction(started.interaction_id)


# --- files -------------------------------------------------------------------------------------------


@resource.get(
    "/attachments/<id:attachment_id>",
    Text("The file of a message", "Файл сообщения"),
    permission="case.view",
    download=True,
)
def download_attachment(attachment_id: int) -> Response:
    """As it was sent, never to be shown in a browser."""
    row = db.session.get(Attachment, attachment_id)
    if row is None:
        abort(404)
    lookups.message(row.message_id)
    return _file(row.sha256, row.name)


@resource.get(
    "/note-files/<id:file_id>", Text("The file of a note", "Файл заметки"), permission="case.view", download=True
)
def download_note_file(file_id: int) -> Response:
    """Its id stands in the note's entry of the timeline."""
    row = db.session.get(NoteFile, file_id)
    entry = db.session.scalar(select(TimelineEntry).where(TimelineEntry.id == row.entry_id)) if row else None
    if row is None or entry is None:
        abort(404)
    lookups.case(entry.case_id)
    return _file(row.sha256, row.name)


def _file(sha256: str, name: str) -> Response:
    path = storage.path(sha256)
    if not path.exists():
        abort(404)
    answer = send_file(path, mimetype="application/octet-stream", download_name=name or "file", as_attachment=True)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
