"""What the panel and the pages show, read from data base and index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, func, select
from sqlalchemy.orm import joinedload, selectinload

import core.web
from core.clock import now
from core.contracts import SearchHit, SearchQuery
from core.db import db
from core.model import Case, Interaction, Service, User
from core.permissions import allowed
from core.search.highlight import highlight_html
from plugins.kb.finding import documents, index
from plugins.kb.models import Article, ArticleTag, Folder, Tag, Use

LIMIT = 20
EVERY_STATUS = {"status": ("published", "draft", "review", "archived")}


@dataclass(slots=True)
class Row:
    """An article in a list."""

    number: int
    id: int
    title: str
    uses: int
    status: str
    folder_id: int
    question: str = ""
    kind: str = "article"
    hit: SearchHit | None = None


@dataclass(slots=True)
class Node:
    """A folder with what is below it; ``count`` are the published articles of the whole branch."""

    folder: Folder
    children: list[Node] = field(default_factory=list)
    count: int = 0


@dataclass(frozen=True, slots=True)
class Focus:
    """The case and interaction that the panel is about; all None without one."""

    case: Case | None = None
    interaction: Interaction | None = None

    @property
    def service(self) -> Service | None:
        """The service of the interaction, else of the case."""
        if self.interaction is not None:
            return self.interaction.service
        return self.case.service if self.case else None

    @property
    def query(self) -> str:
        """For URLs: ``case_id=…&interaction_id=…``."""
        ids = (("case_id", self.case), ("interaction_id", self.interaction))
        return "&".join(f"{name}={row.id}" for name, row in ids if row is not None)


@lru_cache(maxsize=1)
def _icons() -> frozenset[str]:
    return frozenset((Path(core.web.__file__).parent / "icons.txt").read_text("utf-8").split("\n"))


def has_icon(name: str) -> bool:
    """Whether the desk has this icon."""
    return name in _icons()


def icon_of(folder: Folder) -> str:
    """The folder's icon, or the plain one when the desk does not have it."""
    return folder.icon if folder.icon in _icons() else "folder"


def focus_of(case_id: int | None, interaction_id: int | None) -> Focus:
    """The rows in focus; the interaction decides where both are named."""
    interaction = None
    if interaction_id:
        query = select(Interaction).where(Interaction.id == interaction_id)
        interaction = db.session.scalar(
            query.options(joinedload(Interaction.case).joinedload(Case.service), joinedload(Interaction.service))
        )
    case = interaction.case if interaction else None
    if case is None and case_id:
        case = db.session.scalar(select(Case).where(Case.id == case_id).options(joinedload(Case.service)))
    return Focus(case, interaction)


# --- search ------------------------------------------------------------------------------------------


def rows_of(hits: Iterable[SearchHit]) -> list[Row]:
    """The articles behind hits, in their order; those gone from the data base are left out."""
    by_number = {documents.number_of(hit.id): hit for hit in hits}
    rows = (
        {row.number: row for row in _rows(select(*_COLUMNS).where(Article.number.in_(by_number)))} if by_number else {}
    )
    for number, row in rows.items():
        row.hit = by_number[number]
    return [rows[number] for number in by_number if number in rows]


_COLUMNS = (
    Article.number,
    Article.id,
    Article.title,
    Article.uses,
    Article.status,
    Article.folder_id,
    Article.question,
    Article.kind,
)


def _rows(query) -> list[Row]:  # type: ignore[no-untyped-def]
    return [Row(*row) for row in db.session.execute(query)]


def highlighted(html: str, text: str) -> str:
    """``html`` with the words of a search marked."""
    if not text.strip():
        return html
    terms = index.search(SearchQuery(text[:500], limit=0, prefix=True, filters=EVERY_STATUS)).terms
    return highlight_html(html, terms) if terms else html


# --- folders and lists -------------------------------------------------------------------------------


