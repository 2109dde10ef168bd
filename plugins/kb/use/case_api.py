"""Articles of cases in the REST API: linked, unlinked, and the cases of an article."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema
from sqlalchemy import select

from core.api import fields as f
from core.api import lookups
from core.api.auth import me
from core.api.paging import Order, Page, PageQuery, page
from core.api.shapes import CaseRefShape
from core.contracts import Text
from core.model import Case
from core.web import desk_queries
from plugins.kb.api import READ, found_article, resource
from plugins.kb.use import case_articles
from plugins.kb.use.case_articles import cases_seen_by

NEWEST = Order("article-cases", ((Case.id, True),))
REPLY = {"permission": "case.reply"}


class LinkedArticleShape(Schema):
    """An article as a case has it."""

    number = f.out_number()
    title = f.out_text()
    status = f.out_text()
    linked_at = f.out_moment()


def _linked(case_id: int) -> list[dict[str, Any]]:
    return [
        {
            "number": row.article.number,
            "title": row.article.title,
            "status": row.article.status,
            "linked_at": row.at,
        }
        for row in case_articles.linked_to(case_id)
    ]


@resource.get(
    "/cases/<id:case_id>/articles",
    Text("Articles of a case", "Статьи запроса"),
    answer=LinkedArticleShape,
    many=True,
    **READ,
)
def list_case_articles(case_id: int) -> list[dict[str, Any]]:
    """Those linked to it, in the order they were linked."""
    return _linked(lookups.case(case_id).id)


@resource.put(
    "/cases/<id:case_id>/articles/<id:number>",
    Text("Link an article to a case", "Связать статью с запросом"),
    answer=LinkedArticleShape,
    many=True,
    **REPLY,
)
def link_article(case_id: int, number: int) -> list[dict[str, Any]]:
    """An empty subject, category or product of the case is taken from the article; answers all its articles."""
    case_articles.link(lookups.case(case_id).id, found_article(number).id, me().id)
    return _linked(case_id)


@resource.delete(
    "/cases/<id:case_id>/articles/<id:number>",
    Text("Unlink an article from a case", "Убрать связь статьи с запросом"),
    status=204,
    **REPLY,
)
def unlink_article(case_id: int, number: int) -> None:
    """What the case took over stays."""
    case_articles.unlink(lookups.case(case_id).id, found_article(number).id, me().id)


@resource.get(
    "/articles/<id:number>/cases",
    Text("Cases of an article", "Запросы статьи"),
    query=PageQuery,
    answer=CaseRefShape,
    paged=True,
    **READ,
)
def list_article_cases(number: int, query: dict[str, Any]) -> Page:
    """The cases it is linked to or was used in, the newest first, of those that the token's user may see."""
    seen = cases_seen_by(desk_queries.service_ids(me()), me().id)
    statement = select(Case).where(case_articles.concerned(found_article(number).id), *seen)
    return page(statement, NEWEST, query, lambda row: (row.id,))
