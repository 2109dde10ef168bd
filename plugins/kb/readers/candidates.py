"""Cases that should become knowledge: marked by agents, made into drafts by editors, closed by what comes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from core import casework, notifications
from core.clock import now
from core.contracts import CaseChange, Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Case, Message
from core.permissions import holders
from plugins.kb import markup
from plugins.kb.models import Article, Candidate
from plugins.kb.readers import masking
from plugins.kb.writing.article_texts import LANGUAGES, SECTION_TITLES, TITLE_MOST, folded
from plugins.kb.writing.articles import create_article

NOTE_MOST, QUESTION_MOST, PAGE = 1000, 2000, 50
QUOTED = re.compile(r"^\s*(?:>|-{2,}\s*$|On .+ wrote:|.{4,80}пишет:|\d{1,2}\.\d{1,2}\.\d{4}.{0,80}:)", re.MULTILINE)


def on_case_change(change: CaseChange) -> None:
    """The case's mark «worth an article» was set or taken away: the list of candidates follows, in the open transaction."""
    if "is_candidate" not in change.changes:
        return
    from core.web.auth import current_user

    user = current_user()
    user_id = user.id if user is not None else change.case.assignee_id
    if change.changes["is_candidate"][1]:
        _open(change.case.id, user_id)
    else:
        row = of_case(change.case.id)
        if row is not None and row.state == "open":
            db.session.delete(row)
            db.session.flush()
    events.publish("desk", "kb.candidates", {})


def _open(case_id: int, user_id: int | None) -> Candidate:
    row = of_case(case_id)
    if row is not None and row.state in ("open", "drafted"):
        return row
    if row is None:
        row = Candidate(case_id=case_id)
        db.session.add(row)
    row.state, row.user_id, row.at = "open", user_id, now()
    row.reason, row.article_id, row.decided_by_id, row.decided_at = "", None, None, None
    db.session.flush()
    case = db.session.get_one(Case, case_id)
    data = {"case": case.number, "text": case.subject}
    notifications.notify(holders("kb.edit"), "kb.candidate", "/kb/candidates", data, user_id)
    return row


def propose(case_id: int, user_id: int, note: str = "") -> Candidate:
    """Mark a case as worth an article, with a word on why. Raises ``Rejected`` (``case-unknown``)."""
    with transaction():
        casework.change(case_id, user_id, is_candidate=True)
        row = _open(case_id, user_id)
        if row.user_id is None or row.state == "open":
            row.user_id = user_id
        row.note = note.replace("\r\n", "\n").replace("\x00", "").strip()[:NOTE_MOST]
        db.session.flush()
        return row


def decline(candidate_id: int, user_id: int, reason: str) -> Candidate:
    """Say no, and why, to the agent who marked it. Raises ``Rejected``: ``reason-missing``, ``candidate-settled``."""
    words = " ".join(reason.split())[:NOTE_MOST]
    if not words:
        raise Rejected(Text("Say why, in a few words", "Напишите в двух словах, почему"), "reason-missing")
    with transaction():
        row = _taken(candidate_id, ("open", "drafted"), state="declined", reason=words, decided_by_id=user_id)
        casework.change(row.case_id, user_id, is_candidate=False)
        if row.user_id is not None:
            data = {"case": row.case.number, "reason": words}
            notifications.notify([row.user_id], "kb.candidate.declined", f"/cases/{row.case_id}", data, user_id)
        return row


def draft(candidate_id: int, user_id: int, folder_id: int | None) -> Article:
    """Make a draft of the case, without the people in it. Raises ``Rejected``: ``folder-unknown``, ``candidate-settled``."""
    with transaction():
        row = _taken(candidate_id, ("open",), state="drafted", decided_by_id=user_id)
        fields = {**prefilled(row.case, row.note), "folder_id": folder_id, "owner": user_id}
        fields["title"] = _free_title(fields["title"], folder_id)
        article = create_article(user_id, fields, note=row.case.number)
        row.article_id = article.id
        db.session.flush()
        return article


