"""Versions, files, ratings, comments and candidates in the REST API."""

from __future__ import annotations

from typing import Any

from flask import Response, abort
from marshmallow import Schema
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core import storage
from core.api import fields as f
from core.api.auth import me
from core.api.errors import Problem
from core.api.paging import Order, Page, PageQuery, page
from core.api.shapes import PersonRefShape
from core.contracts import FileIn, Text
from core.db import db
from core.permissions import allowed
from plugins.kb.api import EDIT, READ, found_article, resource
from plugins.kb.models import CANDIDATE_STATES, Article, ArticleFile, Candidate, Comment, Version
from plugins.kb.readers import feedback
from plugins.kb.writing import article_files

NEWEST_VERSION = Order("article-versions", ((Version.version, True),))
NEWEST_COMMENT = Order("article-comments", ((Comment.id, True),))
NEWEST_CANDIDATE = Order("knowledge-candidates", ((Candidate.id, True),))
COMMENT_STATES = (feedback.OPEN, feedback.ANSWERED, feedback.RESOLVED)


class VersionShape(Schema):
    """What an article said from a version on."""

    version = f.out_number()
    status = f.out_text()
    note = f.out_text()
    content = f.out_object(Text("All fields by name", "Все поля по именам"))
    user = f.out(PersonRefShape, null=True)
    at = f.out_moment()


class FileShape(Schema):
    id = f.out_number()
    name = f.out_text()
    content_type = f.out_text()
    inline = f.out_flag(Text("It stands in the text", "Стоит в тексте"))
    size = f.out_number()


class OpinionShape(Schema):
    """How many readers found an article helpful, and what the caller said."""

    helpful = f.out_number()
    unhelpful = f.out_number()


class OpinionInput(f.Input):
    helpful = f.flag(required=True)


class CommentShape(Schema):
    id = f.out_number()
    number = f.out_number(Text("The article", "Статья"))
    text = f.out_text()
    state = f.out_text(Text("open, answered or resolved", "open, answered или resolved"))
    answer = f.out_text()
    user = f.out(
        PersonRefShape,
        Text("Nobody for visitors of the help centre", "Пусто у посетителей справочного центра"),
        null=True,
    )
    at = f.out_moment()


class CommentInput(f.Input):
    text = f.text(feedback.COMMENT_MOST, required=True, least=1)


class CommentQuery(PageQuery):
    state = f.asked(f.word(COMMENT_STATES))


class CandidateShape(Schema):
    id = f.out_number()
    case_id = f.out_number()
    state = f.out_text(Text("open, drafted, published or declined", "open, drafted, published или declined"))
    note = f.out_text()
    reason = f.out_text()
    user = f.out(PersonRefShape, null=True)
    number = f.out_number(Text("The article that came of it", "Получившаяся статья"), null=True)
    at = f.out_moment()


class CandidateQuery(PageQuery):
    state = f.asked(f.word(CANDIDATE_STATES))


@resource.get(
    "/articles/<id:number>/versions",
    Text("Versions of an article", "Версии статьи"),
    query=PageQuery,
    answer=VersionShape,
    paged=True,
    **EDIT,
)
def list_versions(number: int, query: dict[str, Any]) -> Page:
    """Newest first, with all fields."""
    statement = select(Version).where(Version.article_id == found_article(number).id).options(joinedload(Version.user))
    found = page(statement, NEWEST_VERSION, query, lambda row: (row.version,))
    names = ("version", "status", "note", "user", "at")
    rows = [{**{name: getattr(row, name) for name in names}, "content": row.fields} for row in found.rows]
    return Page(rows, found.cursor)


@resource.get(
    "/articles/<id:number>/files", Text("Files of an article", "Файлы статьи"), answer=FileShape, many=True, **READ
)
def list_files(number: int) -> list[dict[str, Any]]:
    """Attachments and pictures, in the order they came."""
    query = select(ArticleFile).where(ArticleFile.article_id == found_article(number).id)
    rows = db.session.scalars(query.options(joinedload(ArticleFile.file)).order_by(ArticleFile.id))
    return [_file(row) for row in rows]


