"""The editor of an article: its page, the lock, saving while one types, and what is done with the text in the end.

Its scripts speak JSON: a refusal is ``{"error": {"code", "text"}}``, with the other text where two have met.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, jsonify, make_response, render_template, request, url_for
from flask_babel import get_timezone
from sqlalchemy import select

from core.contracts import Rejected, Text
from core.db import db
from core.house import okno
from core.model import Service, User
from core.permissions import allowed, holders, require
from core.variables import CURSOR
from core.web import drawing
from core.web.language import here
from plugins.kb import markup, reading
from plugins.kb.editing.preview import shown as draw_preview
from plugins.kb.models import Article, WorkingCopy
from plugins.kb.use.focus import viewer
from plugins.kb.writing import article_fields, article_files, articles, locks, operations, working_copies

EVERY_FIELD = {
    "title": "", "folder_id": None, "question": "", "keywords": [], "sections": [], "notes": "", "tags": [], "products": [],
    "services": [], "public": False, "owner": None, "review_at": None, "expires_at": None, "related": [],
}  # fmt: skip


def found(number: int) -> Article:
    """The article with this number, or 404."""
    article = reading.by_number(number)
    if article is None:
        abort(404)
    return article


def answered(view: Callable[..., Response]) -> Callable[..., Response]:
    """Refusals as JSON; where two texts have met, the other one goes along."""

    @wraps(view)
    def answering(*args: Any, **values: Any) -> Response:
        try:
            return view(*args, **values)
        except working_copies.CopyChanged as refusal:
            return _refused(refusal, 409, theirs=_shown_fields(refusal.copy.fields), revision=refusal.copy.revision)
        except articles.EditedMeanwhile as refusal:
            return _refused(refusal, 409, theirs=_shown_fields(article_fields.snapshot(refusal.article)))
        except locks.LockLost as refusal:
            return _refused(refusal, 423, holder=_holder(refusal.holder))
        except Rejected as refusal:
            return _refused(refusal, 422)

    return answering


def _refused(refusal: Rejected, status: int, **more: Any) -> Response:
    error = {"code": refusal.code, "text": refusal.text.to(here())}
    return make_response(jsonify(error=error, **more), status)


def _shown_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {"title": fields.get("title", ""), "sections": fields.get("sections", [])}


def _holder(holder: locks.Holder | None) -> dict[str, Any] | None:
    if holder is None:
        return None
    return {"mine": holder.mine, "name": holder.name, "since": drawing.moment(holder.since)}


# --- the page ----------------------------------------------------------------------------------------


@require("kb.edit")
def new() -> str:
    """An article still to be written, or one that was begun (``copy``)."""
    copy = working_copies.find(request.args.get("copy", 0, type=int), viewer().id) if "copy" in request.args else None
    sections = [
        {"key": key, "title": operations.SECTION_TITLES[key].to(here()), "html": ""} for key in ("solution", "reply")
    ]
    fields = EVERY_FIELD | {"language": here(), "folder_id": request.args.get("folder", type=int), "sections": sections}
    fields["owner"] = viewer().login
    return _draw(None, fields | (copy.fields if copy else {}), copy)


@require("kb.edit")
def edit(number: int) -> str:
    """The article as it is being written: its working copy, else what is saved."""
    article = found(number)
    copy = working_copies.of(article.id)
    return _draw(article, working_copies.fields_of(article, copy), copy)


def _draw(article: Article | None, fields: dict[str, Any], copy: WorkingCopy | None) -> str:
    fields["sections"] = fields["sections"] or [
        {"key": "solution", "title": operations.SECTION_TITLES["solution"].to(here()), "html": "", "markdown": None}
    ]
    return render_template(
        "kb/edit.html",
        article=article,
        fields=fields,
        copy=copy,
        folders=reading.flat(reading.tree()),
        services=list(db.session.scalars(select(Service).where(Service.active).order_by(Service.id))),
        tag_names=reading.tag_names(),
        products=_products(),
        owners=_owners(fields.get("owner")),
        translations=_translations(article),
        text_of=plain_html,
        files=article_files.attached(article.id) if article else article_files.of_ids(fields.get("files", [])),
        local=_local,
        section_titles=operations.SECTION_TITLES,
        variables=(*sorted(okno().variables), CURSOR),
        limit=int(okno().config.get("kb.article_max_kb")),
        may_publish=allowed(viewer(), "kb.publish"),
        heartbeat=locks.HEARTBEAT_SECONDS,
    )


def _products() -> list[str]:
    rows = db.session.scalars(select(Article.products).where(Article.status == "published").limit(2000))
    return sorted({name for names in rows for name in names})


def _owners(chosen: str | None) -> list[User]:
    query = select(User).where(User.id.in_(holders("kb.edit")), User.disabled_at.is_(None))
    people = list(db.session.scalars(query.order_by(User.last_name, User.first_name)))
    if chosen and chosen not in {person.login for person in people}:
        people += db.session.scalars(select(User).where(User.login == chosen))
    return people


def _translations(article: Article | None) -> dict[str, Article]:
    if article is None or article.group_id is None:
        return {}
    rows = db.session.scalars(select(Article).where(Article.group_id == article.group_id))
    return {row.language: row for row in rows}


def _zone() -> Any:
    return get_timezone() or ZoneInfo("UTC")


def _local(value: Any, days: bool = True) -> str:
    """A stored moment for a date field, in the viewer's zone."""
    at = article_fields.moment(value)
    return at.astimezone(_zone()).strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M") if at else ""


