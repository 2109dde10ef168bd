"""Articles in the REST API: read, search, write."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from marshmallow import Schema, fields
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core.api import fields as f
from core.api.auth import me
from core.api.errors import Problem
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import PersonRefShape
from core.contracts import SearchQuery, Text
from core.db import db, transaction
from core.permissions import allowed
from plugins.kb import reading
from plugins.kb.finding import index
from plugins.kb.models import KINDS, STATUSES, Article, ArticleTag, Folder, Tag
from plugins.kb.writing import operations

resource = Resource("articles", Text("Articles", "Статьи базы знаний"))
READ = {"permission": "kb.view"}
EDIT = {"permission": "kb.edit"}
BY_NUMBER = Order("articles", ((Article.number, False),))
CHANGED = Order("articles-changed", ((Article.updated_at, False), (Article.id, False)))


class FolderShape(Schema):
    id = f.out_number()
    parent_id = f.out_number(null=True)
    slug = f.out_text()
    title_en = f.out_text()
    title_ru = f.out_text()
    position = f.out_number()


class SectionShape(Schema):
    key = f.out_text()
    title = f.out_text()
    html = f.out_text()
    markdown = f.out_text(Text("The source, when it was Markdown", "Исходный текст, если это Markdown"), null=True)


class ArticleShape(Schema):
    id = f.out_number()
    number = f.out_number()
    title = f.out_text()
    question = f.out_text()
    slug = f.out_text()
    kind = f.out_text(Text("article or map", "article или map"))
    status = f.out_text(Text("draft, review, published or archived", "draft, review, published или archived"))
    language = f.out_text()
    public = f.out_flag()
    folder = f.out(FolderShape)
    sections = f.out(SectionShape, many=True)
    tags = f.out_list(fields.String())
    keywords = f.out_list(fields.String())
    products = f.out_list(fields.String())
    services = fields.Pluck("ServiceKeyShape", "key", many=True, required=True)
    notes = f.out_text()
    related = f.out_list(fields.Integer())
    group_id = f.out_number(Text("Translations of one another share it", "Общий у переводов"), null=True)
    owner = f.out(PersonRefShape, null=True)
    review_at = f.out_moment(null=True)
    reviewed_at = f.out_moment(null=True)
    publish_at = f.out_moment(null=True)
    expires_at = f.out_moment(null=True)
    published_at = f.out_moment(null=True)
    uses = f.out_number()
    version = f.out_number()
    updated_by = f.out(PersonRefShape, null=True)
    created_at = f.out_moment()
    updated_at = f.out_moment()


class ServiceKeyShape(Schema):
    key = f.out_text()


class ArticleHitShape(Schema):
    """A found article; the two texts are HTML with ``<mark>`` around what was looked for."""

    number = f.out_number()
    title_html = f.out_text()
    snippet_html = f.out_text()
    score = fields.Float(required=True)


class ArticleQuery(PageQuery):
    folder_id = f.asked(f.key())
    tag = f.asked(f.text(80))
    status = f.asked(f.word(STATUSES, Text("Others than published: for editors", "Кроме published — для редакторов")))
    updated_since = f.asked(
        f.moment(Text("Changed at this moment or later, in that order", "Изменены в этот момент или позже, по порядку"))
    )


class ArticleSearch(f.Query):
    q = f.asked(f.text(300, required=True, least=1))
    tag = f.asked(f.text(80))
    limit = f.asked(f.number(1, 50, load_default=20))


class SectionInput(f.Input):
    key = f.text(40)
    title = f.text(operations.SECTION_TITLE_MOST, load_default="")
    markdown = f.text(500_000, Text("Either markdown or html", "Либо markdown, либо html"))
    html = f.text(500_000)


class ArticleChanges(f.Input):
    folder_id = f.key()
    title = f.text(operations.TITLE_MOST, least=1)
    question = f.text(20_000)
    notes = f.text(20_000)
    language = f.word(operations.LANGUAGES)
    status = f.word(STATUSES)
    public = f.flag()
    slug = f.text(120)
    kind = f.word(KINDS)
    owner = f.text(80, Text("Login", "Логин"), allow_none=True)
    review_at = f.moment(allow_none=True)
    publish_at = f.moment(allow_none=True)
    expires_at = f.moment(allow_none=True)
    related = f.items(f.number(1, 999_999_999), 50, Text("Numbers", "Номера"))
    sections = f.items(f.StrictNested(SectionInput), operations.SECTIONS_MOST)
    tags = f.items(f.text(operations.TAG_MOST), 50)
    keywords = f.items(f.text(operations.TAG_MOST), 50)
    products = f.items(f.text(operations.TAG_MOST), 50)
    services = f.items(f.text(40), 100, Text("Keys", "Ключи"))


class ArticleInput(ArticleChanges):
    folder_id = f.key(required=True)
    title = f.text(operations.TITLE_MOST, required=True, least=1)


def version(article: Article) -> str:
    """The ETag of an article."""
    return f"{article.number}-{article.version}"


def _query() -> Any:
    return select(Article).options(
        joinedload(Article.folder),
        joinedload(Article.updated_by),
        joinedload(Article.owner),
        selectinload(Article.tag_links),
        selectinload(Article.services),
    )


def found_article(number: int) -> Article:
    """The article, or 404; those not published are there for editors only."""
    found: Article | None = db.session.scalar(
        _query().where(Article.number == number).execution_options(populate_existing=True)
    )
    if found is None or (found.status != "published" and not allowed(me(), "kb.edit")):
        abort(404)
    return found


@resource.get("/articles", Text("Articles", "Статьи"), query=ArticleQuery, answer=ArticleShape, paged=True, **READ)
def list_articles(query: dict[str, Any]) -> Page:
    """Published ones by number; with ``updated_since`` in the order of their changes, for copies."""
    status = query.get("status", "published")
    if status != "published" and not allowed(me(), "kb.edit"):
        raise Problem(403, "privilege-missing", Text("Only editors see these.", "Их видят только редакторы."))
    statement = _query().where(Article.status == status)
    if "folder_id" in query:
        statement = statement.where(Article.folder_id == query["folder_id"])
    if "tag" in query:
        tagged = select(ArticleTag.article_id).join(Tag).where(Tag.key == operations.folded(query["tag"]))
        statement = statement.where(Article.id.in_(tagged))
    if "updated_since" in query:
        statement = statement.where(Article.updated_at >= query["updated_since"])
        return page(statement, CHANGED, query, lambda row: (row.updated_at, row.id))
    return page(statement, BY_NUMBER, query, lambda row: (row.number,))


@resource.get(
    "/articles/search",
    Text("Search articles", "Поиск статей"),
    query=ArticleSearch,
    answer=ArticleHitShape,
    many=True,
    **READ,
)
def search_articles(query: dict[str, Any]) -> list[dict[str, Any]]:
    """The best published ones first."""
    filters = {"tag": (query["tag"],)} if "tag" in query else {}
    rows = reading.rows_of(index.search(SearchQuery(query["q"], filters=filters, limit=query["limit"])).hits)
    return [
        {
            "number": row.number,
            "title_html": row.hit.title_html,
            "snippet_html": row.hit.snippet_html,
            "score": row.hit.score,
        }
        for row in rows
        if row.hit is not None
    ]


@resource.get("/articles/<id:number>", Text("An article", "Статья"), answer=ArticleShape, etag=version, **READ)
def get_article(number: int) -> Article:
    """By its number."""
    return found_article(number)


@resource.post(
    "/articles",
    Text("Write an article", "Написать статью"),
    body=ArticleInput,
    answer=ArticleShape,
    status=201,
    etag=version,
    **EDIT,
)
def create_article(body: dict[str, Any]) -> Article:
    """A draft, unless ``status`` says otherwise."""
    status = body.pop("status", "draft")
    article = operations.create_article(me().id, body, status=status)
    return found_article(article.number)


@resource.patch(
    "/articles/<id:number>",
    Text("Change an article", "Изменить статью"),
    body=ArticleChanges,
    answer=ArticleShape,
    etag=version,
    **EDIT,
)
def change_article(number: int, body: dict[str, Any]) -> Article:
    """The given fields; with ``If-Match`` only if nobody was faster."""
    status = body.pop("status", None)
    with transaction():
        article = found_article(number)
        if "If-Match" in request.headers and not request.if_match.contains(version(article)):
            text = Text("Changed since you read it.", "Изменено после того, как вы это прочитали.")
            raise Problem(412, "changed-meanwhile", text)
        operations.update_article(article.id, me().id, article.version, body, status=status)
    return found_article(number)


@resource.get(
    "/article-folders", Text("Folders of articles", "Разделы базы знаний"), answer=FolderShape, many=True, **READ
)
def list_folders() -> list[Folder]:
    """All of them; ``parent_id`` makes the tree."""
    return list(db.session.scalars(select(Folder).order_by(Folder.parent_id, Folder.position, Folder.id)))
