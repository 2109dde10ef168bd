"""The answer to the search box of the panel and the page: hits as rows, facets with counts, how to narrow and widen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from flask_babel import gettext as _
from sqlalchemy import select

from core.contracts import SearchQuery, SearchResult
from core.db import db
from core.house import okno
from core.model import Service, User
from core.permissions import allowed
from core.web import desk_queries
from core.web.language import here
from plugins.kb.finding import documents, index
from plugins.kb.models import Folder
from plugins.kb.reading import EVERY_STATUS, LIMIT, Row, rows_of

LONGEST = 10_000
FACETS = ("tag", "product", "branch", "language", "service")
MOST_VALUES = 8
LANGUAGES = {"ru": "Русский", "en": "English"}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is left of all articles: values of facets, those of one service with those of none, drafts or not."""

    chosen: Mapping[str, str] = field(default_factory=dict)
    only_service: str = ""
    drafts: bool = False

    @classmethod
    def of(cls, arguments: Mapping[str, str], service: str = "") -> Narrowing:
        """As it stands in the address; ``service`` is the key of the one in focus."""
        chosen = {name: value[:200] for name in FACETS if (value := arguments.get(name, ""))}
        return cls(chosen, service if arguments.get("only_service") else "", bool(arguments.get("drafts")))

    @property
    def narrow(self) -> bool:
        """Whether searching everywhere would ask more articles."""
        return bool(self.chosen or self.only_service)

    def filters(self, user: User | None) -> dict[str, tuple[str, ...]]:
        """For the engine; drafts only for those who may edit."""
        found: dict[str, tuple[str, ...]] = {name: (value,) for name, value in self.chosen.items()}
        if self.drafts and user is not None and allowed(user, "kb.edit"):
            found |= EVERY_STATUS
        own = own_services(user)
        if self.only_service and "service" not in self.chosen:
            found["service"] = (self.only_service, documents.ANY_SERVICE)
        elif own is not None and "service" not in self.chosen:
            found["service"] = own
        elif own is not None:
            found["service"] = tuple(key for key in found["service"] if key in own) or ("",)
        return found

    def query(self, **changed: str) -> str:
        """For URLs, with some facets changed; "" takes one away."""
        values = {**self.chosen, **changed}
        pairs = [(name, value) for name, value in values.items() if value]
        pairs += [("only_service", "1")] if self.only_service else []
        pairs += [("drafts", "1")] if self.drafts else []
        return urlencode(pairs)


def own_services(user: User | None) -> tuple[str, ...] | None:
    """Services whose articles the user finds, where ``kb.own_services_only`` says so; None for all."""
    if user is None or not okno().config.get("kb.own_services_only") or allowed(user, "kb.edit"):
        return None
    ids = desk_queries.service_ids(user)
    if ids is None:
        return None
    return (*db.session.scalars(select(Service.key).where(Service.id.in_(ids))), documents.ANY_SERVICE)


@dataclass(frozen=True, slots=True)
class Value:
    """A value to narrow by; ``chosen`` ones are taken away by a press."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class ShownFacet:
    """A facet as it is drawn."""

    name: str
    title: str
    values: list[Value]


@dataclass(slots=True)
class Found:
    """An answer to a search: the rows, those that only a tag led to, and what goes with them."""

    result: SearchResult
    rows: list[Row]
    in_tags: list[Row]
    narrowing: Narrowing
    facets: list[ShownFacet]


def find(
    text: str, user: User | None, narrowing: Narrowing | None = None, *, prefix: bool = True, offset: int = 0
) -> Found:
    """The answer for what ``user`` typed; with ``prefix`` the last word may be unfinished."""
    narrowing = narrowing or Narrowing()
    query = SearchQuery(
        text[:LONGEST], filters=narrowing.filters(user), limit=LIMIT, offset=offset, prefix=prefix, facets=FACETS
    )
    result = index.search(query)
    rows = rows_of(result.hits)
    by_tag = [row for row in rows if row.hit and row.hit.in_tags and "<mark>" not in row.hit.title_html]
    return Found(result, [row for row in rows if row not in by_tag], by_tag, narrowing, _shown(result, narrowing))


def everywhere(text: str, user: User | None, narrowing: Narrowing) -> int:
    """How many articles there are without the narrowing."""
    wide = replace(narrowing, chosen={}, only_service="")
    return index.search(SearchQuery(text[:LONGEST], filters=wide.filters(user), limit=0)).total


def _shown(result: SearchResult, narrowing: Narrowing) -> list[ShownFacet]:
    counts = {facet.name: dict(facet.counts) for facet in result.facets}
    titles = {
        "tag": _("Tags"),
        "product": _("Products"),
        "branch": _("Folders"),
        "language": _("Language"),
        "service": _("Services"),
    }
    shown = []
    for name in FACETS:
        labels = _labels(name, counts.get(name, {}))
        chosen = narrowing.chosen.get(name, "")
        values = [
            Value(value, label, counts[name][value], value == chosen)
            for value, label in labels.items()
            if value == chosen or counts[name][value] < result.total or name == "tag"
        ]
        if chosen and not any(value.chosen for value in values):
            values.insert(0, Value(chosen, _labels(name, {chosen: 0}).get(chosen, chosen), 0, True))
        values.sort(key=lambda value: not value.chosen)
        if values:
            shown.append(ShownFacet(name, titles[name], values[:MOST_VALUES]))
    return shown


def _labels(name: str, counts: Mapping[str, int]) -> dict[str, str]:
    """Values to what a person reads, in the order of the counts; values that are gone are left out."""
    if name == "branch":
        ids = [int(value) for value in counts if value.isdecimal()]
        folders = {row.id: row for row in db.session.scalars(select(Folder).where(Folder.id.in_(ids)))}
        russian = here() == "ru"
        titles = {str(row.id): row.title_ru if russian else row.title_en for row in folders.values()}
        return {value: titles[value] for value in counts if value in titles}
    if name == "service":
        keys = [value for value in counts if value != documents.ANY_SERVICE]
        rows = db.session.scalars(select(Service).where(Service.key.in_(keys))) if keys else ()
        named = {row.key: row.title_ru if here() == "ru" else row.title_en for row in rows}
        return {value: named[value] for value in counts if value in named}
    if name == "language":
        return {value: LANGUAGES.get(value, value) for value in counts}
    return {value: value for value in counts}
