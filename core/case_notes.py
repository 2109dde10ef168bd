"""Notes for colleagues: with files and mentions, written once; what was wrong is followed by a correction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core import case_drafts, case_mentions, case_watchers, casework, file_limits, notifications, storage, timeline
from core.contracts import FileIn, Rejected, Text
from core.db import db, transaction
from core.model import Case, NoteFile, TimelineEntry

LONGEST = 50_000


def add(
    case_id: int,
    user_id: int | None,
    text: str,
    *,
    files: Sequence[FileIn] = (),
    corrects: int | None = None,
    command_key: str = "",
) -> int:
    """Add a note and return its entry's id. Colleagues mentioned in it are notified and watch the case from now on.

    ``corrects`` names the entry of an earlier note that this one puts right. The same ``command_key`` again adds nothing.
    Raises ``Rejected``: ``empty-note``, ``note-too-long``, ``case-unknown``, ``note-unknown``, or a limit of the files.
    """
    words = text.replace("\x00", "").strip()
    if not words and not files:
        raise Rejected(Text("The note is empty", "Заметка пуста"), "empty-note")
    if len(words) > LONGEST:
        shown = f"{len(words):,}".replace(",", " ")
        raise Rejected(
            Text(
                f"A note holds 50 000 characters at most, this one has {shown}: attach it as a file.",
                f"В заметке не больше 50 000 знаков, здесь {shown}: приложите её файлом.",
            ),
            "note-too-long",
        )
    file_limits.check(files)
    with transaction():
        case = db.session.get(Case, case_id)
        if case is None:
            raise Rejected(case_watchers.NO_CASE, "case-unknown")
        if command_key and (same := _same(case_id, user_id, command_key)) is not None:
            return same
        if corrects is not None:
            _check_note(case_id, corrects)
        return _write(case, user_id, words, files, corrects, command_key)


def _same(case_id: int, user_id: int | None, command_key: str) -> int | None:
    """The entry that this command wrote before; only the newest notes of the author can be it."""
    query = select(TimelineEntry).where(
        TimelineEntry.case_id == case_id, TimelineEntry.kind == "note", TimelineEntry.actor_id == user_id
    )
    newest = db.session.scalars(query.order_by(TimelineEntry.id.desc()).limit(20))
    return next((entry.id for entry in newest if entry.data.get("command_key") == command_key), None)


def _check_note(case_id: int, entry_id: int) -> None:
    entry = db.session.get(TimelineEntry, entry_id)
    if entry is None or entry.case_id != case_id or entry.kind != "note":
        raise Rejected(Text("There is no such note", "Такой заметки нет"), "note-unknown")


def _write(
    case: Case, user_id: int | None, words: str, files: Sequence[FileIn], corrects: int | None, command_key: str
) -> int:
    mentions = [mention.user for mention in case_mentions.find(words)] if user_id is not None else []
    told = {person.id for person in mentions if person.disabled_at is None} - {user_id}
    facts: dict[str, Any] = {"corrects": corrects, "command_key": command_key, "mentions": sorted(told)}
    kept = {key: value for key, value in facts.items() if value}
    entry = timeline.write(case.id, "note", actor_id=user_id, text=words, **kept)
    db.session.flush()
    for file in files:
        sha256 = storage.put(file.content)
        name, kind = file.name[:300] or "file", file.content_type[:120]
        db.session.add(NoteFile(entry_id=entry.id, sha256=sha256, name=name, content_type=kind))
    shown = {"number": case.number, "subject": case.subject, "text": words[:140]}
    notifications.notify(told, "case.mention", case_watchers.url_of(case.id, entry.id), shown, user_id)
    watching = {person.id for person in case_watchers.watchers(case.id)} - told
    notifications.notify(watching, "case.note", case_watchers.url_of(case.id, entry.id), shown, user_id)
    case_watchers.add(sorted(told), case.id)
    if user_id is not None:
        case_drafts.forget(user_id, case.id, "note")
    casework.touch(case, cause="note")
    casework.tell(case, "note")
    return entry.id


def unreached(text: str) -> list[str]:
    """Names of mentioned colleagues whose accounts are disabled: they are not told."""
    return list(dict.fromkeys(one.user.name for one in case_mentions.find(text) if one.user.disabled_at is not None))