def tree() -> list[Node]:
    """All folders that lead to anything, as a tree with counts."""
    counted = (
        select(Article.folder_id, func.count(Article.id))
        .where(Article.status == "published")
        .group_by(Article.folder_id)
    )
    counts = dict(map(tuple, db.session.execute(counted)))
    nodes = {row.id: Node(row, count=counts.get(row.id, 0)) for row in db.session.scalars(select(Folder))}
    below: dict[int | None, list[Node]] = defaultdict(list)
    for node in nodes.values():
        below[node.folder.parent_id].append(node)

    def grow(node: Node) -> Node:
        node.children = [grow(child) for child in sorted(below[node.folder.id], key=_order)]
        node.count += sum(child.count for child in node.children)
        return node

    return [grow(node) for node in sorted(below[None], key=_order)]


def _order(node: Node) -> tuple[int, str]:
    return node.folder.position, node.folder.title_ru


def flat(nodes: Sequence[Node], depth: int = 0) -> list[tuple[Node, int]]:
    """The tree as a list of (node, depth), for choosing a folder."""
    return [pair for node in nodes for pair in [(node, depth), *flat(node.children, depth + 1)]]


def above(folder: Folder | None) -> list[Folder]:
    """The folder and those above it, from the top."""
    path: list[Folder] = []
    while folder is not None and len(path) < 50:
        path.insert(0, folder)
        folder = db.session.get(Folder, folder.parent_id) if folder.parent_id else None
    return path


def rows_where(condition: ColumnElement[bool], order: UnaryExpression[Any], limit: int) -> list[Row]:
    """The articles that meet a condition."""
    return _rows(select(*_COLUMNS).where(condition).order_by(order, Article.id).limit(limit))


def articles_in(folder_id: int, *, every_status: bool = False) -> list[Row]:
    """A folder's own articles by number."""
    query = select(*_COLUMNS).where(Article.folder_id == folder_id).order_by(Article.number)
    return _rows(query if every_status else query.where(Article.status == "published"))


def most_used(limit: int, language: str) -> list[Row]:
    """Published articles in ``language`` that colleagues use most; where they are few, those in other languages follow."""
    query = select(*_COLUMNS).where(Article.status == "published").order_by(Article.uses.desc(), Article.number)
    own = _rows(query.where(Article.language == language).limit(limit))
    return own if len(own) == limit else own + _rows(query.where(Article.language != language).limit(limit - len(own)))


def drafts(limit: int = 50) -> list[Row]:
    """Articles not published yet, the latest first."""
    return _rows(select(*_COLUMNS).where(Article.status == "draft").order_by(Article.updated_at.desc()).limit(limit))


def by_number(number: int) -> Article | None:
    """An article with all that its page shows."""
    found: Article | None = db.session.scalar(
        select(Article)
        .where(Article.number == number)
        .options(
            selectinload(Article.tag_links),
            selectinload(Article.services),
            joinedload(Article.folder),
            joinedload(Article.updated_by),
            joinedload(Article.owner),
        )
    )
    return found


def translations(article: Article) -> Sequence[Article]:
    """The same article in other languages."""
    if article.group_id is None:
        return []
    query = select(Article).where(Article.group_id == article.group_id, Article.id != article.id)
    return db.session.scalars(query.order_by(Article.language)).all()


def last_uses(article_id: int, limit: int) -> list[tuple[Use, User, Case | None]]:
    """The latest uses with who and for which case."""
    query = select(Use, User, Case).join(User, User.id == Use.user_id).outerjoin(Case, Case.id == Use.case_id)
    rows = db.session.execute(query.where(Use.article_id == article_id).order_by(Use.at.desc()).limit(limit))
    return [(use, user, case) for use, user, case in rows]


def tag_names(limit: int = 200) -> list[str]:
    """Tags by how many articles carry them, for the editor's list."""
    carried = func.count(ArticleTag.article_id)
    return list(
        db.session.scalars(
            select(Tag.name).join(ArticleTag).group_by(Tag.id, Tag.name).order_by(carried.desc(), Tag.name).limit(limit)
        )
    )


def hidden_from(user_id: int, article_id: int) -> bool:
    """Whether an article is kept from a reader: it is not published, and they may not edit."""
    columns = select(Article.status, Article.expires_at).where(Article.id == article_id)
    status, expires_at = db.session.execute(columns).one_or_none() or ("", None)
    shown = status == "published" and (expires_at is None or expires_at > now())
    user = db.session.get(User, user_id)
    return not shown and (user is None or not allowed(user, "kb.edit"))