# --- the lock ----------------------------------------------------------------------------------------


@require("kb.edit")
@answered
def lock(number: int) -> Response:
    """This window begins to edit, or takes the article over (``over``). Says who has it, and which revision is saved."""
    article, token = found(number), _token()
    act = locks.take_over if request.form.get("over") else locks.take
    holder = act(article.id, viewer().id, token)
    copy = working_copies.of(article.id)
    return jsonify(holder=_holder(holder), revision=copy.revision if copy else 0, version=article.version)


@require("kb.edit")
@answered
def beat(number: int) -> Response:
    """This window still edits."""
    return jsonify(holder=_holder(locks.beat(found(number).id, _token())))


@require("kb.edit")
def unlock(number: int) -> Response:
    """This window was left."""
    locks.release(found(number).id, _token())
    return Response(status=204)


def _token() -> str:
    return str(request.form.get("token") or _sent().get("token", ""))[: locks.TOKEN_MOST] or abort(400)


# --- what is typed -----------------------------------------------------------------------------------


def _sent() -> dict[str, Any]:
    """The body of the request: an object."""
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _fields() -> dict[str, Any]:
    """The fields as the page sends them; dates are days in the viewer's zone."""
    fields = _sent().get("fields")
    if not isinstance(fields, dict):
        abort(400)
    kept = {name: fields[name] for name in (*EVERY_FIELD, "language", "files") if name in fields}
    for name in ("review_at", "expires_at"):
        if name in kept:
            kept[name] = moment_of(kept[name])
    _check_shapes(kept)
    return kept


def _check_shapes(fields: dict[str, Any]) -> None:
    """400 for what only a broken client sends."""
    lists = ("keywords", "tags", "products", "services", "related", "sections", "files")
    texts = ("title", "question", "notes", "language")
    right = all(isinstance(fields.get(name, []), list) for name in lists)
    right = right and all(isinstance(fields.get(name, ""), str) for name in texts)
    right = right and all(isinstance(part, dict) for part in fields.get("sections", []))
    folder_id = fields.get("folder_id")
    if not right or not (folder_id is None or isinstance(folder_id, int)):
        abort(400)


