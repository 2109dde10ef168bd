"""Hooks of search: engines and what may be searched."""

from __future__ import annotations

import pluggy

from core.contracts import SearchBackend, SearchQuery, SearchSource

hookspec = pluggy.HookspecMarker("okno")


@hookspec
def register_search_backends() -> list[SearchBackend]:  # type: ignore[empty-body]
    """Add search engines; the setting ``search.backend`` chooses one by name.

    Called: once, at start.
    Returns: backends whose ``open(folder=…, load=…)`` gives an object like :class:`core.search.Backend`.
    Exceptions: the plugin's backends are left out, the fault is counted.
    Used by: kb (whoosh, tantivy).

    Example::

        @hookimpl
        def register_search_backends():
            return [SearchBackend("memory", Text("In memory", "В памяти"), open=MemoryBackend)]
    """


@hookspec
def register_search_sources() -> list[SearchSource]:  # type: ignore[empty-body]
    """Add a kind of thing that the desk's search box finds.

    Called: once, at start.
    Returns: sources; each is asked with the agent's words and shows its hits under its title.
    Exceptions: at start the plugin's sources are left out; a source that raises while searching is skipped and counted.
    Used by: the core (cases, contacts), kb (articles).

    Example::

        @hookimpl
        def register_search_sources():
            return [SearchSource("order", Text("Orders", "Заказы"), "package", search=find_orders, url=order_url)]
    """


@hookspec(firstresult=True)
def extend_search_query(query: SearchQuery) -> SearchQuery | None:
    """Rewrite a query before the engine sees it: synonyms, spelling of product names, a filter.

    Called: for every search of articles.
    Args: query: what the agent asked.
    Returns: the query to run instead, or None to leave it.
    Exceptions: counted; the query runs as it was.
    Used by: kb (numbers written as «№ 1001»).

    Example::

        @hookimpl
        def extend_search_query(query):
            return replace(query, text=query.text.replace("1с", "1С:Предприятие"))
    """
