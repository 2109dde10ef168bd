"""The visitor's page shown to the agent: asked for by the visitor, accepted by the agent, ended by either.

What the page sends is kept in order only while it is shown, and no further back than the last whole picture of it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from core import casework, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from plugins.chat.media.call_rules import rule_of
from plugins.chat.media.calls import OTHER, Party, Side, open_chat
from plugins.chat.models import Cobrowse, CobrowsePiece
from plugins.chat.telling import topic_of

WAIT_SECONDS = 120
WINDOW_SECONDS = 5
WINDOW_PIECES = 60
PAGE = 50
OVER = Text("The page is not shown any more", "Страница больше не показывается")


def offer(interaction_id: int, party: Party, page: str) -> Cobrowse:
    """The visitor asks the agent to look at the page; the same again while it is open gives the open one.

    Raises ``Rejected``: ``call-impossible`` without an agent in the chat, ``cobrowse-not-allowed`` by the service's rule.
    """
    with transaction():
        interaction = open_chat(interaction_id, party)
        if not rule_of(interaction.service_id).cobrowse:
            words = Text("This service does not look at pages", "Этот сервис не просматривает страницы")
            raise Rejected(words, "cobrowse-not-allowed")
        if (same := open_one(interaction_id)) is not None:
            return same
        assert interaction.agent_id is not None
        row = Cobrowse(
            interaction_id=interaction_id,
            visitor_id=interaction.address,
            agent_id=interaction.agent_id,
            page=page.strip()[:300],
        )
        db.session.add(row)
        db.session.flush()
        tell(row, "offered")
        return row


def accept(cobrowse_id: int, party: Party) -> Cobrowse:
    """The agent looks. Raises ``Rejected`` (``cobrowse-over``) when it was withdrawn or is looked at already."""
    with transaction():
        row = _mine(cobrowse_id, party)
        if row.state != "offered" or party.side != "agent":
            raise Rejected(OVER, "cobrowse-over")
        row.state, row.accepted_at = "active", now()
        db.session.flush()
        tell(row, "accepted")
        return row


def end(cobrowse_id: int, party: Party) -> None:
    """Either side ends it, or declines or withdraws; one that is over stays as it is."""
    with transaction():
        row = _locked(cobrowse_id)
        if row is None or not party.owns(row):
            raise Rejected(OVER, "cobrowse-over")
        _end(row, "ended" if row.state == "active" else "declined", party.side)


def _end(row: Cobrowse, reason: str, by: str = "") -> None:
    if row.state == "ended":
        return
    shown = row.state == "active"
    row.state, row.ended_at, row.ended_by, row.reason = "ended", now(), by, reason
    db.session.execute(delete(CobrowsePiece).where(CobrowsePiece.cobrowse_id == row.id))
    db.session.flush()
    if shown:
        _write_down(row)
    tell(row, "ended")


def _write_down(row: Cobrowse) -> None:
    assert row.accepted_at is not None and row.ended_at is not None
    seconds = int((row.ended_at - row.accepted_at).total_seconds())
    lasted = f"{seconds // 60}:{seconds % 60:02}"
    words = {"title_en": f"The visitor showed a page, {lasted}", "title_ru": f"Посетитель показывал страницу, {lasted}"}
    timeline.write(row.interaction.case_id, "chat.cobrowse", interaction_id=row.interaction_id, **words)
    casework.tell(row.interaction.case, "cobrowse")


def add_piece(cobrowse_id: int, party: Party, key: str, recorded: list[dict[str, Any]]) -> int:
    """Keep some events of the page and tell the agent; the same ``key`` again changes nothing. Returns the piece's id.

    Raises ``Rejected``: ``cobrowse-over``, ``cobrowse-too-large`` (the page is then not shown any more), ``flood``, ``invalid``.
    """
    if not (1 <= len(key) <= 60) or not recorded or not all(isinstance(event, dict) for event in recorded):
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    data = json.dumps(recorded, ensure_ascii=False, separators=(",", ":"))
    size = len(data.encode())
    with transaction():
        row = _mine(cobrowse_id, party)
        if row.state != "active":
            raise Rejected(OVER, "cobrowse-over")
        kept = select(CobrowsePiece.id).where(CobrowsePiece.cobrowse_id == row.id, CobrowsePiece.key == key)
        if (same := db.session.scalar(kept)) is not None:
            return same
        large = _too_large(row, size)
        if large:
            _end(row, "too-large")
        else:
            return _keep(row, key, data, size, any(event.get("type") == FULL_SNAPSHOT for event in recorded))
    raise Rejected(_LARGE, "cobrowse-too-large")


# rrweb's EventType.FullSnapshot: everything before it is not needed to draw what comes after it.
FULL_SNAPSHOT = 2
_LARGE = Text("The page is too large to be shown", "Страница слишком велика для показа")


def _too_large(row: Cobrowse, size: int) -> bool:
    config = okno().config
    return size > config.get("chat.cobrowse_piece_mb") << 20 or row.size + size > config.get("chat.cobrowse_mb") << 20


def _keep(row: Cobrowse, key: str, data: str, size: int, snapshot: bool) -> int:
    if now() - row.window_at > timedelta(seconds=WINDOW_SECONDS):
        row.window_at, row.window_pieces = now(), 0
    if row.window_pieces >= WINDOW_PIECES:
        words = Text(
            "That was too fast. Wait a few seconds and send again.",
            "Слишком быстро. Подождите несколько секунд и повторите.",
        )
        raise Rejected(words, "flood")
    row.window_pieces += 1
    row.size += size
    piece = CobrowsePiece(cobrowse_id=row.id, key=key, snapshot=snapshot, data=data)
    db.session.add(piece)
    db.session.flush()
    if snapshot:
        old = delete(CobrowsePiece).where(CobrowsePiece.cobrowse_id == row.id, CobrowsePiece.id < piece.id)
        db.session.execute(old)
    events.publish(
        f"user:{row.agent_id}", "chat.cobrowse", {"kind": "piece", "cobrowse": {"id": row.id}, "piece": piece.id}
    )
    return piece.id


def pieces(cobrowse_id: int, party: Party, after: int = 0) -> list[CobrowsePiece]:
    """The kept pieces with a greater id than ``after``, at most fifty, in order. Raises ``Rejected`` (``cobrowse-over``)."""
    find(cobrowse_id, party)
    query = select(CobrowsePiece).where(CobrowsePiece.cobrowse_id == cobrowse_id, CobrowsePiece.id > after)
    return list(db.session.scalars(query.order_by(CobrowsePiece.id).limit(PAGE)))


def point(cobrowse_id: int, party: Party, x: float, y: float, pressed: bool) -> None:
    """Show the visitor where the agent points: ``x`` and ``y`` in pixels of the visitor's view. Raises ``Rejected``."""
    with transaction():
        row = find(cobrowse_id, party)
        if row.state != "active" or party.side != "agent":
            raise Rejected(OVER, "cobrowse-over")
        place = {"x": round(x, 1), "y": round(y, 1), "pressed": pressed}
        payload = {"kind": "pointer", "cobrowse": {"id": row.id}, **place}
        events.publish(topic_of(row.visitor_id), "chat.cobrowse", payload)