def moment_of(text: Any) -> str | None:
    """A date field's value in the viewer's zone as ISO 8601; None for nothing. Raises ``Rejected`` (``moment-wrong``)."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise Rejected(
            Text("This is not a date: use 2026-05-31", "Это не дата: нужно 2026-05-31"), "moment-wrong"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=_zone())).isoformat()


def _kept(copy: WorkingCopy) -> dict[str, Any]:
    size = article_fields.size(copy.fields.get("sections", []), copy.fields.get("notes", ""))
    return {"revision": copy.revision, "copy_id": copy.id, "saved": drawing.moment(copy.at, "time"), "size": size}


@require("kb.edit")
@answered
def keep(number: int) -> Response:
    """Save what is typed; nobody but editors sees it."""
    sent = _sent()
    copy = working_copies.save(found(number).id, viewer().id, _token(), _whole(sent.get("revision")), _fields())
    return jsonify(_kept(copy))


@require("kb.edit")
@answered
def keep_new() -> Response:
    """Save what is typed of an article still to be written."""
    sent = _sent()
    copy_id = _whole(sent.get("copy_id")) or None
    return jsonify(_kept(working_copies.save_new(copy_id, viewer().id, _whole(sent.get("revision")), _fields())))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0


# --- what is done with it ----------------------------------------------------------------------------


@require("kb.edit")
@answered
def finish(number: int) -> Response:
    """Save, publish now or later, send to review: what was typed last has been kept before."""
    article, sent = found(number), _sent()
    act, note, over = str(sent.get("act")), str(sent.get("note", "")), bool(sent.get("over"))
    user = viewer()
    if act in ("publish", "schedule") and not allowed(user, "kb.publish"):
        abort(403)
    if act == "publish":
        working_copies.publish(article.id, user.id, note=note, over=over)
    elif act == "schedule":
        at = article_fields.moment(moment_of(sent.get("at")))
        if at is None:
            raise Rejected(Text("Choose the day and hour", "Выберите день и час"), "moment-wrong")
        working_copies.schedule(article.id, user.id, at)
    elif act == "review":
        working_copies.submit(article.id, user.id, note)
    else:
        working_copies.apply(article.id, user.id, note=note, over=over)
    locks.release(article.id, _token())
    return jsonify(url=url_for("kb.article", number=number))


@require("kb.edit")
@answered
def finish_new() -> Response:
    """The article that was written: a draft, published, or sent to review."""
    sent, user = _sent(), viewer()
    act = str(sent.get("act"))
    if act == "publish" and not allowed(user, "kb.publish"):
        abort(403)
    status = "published" if act == "publish" else "draft"
    article = working_copies.create_from(_whole(sent.get("copy_id")), user.id, status=status)
    if act == "review":
        working_copies.submit(article.id, user.id, str(sent.get("note", "")))
    return jsonify(url=url_for("kb.article", number=article.number))


@require("kb.edit")
@answered
def discard(number: int) -> Response:
    """Give up what was typed since the article was saved."""
    article = found(number)
    working_copies.discard(article.id, viewer().id, _token())
    locks.release(article.id, _token())
    return jsonify(url=url_for("kb.article", number=number))


@require("kb.edit")
@answered
def discard_new(copy_id: int) -> Response:
    """Give up an article still to be written."""
    working_copies.discard_new(copy_id, viewer().id)
    return jsonify(url=url_for("kb.index"))


@require("kb.edit")
@answered
def translate(number: int) -> Response:
    """The translation into ``language``, made as a draft where there is none."""
    row = operations.translation(found(number).id, viewer().id, request.form.get("language", ""))
    return jsonify(url=url_for("kb.edit", number=row.number))


@require("kb.publish")
def approve(number: int) -> Response:
    """Publish what waits for review, or the draft as it is."""
    return opened(working_copies.publish(found(number).id, viewer().id))


@require("kb.publish")
def give_back(number: int) -> Response:
    """Return what waits for review with a note."""
    article = found(number)
    working_copies.give_back(article.id, viewer().id, request.form.get("note", ""))
    return opened(article)


@require("kb.publish")
def set_status(number: int) -> Response:
    """Withdraw, archive, or take out of the archive."""
    return opened(operations.set_status(found(number).id, viewer().id, request.form.get("status", "")))


def opened(article: Article) -> Response:
    """204 that leads this tab to the article."""
    events = {"kb:saved": {"url": url_for("kb.article", number=article.number)}}
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**events)})


@require("kb.edit")
@answered
def preview() -> Response:
    """The sections as an agent sees them, with the variables of a case (``case``: its number) filled in."""
    parts = _fields().get("sections", [])
    return jsonify(html=draw_preview(parts, str(_sent().get("case", "")), viewer()))


def plain_html(section: dict[str, Any]) -> str:
    """A section's HTML for the editor: Markdown is rendered."""
    source = section.get("markdown")
    return markup.from_markdown(source) if source is not None else str(section.get("html", ""))