def _taken(candidate_id: int, states: tuple[str, ...], **values: Any) -> Candidate:
    """The candidate moved out of one of ``states`` by whoever was first."""
    wanted = update(Candidate).where(Candidate.id == candidate_id, Candidate.state.in_(states))
    done = db.session.execute(wanted.values(decided_at=now(), **values).execution_options(synchronize_session=False))
    row = db.session.get(Candidate, candidate_id, populate_existing=True)
    if row is None:
        raise Rejected(Text("There is no such candidate", "Такого кандидата нет"), "candidate-unknown")
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise Rejected(
            Text("A colleague has dealt with this candidate already", "С этим кандидатом уже разобрался коллега"),
            "candidate-settled",
        )
    events.publish("desk", "kb.candidates", {})
    return row


# --- the draft ---------------------------------------------------------------------------------------


def prefilled(case: Case, note: str) -> Mapping[str, Any]:
    """The fields of a draft from the subject, the contact's first message and the agent's last answer."""
    lang = case.language if case.language in LANGUAGES else (case.service.language if case.service else "ru")
    lang = lang if lang in LANGUAGES else "ru"
    asked = _message(case.id, "in", newest=False)
    answered = _message(case.id, "out", newest=True)
    customer = [case.contact.name] if case.contact else []
    agents = [person.name for person in (case.assignee, answered.user if answered else None) if person is not None]
    people = customer + agents
    title = masking.masked(" ".join(case.subject.split()), lang, people)
    fields: dict[str, Any] = {
        "title": (title or case.number)[:TITLE_MOST],
        "question": masking.masked(unquoted(asked.body_text), lang, people)[:QUESTION_MOST] if asked else "",
        "language": lang,
        "services": [case.service.key] if case.service else [],
        "notes": (f"Из запроса {case.number}" if lang == "ru" else f"From case {case.number}")
        + (f"\n{note}" if note else ""),
        "sections": [],
    }
    if answered is not None:
        html = markup.sanitise(answered.body_html) if answered.body_html else markup.from_markdown(answered.body_text)
        html = masking.masked_html(html, lang, customer, "$(from.name)")
        html = masking.masked_html(html, lang, agents, "$(User.firstName)")
        fields["sections"] = [{"key": "reply", "title": SECTION_TITLES["reply"].to(lang), "html": html}]
    return fields


def unquoted(text: str) -> str:
    """A letter's own words: what comes before the first quoted line or the signature."""
    found = QUOTED.search(text)
    own = text[: found.start()].strip() if found else text.strip()
    return own or text.strip()


def _message(case_id: int, direction: str, *, newest: bool) -> Message | None:
    author = "contact" if direction == "in" else "agent"
    query = select(Message).where(
        Message.case_id == case_id, Message.direction == direction, Message.author == author, ~Message.automatic
    )
    found: Message | None = db.session.scalar(
        query.order_by(Message.id.desc() if newest else Message.id).limit(1).options(joinedload(Message.user))
    )
    return found


def _free_title(title: str, folder_id: int | None) -> str:
    """``title`` as no other article of the folder is called."""
    taken = set(db.session.scalars(select(Article.title_key).where(Article.folder_id == folder_id)))
    free, count = title, 1
    while folded(free) in taken:
        count += 1
        free = f"{title[: TITLE_MOST - 6]} ({count})"
    return free


# --- reading -----------------------------------------------------------------------------------------


def of_case(case_id: int) -> Candidate | None:
    """The candidate that a case is or was."""
    found: Candidate | None = db.session.scalar(
        select(Candidate)
        .where(Candidate.case_id == case_id)
        .options(joinedload(Candidate.article), joinedload(Candidate.user), joinedload(Candidate.decided_by))
    )
    return found


def listed(state: str, before: int | None = None) -> list[Candidate]:
    """Candidates in ``state``, newest first; ``before`` pages on by id."""
    query = select(Candidate).where(Candidate.state == state)
    if before is not None:
        query = query.where(Candidate.id < before)
    people = (joinedload(Candidate.user), joinedload(Candidate.decided_by), joinedload(Candidate.article))
    query = query.options(joinedload(Candidate.case), *people)
    return list(db.session.scalars(query.order_by(Candidate.id.desc()).limit(PAGE)))


def counts() -> Mapping[str, int]:
    """How many there are in each state."""
    rows = db.session.execute(select(Candidate.state, func.count()).group_by(Candidate.state))
    return {str(state): int(count) for state, count in rows}
