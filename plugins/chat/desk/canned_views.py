"""Canned replies written and put in order: one's own from the desk, those of teams and of all from the admin menu."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, render_template, request, url_for
from sqlalchemy import select

from core.contracts import Rejected, Text
from core.db import db
from core.model import Team, TeamMember
from core.permissions import allowed, require
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.chat.desk import canned
from plugins.chat.desk.canned import Whose
from plugins.chat.desk.views import blueprint
from plugins.chat.models import Canned

EXAMPLE = Text("Hello, %F! My name is %AF.", "Здравствуйте, %F! Меня зовут %AF.")


@blueprint.get("/canned/all")
@require("case.reply")
def canned_list() -> str:
    """All that one may insert, by section."""
    return _page()


def _page(trouble: str = "", typed: dict[str, Any] | None = None, edited: Canned | None = None) -> str:
    user = signed_in()
    manages = allowed(user, canned.PERMISSION)
    teams = list(db.session.scalars(select(Team).order_by(Team.id))) if manages else _teams(user.id)
    return render_template(
        "chat/canned_list.html",
        replies=canned.visible(user.id),
        sections=canned.sections(user.id),
        teams=teams if manages else [],
        manages=manages,
        edited=edited,
        trouble=trouble,
        typed=typed or {},
        example=EXAMPLE.to(here()),
    )


def _teams(user_id: int) -> list[Team]:
    mine = select(Team).join(TeamMember, TeamMember.team_id == Team.id).where(TeamMember.user_id == user_id)
    return list(db.session.scalars(mine.order_by(Team.id)))


@blueprint.get("/canned/<int:canned_id>")
@require("case.reply")
def canned_edit(canned_id: int) -> str | Response:
    """One in the form."""
    row = db.session.get(Canned, canned_id)
    if row is None or canned_id not in {one.id for one in canned.visible(signed_in().id)}:
        return _back()
    return _page(edited=row)


@blueprint.post("/canned")
@require("case.reply")
def canned_add() -> str | Response:
    """A new one."""
    values = _posted()
    return _attempt(
        lambda by: canned.add(
            values["title"],
            values["html"],
            _whose(values["whose"], by),
            section_id=values["section_id"],
            position=values["position"],
            by_id=by,
        ),
        values,
    )


@blueprint.post("/canned/<int:canned_id>")
@require("case.reply")
def canned_change(canned_id: int) -> str | Response:
    """Change it, or take it away with ``remove``."""
    if "remove" in request.form:
        return _attempt(lambda by: canned.remove(canned_id, by), {})
    values = _posted()
    return _attempt(
        lambda by: canned.change(
            canned_id,
            values["title"],
            values["html"],
            section_id=values["section_id"],
            position=values["position"],
            by_id=by,
        ),
        values,
        db.session.get(Canned, canned_id),
    )


@blueprint.post("/canned/sections")
@require("case.reply")
def canned_section_add() -> str | Response:
    """A new section."""
    values = _posted()
    return _attempt(
        lambda by: canned.add_section(
            values["title"], _whose(values["whose"], by), parent_id=values["section_id"], by_id=by
        ),
        {},
    )


@blueprint.post("/canned/sections/<int:section_id>/remove")
@require("case.reply")
def canned_section_remove(section_id: int) -> str | Response:
    """A section with all in it."""
    return _attempt(lambda by: canned.remove_section(section_id, by), {})


def _posted() -> dict[str, Any]:
    plain = {name: request.form.get(name, "") for name in ("title", "html", "whose")}
    return {**plain, "section_id": _number("section_id") or None, "position": _number("position")}


def _number(name: str) -> int:
    value = request.form.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _whose(said: str, user_id: int) -> Whose:
    if said == "all":
        return Whose()
    kind, _, number = said.partition(":")
    if kind == "team" and number.isascii() and number.isdigit() and len(number) < 10:
        return Whose(team_id=int(number))
    if said in ("", "own"):
        return Whose(owner_id=user_id)
    raise Rejected(Text("Choose for whom it is", "Выберите, для кого ответ"), "canned-not-yours")


def _attempt(act: Any, values: dict[str, Any], edited: Canned | None = None) -> str | Response:
    try:
        act(signed_in().id)
    except Rejected as refusal:
        db.session.rollback()
        return _page(refusal.text.to(here()), values, edited)
    return _back()


def _back() -> Response:
    return redirect(url_for("chat_desk.canned_list"), 303)  # type: ignore[return-value]
