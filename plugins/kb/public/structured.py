"""Structured data for search engines (schema.org as JSON-LD)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugins.kb import markup
from plugins.kb.models import Article
from plugins.kb.public.reading import ROOT, article_path
from plugins.kb.public.text import Part
from plugins.kb.public.visible import Category

CONTEXT = "https://schema.org"
ANSWER_MOST = 5000


def home_data(brand: str, base: str, lang: str) -> dict[str, Any]:
    """The site with its search."""
    target = f"{base}{ROOT}/{lang}/search?q={{search_term_string}}"
    action = {"@type": "SearchAction", "target": target, "query-input": "required name=search_term_string"}
    url = f"{base}{ROOT}/{lang}"
    return {
        "@context": CONTEXT,
        "@type": "WebSite",
        "name": brand,
        "url": url,
        "inLanguage": lang,
        "potentialAction": action,
    }


def breadcrumb_data(path: Sequence[Category], lang: str, base: str) -> dict[str, Any]:
    """Where a category stands."""
    return {"@context": CONTEXT, **_crumbs(path, lang, base)}


def _crumbs(path: Sequence[Category], lang: str, base: str, last: tuple[str, str] | None = None) -> dict[str, Any]:
    steps = [(row.title(lang), f"{base}{ROOT}/{lang}/sections/{row.name}") for row in path]
    if last:
        steps.append(last)
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": address}
        for place, (name, address) in enumerate(steps, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def article_data(
    row: Article, title: str, question: str, parts: Sequence[Part], path: Sequence[Category], brand: str, base: str
) -> dict[str, Any]:
    """The article, where it stands, and its question with the answer when it has one."""
    url = base + article_path(row.number, row.slug or row.title, row.language)
    told: dict[str, Any] = {
        "@type": "Article",
        "headline": title[:110],
        "url": url,
        "mainEntityOfPage": url,
        "inLanguage": row.language,
        "dateModified": row.updated_at.isoformat(),
        "datePublished": (row.published_at or row.created_at).isoformat(),
        "publisher": {"@type": "Organization", "name": brand},
    }
    graph = [told, _crumbs(path, row.language, base, (title, url))]
    answer = "\n".join(markup.plain(part.html) for part in parts)[:ANSWER_MOST]
    if question and answer:
        entity = {
            "@type": "Question",
            "name": question,
            "acceptedAnswer": {"@type": "Answer", "text": answer},
        }
        graph.append({"@type": "FAQPage", "mainEntity": [entity]})
    return {"@context": CONTEXT, "@graph": graph}
