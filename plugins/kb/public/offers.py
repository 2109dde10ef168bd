"""Articles of the help centre for whoever answers customers: found by what they wrote, with the address to read on."""

from __future__ import annotations

from sqlalchemy import select

from core.contracts import SearchHit, SearchQuery, SearchResult
from core.db import db
from core.house import okno
from plugins.kb.models import Article
from plugins.kb.public import index
from plugins.kb.public.reading import article_path
from plugins.kb.public.visible import visible


def find(query: SearchQuery) -> SearchResult:
    """Visible articles for the words, in the languages of ``filters["language"]``; nothing while the help centre is switched off."""
    if not okno().config.get("kb.public"):
        return SearchResult((), 0)
    hits: list[SearchHit] = []
    for language in query.filters.get("language", ("ru",)):
        answer = index.search(query.text, language, limit=query.limit, offset=query.offset)
        hits += [
            SearchHit(
                f"public_article:{hit.number}", "public_article", 1 / (place + 1), hit.title_html, hit.snippet_html
            )
            for place, hit in enumerate(answer.hits)
        ]
    left = [hit for hit in hits if hit.id not in query.without]
    return SearchResult(tuple(left[: query.limit]), len(left))


def where(key: str) -> str:
    """The path of the article with this number in the help centre, "" when customers may not read it."""
    found = select(Article.slug, Article.title, Article.language).where(Article.number == int(key), *visible())
    row = db.session.execute(found).first()
    return article_path(int(key), row.slug or row.title, row.language) if row else ""
