"""Writing articles: the editor page, saving, publishing, and the preview of Markdown."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select

from core.contracts import Rejected
from core.db import db
from core.model import Service
from core.permissions import require
from core.web import drawing
from core.web.language import here
from plugins.kb import markup, operations, reading
from plugins.kb.focus import viewer
from plugins.kb.models import Article

PREVIEW_CHARACTERS = 200_000


def _draw(
    article: Article | None, values: dict[str, Any], *, error: Rejected | None = None, theirs: Article | None = None
) -> str:
    return render_template(
        "kb/edit.html",
        article=article,
        values=values,
        error=error,
        theirs=theirs,
        folders=reading.flat(reading.tree()),
        services=list(db.session.scalars(select(Service).where(Service.active).order_by(Service.id))),
        tag_names=reading.tag_names(),
    )


@require("kb.edit")
def new() -> str:
    """An empty article in the folder one was looking at."""
    titles = operations.SECTION_TITLES
    sections = [{"key": key, "title": titles[key].to(here()), "source": ""} for key in ("solution", "reply")]
    folder_id = request.args.get("folder", type=int)
    return _draw(None, {"folder_id": folder_id, "language": here(), "sections": sections, "version": 0})


@require("kb.edit")
def edit(number: int) -> str:
    """The article as it is, for editing."""
    article = _found(number)
    return _draw(article, values_of(article))


def _found(number: int) -> Article:
    article = reading.by_number(number)
    if article is None:
        abort(404)
    return article


def values_of(article: Article) -> dict[str, Any]:
    """The form's values for a saved article."""
    return {
        "title": article.title,
        "folder_id": article.folder_id,
        "language": article.language,
        "question": article.question,
        "keywords": ", ".join(article.keywords),
        "tags": ", ".join(article.tags),
        "products": ", ".join(article.products),
        "services": [service.key for service in article.services],
        "public": article.public,
        "notes": article.notes,
        "version": article.version,
        "sections": [
            {**section, "source": section["markdown"] if section.get("markdown") is not None else section["html"]}
            for section in article.sections
        ],
    }


def _sent() -> dict[str, Any]:
    """The form as it was sent, in the shape of :func:`values_of`."""
    form = request.form
    parts = zip(
        form.getlist("section_key"), form.getlist("section_title"), form.getlist("section_source"), strict=False
    )
    return {
        **{
            name: form.get(name, "")
            for name in ("title", "language", "question", "keywords", "tags", "products", "notes")
        },
        "folder_id": form.get("folder_id", type=int),
        "services": form.getlist("services"),
        "public": "public" in form,
        "version": form.get("version", 0, type=int),
        "sections": [{"key": key, "title": title, "source": source} for key, title, source in parts],
    }


def _fields(values: dict[str, Any], before: Article | None) -> dict[str, Any]:
    fields = {
        name: values[name] for name in ("title", "language", "question", "notes", "folder_id", "services", "public")
    }
    fields |= {name: values[name].split(",") for name in ("keywords", "tags", "products")}
    kept = {section["key"]: section for section in before.sections} if before else {}
    fields["sections"] = [_section(section, kept.get(section["key"])) for section in values["sections"]]
    return fields


def _section(section: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """HTML that nobody touched stays HTML; everything else is Markdown, which may hold HTML."""
    untouched = (
        before is not None
        and before.get("markdown") is None
        and operations.many_lines(section["source"]) == before["html"]
    )
    return {"key": section["key"], "title": section["title"], ("html" if untouched else "markdown"): section["source"]}


def _opened(article: Article) -> Response:
    """204 that leads this tab to the article."""
    events = {"kb:saved": {"url": url_for("kb.article", number=article.number)}}
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**events)})


@require("kb.edit")
def create() -> Response | str:
    """A new article: a draft, or published at once."""
    values = _sent()
    try:
        status = "published" if request.form.get("then") == "publish" else "draft"
        return _opened(operations.create_article(viewer().id, _fields(values, None), status=status))
    except Rejected as error:
        return _draw(None, values, error=error)


@require("kb.edit")
def save(number: int) -> Response | str:
    """Save an edit. What the second of two editors wrote stays in the form, with the first one's text beside it."""
    article, values = _found(number), _sent()
    status = "published" if request.form.get("then") == "publish" else None
    try:
        return _opened(
            operations.update_article(
                article.id, viewer().id, values["version"], _fields(values, article), status=status
            )
        )
    except operations.EditedMeanwhile as error:
        theirs = _found(number)
        return _draw(theirs, {**values, "version": theirs.version}, error=error, theirs=theirs)
    except Rejected as error:
        return _draw(_found(number), values, error=error)


@require("kb.edit")
def set_status(number: int) -> Response:
    """Publish, withdraw, archive."""
    return _opened(operations.set_status(_found(number).id, viewer().id, request.form.get("status", "")))


@require("kb.edit")
def markdown() -> str:
    """Markdown as agents will see it."""
    return shown(request.form.get("source", ""))


def shown(source: str) -> Markup:
    """The preview of one section's source."""
    return Markup(markup.with_chips(markup.linked(markup.from_markdown(source[:PREVIEW_CHARACTERS])), {}, ""))  # noqa: S704 -- sanitised
