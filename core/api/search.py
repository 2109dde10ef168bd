"""Search in everything that the house and its plugins make findable."""

from __future__ import annotations

from typing import Any

from core.api import fields as f
from core.api.auth import me
from core.api.errors import invalid
from core.api.resource import Resource
from core.api.shapes import HitShape
from core.contracts import SearchQuery, Text
from core.house import okno
from core.permissions import allowed

resource = Resource("search", Text("Search", "Поиск"))


class Asked(f.Query):
    q = f.asked(f.text(300, Text("What is looked for", "Что найти"), required=True, least=1))
    kind = f.asked(
        f.text(40, Text("article, case, contact…; all that the user may see, when left out", "article, case, contact…"))
    )
    limit = f.asked(f.number(1, 100, load_default=20))


@resource.get("/search", Text("Search", "Поиск"), query=Asked, answer=HitShape, many=True)
def search(query: dict[str, Any]) -> list[dict[str, Any]]:
    """The best of each kind; kinds the user may not see are left out."""
    sources = [source for source in okno().search_sources.values() if query.get("kind") in (None, source.kind)]
    if not sources:
        listed = ", ".join(sorted(okno().search_sources))
        raise invalid({"kind": Text(f"Choose one of: {listed}.", f"Выберите одно из: {listed}.")})
    asked = okno().hooks.extend_search_query(SearchQuery(query["q"], limit=query["limit"]))
    found: list[dict[str, Any]] = []
    for source in sources:
        if source.permission and not allowed(me(), source.permission):
            continue
        for hit in source.search(asked).hits:
            key = hit.id.partition(":")[2]
            texts = {"title_html": hit.title_html, "snippet_html": hit.snippet_html}
            found.append({"kind": hit.kind, "key": key, "score": hit.score, **texts})
    return found
