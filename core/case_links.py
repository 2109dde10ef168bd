"""Cases that belong together (связанные запросы): related, duplicate, parent; shown from both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import joinedload

from core import case_changes, casework, timeline
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Case, CaseLink

KINDS = ("related", "duplicate", "parent")
DEEPEST = 50
Seen = Literal["related", "duplicate_of", "duplicated_by", "parent", "child"]


@dataclass(frozen=True, slots=True)
class Linked:
    """A link as one of its two cases sees it: what ``case`` is to it."""

    link_id: int
    seen_as: Seen
    case: Case


def linked_cases(case_id: int, limit: int = 100) -> list[Linked]:
    """What a case is linked with, in the order it was made; two-way."""
    query = select(CaseLink).where(or_(CaseLink.case_id == case_id, CaseLink.other_id == case_id))
    rows = db.session.scalars(
        query.options(joinedload(CaseLink.case), joinedload(CaseLink.other)).order_by(CaseLink.id).limit(limit)
    )
    return [_seen_from(row, case_id) for row in rows]


def _seen_from(row: CaseLink, case_id: int) -> Linked:
    ways: dict[str, tuple[Seen, Seen]] = {
        "duplicate": ("duplicate_of", "duplicated_by"),
        "parent": ("parent", "child"),
    }
    mine = row.case_id == case_id
    here, there = ways.get(row.kind, ("related", "related"))
    return Linked(row.id, here if mine else there, row.other if mine else row.case)


def link(case_id: int, other_id: int, kind: str, user_id: int | None) -> int:
    """Link two cases; returns the link's id, the old one when they are linked so already.

    ``duplicate``: the first is a duplicate of the second and carries the flag. ``parent``: the second is the parent.
    Raises ``Rejected``: ``link-kind``, ``link-to-itself``, ``case-unknown``, ``link-circle``, ``parent-exists``.
    """
    if kind not in KINDS:
        raise Rejected(Text("There is no such kind of link", "Такой связи нет"), "link-kind")
    if case_id == other_id:
        words = Text("A case cannot be linked to itself", "Запрос нельзя связать с самим собой")
        raise Rejected(words, "link-to-itself")
    with transaction():
        # Held in the order of their ids, so that two agents linking the same pair cannot wait for each other.
        held = {each: case_changes.locked(each) for each in sorted((case_id, other_id))}
        case, other = held[case_id], held[other_id]
        if (same := _existing(case_id, other_id, kind)) is not None:
            return same
        if kind == "parent":
            _check_parent(case_id, other_id)
        if kind == "duplicate" and _existing(other_id, case_id, kind) is not None:
            words = Text("It is the other way round already", "Эти запросы уже связаны как дубликаты, только наоборот")
            raise Rejected(words, "link-circle")
        row = CaseLink(case_id=case_id, other_id=other_id, kind=kind, made_by_id=user_id)
        db.session.add(row)
        db.session.flush()
        _note(row, case, other, "case.linked", user_id)
        if kind == "duplicate" and not case.is_duplicate:
            casework.touch(case, cause="agent", is_duplicate=True)
        return row.id


def _existing(case_id: int, other_id: int, kind: str) -> int | None:
    pair = (CaseLink.case_id == case_id) & (CaseLink.other_id == other_id)
    if kind == "related":
        pair = pair | ((CaseLink.case_id == other_id) & (CaseLink.other_id == case_id))
    return db.session.scalar(select(CaseLink.id).where(pair, CaseLink.kind == kind).limit(1))


def _parent_of(case_id: int) -> int | None:
    query = select(CaseLink.other_id).where(CaseLink.case_id == case_id, CaseLink.kind == "parent")
    return db.session.scalar(query.limit(1))


def _check_parent(case_id: int, parent_id: int) -> None:
    if _parent_of(case_id) is not None:
        words = Text(
            "The case has a parent: remove that link first", "У запроса уже есть родительский: уберите ту связь"
        )
        raise Rejected(words, "parent-exists")
    above: int | None = parent_id
    for _step in range(DEEPEST):
        if above is None:
            return
        if above == case_id:
            break
        above = _parent_of(above)
    words = Text("That case lies below this one", "Тот запрос сам подчинён этому")
    raise Rejected(words, "link-circle")


def unlink(link_id: int, user_id: int | None) -> None:
    """Remove a link; the last duplicate link takes the flag with it. Raises ``Rejected`` (``link-unknown``) when it is gone."""
    with transaction():
        row = db.session.get(CaseLink, link_id, options=[joinedload(CaseLink.case), joinedload(CaseLink.other)])
        gone = delete(CaseLink).where(CaseLink.id == link_id).execution_options(synchronize_session=False)
        if row is None or db.session.execute(gone).rowcount == 0:  # type: ignore[attr-defined]
            raise Rejected(Text("This link is gone already", "Этой связи уже нет"), "link-unknown")
        case, other = row.case, row.other
        db.session.expunge(row)
        _note(row, case, other, "case.unlinked", user_id)
        others = select(CaseLink.id).where(CaseLink.case_id == case.id, CaseLink.kind == "duplicate").limit(1)
        if row.kind == "duplicate" and db.session.scalar(others) is None:
            casework.touch(case, cause="agent", is_duplicate=False)


def _note(row: CaseLink, case: Case, other: Case, kind: str, user_id: int | None) -> None:
    for one, two in ((case, other), (other, case)):
        seen_as = _seen_from(row, one.id).seen_as
        timeline.write(one.id, kind, actor_id=user_id, number=two.number, other_id=two.id, seen_as=seen_as)
        casework.touch(one, cause="agent")
        casework.tell(one, "links")