def _file(row: ArticleFile) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "name", "content_type", "inline")}
    return {**told, "size": row.file.size}


@resource.post(
    "/articles/<id:number>/files",
    Text("Attach a file to an article", "Приложить файл к статье"),
    files=True,
    answer=FileShape,
    status=201,
    **EDIT,
)
def attach_file(number: int, files: tuple[FileIn, ...] = ()) -> dict[str, Any]:
    """One file as ``multipart/form-data`` in ``files``."""
    article = found_article(number)
    if len(files) != 1:
        raise Problem(422, "file-missing", Text("Send one file in «files».", "Отправьте один файл в «files»."))
    return _file(article_files.add(article.id, me().id, files[0], picture=False))


@resource.get("/article-files/<id:file_id>", Text("A file of an article", "Файл статьи"), download=True, **READ)
def download_article_file(file_id: int) -> Response:
    """As it was sent, never to be shown in a browser."""
    row = db.session.get(ArticleFile, file_id)
    article = db.session.get(Article, row.article_id) if row and row.article_id else None
    if row is None or article is None or (article.status != "published" and not allowed(me(), "kb.edit")):
        abort(404)
    try:
        answer = Response(storage.get(row.sha256), mimetype="application/octet-stream")
    except FileNotFoundError:
        abort(404)
    answer.headers.set("Content-Disposition", "attachment", filename=row.name)
    return answer


@resource.get(
    "/articles/<id:number>/rating", Text("Ratings of an article", "Оценки статьи"), answer=OpinionShape, **READ
)
def get_rating(number: int) -> feedback.Opinion:
    """Of agents and customers together."""
    return feedback.opinion(found_article(number).id)


@resource.put(
    "/articles/<id:number>/rating",
    Text("Rate an article", "Оценить статью"),
    body=OpinionInput,
    answer=OpinionShape,
    **READ,
)
def put_rating(number: int, body: dict[str, Any]) -> feedback.Opinion:
    """The caller's own; a second one replaces the first."""
    article = found_article(number)
    feedback.rate(article, feedback.agent_key(me().id), body["helpful"], me().id)
    return feedback.opinion(article.id)


@resource.post(
    "/articles/<id:number>/comments",
    Text("Comment on an article", "Прокомментировать статью"),
    body=CommentInput,
    answer=CommentShape,
    status=201,
    **READ,
)
def add_comment(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """Goes to the author."""
    return _comment(feedback.comment(found_article(number), body["text"], me().id))


def _comment(row: Comment) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "text", "state", "answer", "user", "at")}
    return {**told, "number": row.article.number}


@resource.get(
    "/article-comments",
    Text("Comments on articles", "Комментарии к статьям"),
    query=CommentQuery,
    answer=CommentShape,
    paged=True,
    **EDIT,
)
def list_comments(query: dict[str, Any]) -> Page:
    """Newest first."""
    statement = select(Comment).options(joinedload(Comment.user), joinedload(Comment.article))
    if "state" in query:
        statement = statement.where(Comment.state == query["state"])
    found = page(statement, NEWEST_COMMENT, query, lambda row: (row.id,))
    return Page([_comment(row) for row in found.rows], found.cursor)


@resource.get(
    "/knowledge-candidates",
    Text("Knowledge candidates", "Кандидаты в знания"),
    query=CandidateQuery,
    answer=CandidateShape,
    paged=True,
    **EDIT,
)
def list_candidates(query: dict[str, Any]) -> Page:
    """Newest first."""
    statement = select(Candidate).options(joinedload(Candidate.user), selectinload(Candidate.article))
    if "state" in query:
        statement = statement.where(Candidate.state == query["state"])
    found = page(statement, NEWEST_CANDIDATE, query, lambda row: (row.id,))
    names = ("id", "case_id", "state", "note", "reason", "user", "at")
    return Page(
        [
            {**{name: getattr(row, name) for name in names}, "number": row.article.number if row.article else None}
            for row in found.rows
        ],
        found.cursor,
    )
