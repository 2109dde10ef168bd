"""What hangs on a case: its timeline, notes, watchers, links, drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import case_drafts, case_links, case_notes, case_watchers
from core.api import fields as f
from core.api import lookups
from core.api.auth import me
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import DraftShape, EntryShape, LinkShape, PersonRefShape
from core.contracts import FileIn, Text
from core.db import db
from core.model import CaseLink, Draft, NoteFile, TimelineEntry, User

resource = Resource("cases", Text("Cases", "Запросы"))
OLDEST = Order("timeline", ((TimelineEntry.id, False),))
NEWEST = Order("timeline-", ((TimelineEntry.id, True),))


class TimelineQuery(PageQuery):
    sort = f.asked(f.word(("id", "-id"), load_default="id"))


class NoteInput(f.Input):
    text = f.text(50_000, Text("@login mentions a colleague", "@логин упоминает коллегу"), load_default="")
    corrects = f.key(Text("The note that this one puts right", "Заметка, которую исправляет эта"))


class LinkInput(f.Input):
    case_id = f.key(Text("The other case", "Другой запрос"), required=True)
    kind = f.word(
        case_links.KINDS,
        Text("parent: the other one is above", "parent: другой запрос — родительский"),
        load_default="related",
    )


class DraftInput(f.Input):
    html = f.text(case_drafts.LONGEST, Text("Empty: forget it", "Пусто: забыть черновик"), required=True)
    to = f.text(2000)
    cc = f.text(2000)
    bcc = f.text(2000)
    subject = f.text(500)


@resource.get(
    "/cases/<id:case_id>/timeline",
    Text("What happened to a case", "История запроса"),
    permission="case.view",
    query=TimelineQuery,
    answer=EntryShape,
    paged=True,
)
def list_timeline(case_id: int, query: dict[str, Any]) -> Page:
    """Every entry, the oldest first unless asked otherwise; it is never changed."""
    lookups.case(case_id)
    order = OLDEST if query["sort"] == "id" else NEWEST
    found = page(select(TimelineEntry).where(TimelineEntry.case_id == case_id), order, query, lambda row: (row.id,))
    return Page(_with_files(found.rows), found.cursor)


def _with_files(entries: Sequence[TimelineEntry]) -> list[dict[str, Any]]:
    notes = [entry.id for entry in entries if entry.kind == "note"]
    files: dict[int, list[NoteFile]] = {}
    if notes:
        query = select(NoteFile).where(NoteFile.entry_id.in_(notes)).options(joinedload(NoteFile.file))
        for file in db.session.scalars(query.order_by(NoteFile.id)):
            files.setdefault(file.entry_id, []).append(file)
    names = ("id", "case_id", "kind", "interaction_id", "message_id", "actor_id", "data", "at")
    return [{**{name: getattr(entry, name) for name in names}, "files": files.get(entry.id, [])} for entry in entries]


@resource.post(
    "/cases/<id:case_id>/notes",
    Text("Add a note", "Добавить заметку"),
    permission="case.view",
    body=NoteInput,
    files=True,
    answer=EntryShape,
    status=201,
)
def add_note(case_id: int, body: dict[str, Any], files: tuple[FileIn, ...] = ()) -> dict[str, Any]:
    """A note for colleagues, never for the contact."""
    lookups.case(case_id)
    entry_id = case_notes.add(case_id, me().id, body["text"], files=files, corrects=body.get("corrects"))
    return _with_files([db.session.get_one(TimelineEntry, entry_id)])[0]


# --- watchers ----------------------------------------------------------------------------------------


@resource.get(
    "/cases/<id:case_id>/watchers",
    Text("Who watches a case", "Наблюдатели запроса"),
    permission="case.view",
    answer=PersonRefShape,
    many=True,
)
def list_watchers(case_id: int) -> list[User]:
    """Who is told of every change."""
    lookups.case(case_id)
    return case_watchers.watchers(case_id)


@resource.put(
    "/cases/<id:case_id>/watchers/<id:user_id>",
    Text("Let somebody watch", "Добавить наблюдателя"),
    permission="case.view",
)
def add_watcher(case_id: int, user_id: int) -> None:
    """Safe to repeat."""
    lookups.case(case_id)
    if db.session.get(User, user_id) is None:
        abort(404)
    case_watchers.watch(case_id, user_id)


@resource.delete(
    "/cases/<id:case_id>/watchers/<id:user_id>",
    Text("Let somebody not watch", "Убрать наблюдателя"),
    permission="case.view",
)
def remove_watcher(case_id: int, user_id: int) -> None:
    """Safe to repeat."""
    lookups.case(case_id)
    case_watchers.unwatch(case_id, user_id)


# --- links -------------------------------------------------------------------------------------------


@resource.get(
    "/cases/<id:case_id>/links",
    Text("Linked cases", "Связанные запросы"),
    permission="case.view",
    answer=LinkShape,
    many=True,
)
def list_links(case_id: int) -> list[case_links.Linked]:
    """At most a hundred, in the order they were made."""
    lookups.case(case_id)
    return case_links.linked_cases(case_id)


@resource.post(
    "/cases/<id:case_id>/links",
    Text("Link two cases", "Связать два запроса"),
    permission="case.reply",
    body=LinkInput,
    answer=LinkShape,
    status=201,
)
def link_cases(case_id: int, body: dict[str, Any]) -> case_links.Linked:
    """The same link again gives the one that is there."""
    lookups.case(case_id)
    lookups.case(body["case_id"])
    link_id = case_links.link(case_id, body["case_id"], body["kind"], me().id)
    return next(linked for linked in case_links.linked_cases(case_id, limit=10_000) if linked.link_id == link_id)


@resource.delete(
    "/cases/<id:case_id>/links/<id:link_id>", Text("Unlink two cases", "Убрать связь"), permission="case.reply"
)
def unlink_cases(case_id: int, link_id: int) -> None:
    """From either side."""
    lookups.case(case_id)
    row = db.session.get(CaseLink, link_id, options=[joinedload(CaseLink.case)])
    if row is None or case_id not in (row.case_id, row.other_id):
        abort(404)
    case_links.unlink(link_id, me().id)


# --- drafts ------------------------------------------------------------------------------------------


@resource.get(
    "/cases/<id:case_id>/drafts",
    Text("Own drafts in a case", "Свои черновики в запросе"),
    permission="case.view",
    answer=DraftShape,
    many=True,
)
def list_drafts(case_id: int) -> list[Draft]:
    """The user's half-written reply and note."""
    lookups.case(case_id)
    return [draft for kind in case_drafts.KINDS if (draft := case_drafts.find(me().id, case_id, kind)) is not None]


@resource.put(
    "/cases/<id:case_id>/drafts/reply",
    Text("Keep a draft reply", "Сохранить черновик ответа"),
    permission="case.view",
    body=DraftInput,
)
def save_reply_draft(case_id: int, body: dict[str, Any]) -> None:
    """What the desk shows when the case is opened again."""
    _save(case_id, "reply", body)


@resource.put(
    "/cases/<id:case_id>/drafts/note",
    Text("Keep a draft note", "Сохранить черновик заметки"),
    permission="case.view",
    body=DraftInput,
)
def save_note_draft(case_id: int, body: dict[str, Any]) -> None:
    """What the desk shows when the case is opened again."""
    _save(case_id, "note", body)


def _save(case_id: int, kind: str, body: dict[str, Any]) -> None:
    lookups.case(case_id)
    facts = {name: value for name, value in body.items() if name != "html"}
    case_drafts.save(me().id, case_id, kind, body["html"], facts)