def end_with_chat(interaction_id: int) -> None:
    """The chat is over or somebody else's: its page is not shown any more."""
    with transaction():
        row = open_one(interaction_id)
        if row is None:
            return
        if row.interaction.state != "active" or row.interaction.agent_id != row.agent_id:
            _end(row, "left")


def end_unanswered() -> None:
    """What no agent has looked at within two minutes is withdrawn; a job of the worker."""
    old = now() - timedelta(seconds=WAIT_SECONDS)
    due = select(Cobrowse.id).where(Cobrowse.ended_at.is_(None), Cobrowse.state == "offered", Cobrowse.created_at < old)
    for cobrowse_id in db.session.scalars(due).all():
        with transaction():
            row = _locked(cobrowse_id)
            if row is not None and row.state == "offered":
                _end(row, "missed")


def open_one(interaction_id: int) -> Cobrowse | None:
    """The shown page of a chat, as it is now."""
    query = select(Cobrowse).where(Cobrowse.interaction_id == interaction_id, Cobrowse.ended_at.is_(None))
    found: Cobrowse | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def pages_of(user_id: int) -> list[Cobrowse]:
    """The open ones of an agent."""
    query = select(Cobrowse).where(Cobrowse.agent_id == user_id, Cobrowse.ended_at.is_(None))
    return list(db.session.scalars(query.options(joinedload(Cobrowse.interaction)).order_by(Cobrowse.id)))


def find(cobrowse_id: int, party: Party) -> Cobrowse:
    """The party's, over or not. Raises ``Rejected`` (``cobrowse-over``)."""
    row = db.session.get(Cobrowse, cobrowse_id, populate_existing=True)
    if row is None or not party.owns(row):
        raise Rejected(OVER, "cobrowse-over")
    return row


def _locked(cobrowse_id: int) -> Cobrowse | None:
    query = select(Cobrowse).where(Cobrowse.id == cobrowse_id).with_for_update()
    row: Cobrowse | None = db.session.scalar(query.execution_options(populate_existing=True))
    return row


def _mine(cobrowse_id: int, party: Party) -> Cobrowse:
    row = _locked(cobrowse_id)
    if row is None or row.state == "ended" or not party.owns(row):
        raise Rejected(OVER, "cobrowse-over")
    return row


def view(row: Cobrowse) -> dict[str, Any]:
    """One as pages see it."""
    return {
        "id": row.id,
        "interaction_id": row.interaction_id,
        "case_id": row.interaction.case_id,
        "state": row.state,
        "page": row.page,
        "reason": row.reason,
        "ended_by": row.ended_by,
    }


def tell(row: Cobrowse, kind: str) -> None:
    """Publish what has become of it to both sides, in the open transaction."""
    topics: dict[Side, str] = {"visitor": topic_of(row.visitor_id), "agent": f"user:{row.agent_id}"}
    for side in OTHER:
        events.publish(topics[side], "chat.cobrowse", {"kind": kind, "cobrowse": view(row)})
