"""Articles linked to a case (знания запроса): in one action, with what the case takes over from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core import audit, case_changes, case_form, case_values, casework, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Case
from plugins.kb.models import Article, CaseArticle, Use
from plugins.kb.writing.operations import find_article, folded

PRODUCT_FIELDS = ("product", "type")
PAGE = 20


@dataclass(frozen=True, slots=True)
class LinkedArticle:
    """What linking did: names of what the case took over, and whether its subject could become the article's title."""

    article: Article
    fresh: bool
    taken: tuple[str, ...] = field(default=())
    may_rename: bool = False


def link(case_id: int, article_id: int, user_id: int | None) -> LinkedArticle:
    """Link an article to a case; what is linked already stays so and nothing is told.

    A case without a subject takes the article's title, without a category or product the article's (where the case's form
    has it). Raises ``Rejected``: ``case-unknown``, ``article-unknown``, ``article-not-published``.
    """
    with transaction():
        case = case_changes.locked(case_id)
        article = find_article(article_id)
        if article.status != "published":
            raise Rejected(Text("The article is not published", "Статья не опубликована"), "article-not-published")
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        row = insert(CaseArticle).values(case_id=case_id, article_id=article_id, user_id=user_id, at=now())
        row = row.on_conflict_do_nothing(index_elements=["case_id", "article_id"])
        if db.session.scalar(row.returning(CaseArticle.case_id)) is None:
            return LinkedArticle(article, fresh=False, may_rename=case.subject != article.title)
        _tell(case, article, "kb.linked", user_id)
        taken = _take_over(case, article, user_id)
        return LinkedArticle(article, True, taken, may_rename=case.subject != article.title)


def _take_over(case: Case, article: Article, user_id: int | None) -> tuple[str, ...]:
    taken = []
    if not case.subject.strip():
        casework.change(case.id, user_id, subject=article.title)
        taken.append("subject")
    if not case.category and (category := _category(case, article)):
        casework.change(case.id, user_id, category=category)
        taken.append("category")
    if (found := _product(case, article)) is not None:
        case_values.set_fields(case.id, user_id, dict([found]))
        taken.append(found[0])
    return tuple(taken)


def _kinds(article: Article) -> list[str]:
    """What an article may say of the type of a case: its products, then its tags."""
    return [folded(word) for word in (*article.products, *article.tags)]


def _category(case: Case, article: Article) -> str:
    words = _kinds(article)
    for row in case_form.categories_of(case.service_id):
        if any(folded(name) in words for name in (row.key, row.title_en, row.title_ru)):
            return str(row.key)
    return ""


def _product(case: Case, article: Article) -> tuple[str, str] | None:
    """The key and the value of an empty field of the form that says product or type, where the article's fits."""
    for row in case_form.fields_of(case.service_id):
        if row.key not in PRODUCT_FIELDS or case.fields.get(row.key) or not article.products:
            continue
        if row.type != "choice":
            return (row.key, str(article.products[0])) if row.type in ("text", "line") else None
        choices = [(key, {folded(key), folded(title.en), folded(title.ru)}) for key, title in case_form.choices_of(row)]
        for product in article.products:
            for key, names in choices:
                # «Таволга Отчётность» is of the type «Отчётность».
                if any(len(name) > 2 and name in folded(str(product)) for name in names):
                    return row.key, key
    return None


def take_title(case_id: int, article_id: int, user_id: int, *, before: str | None = None) -> None:
    """The agent agrees: the linked article's title becomes the case's subject. ``before``: the subject that the agent saw."""
    with transaction():
        if db.session.get(CaseArticle, (case_id, article_id)) is None:
            raise Rejected(
                Text("The article is not linked (any more)", "Статья (уже) не связана"), "article-not-linked"
            )
        seen = None if before is None else {"subject": before}
        casework.change(case_id, user_id, before=seen, subject=find_article(article_id).title)


def unlink(case_id: int, article_id: int, user_id: int | None) -> None:
    """Take the link away; one that is gone is fine. What the case took over stays."""
    with transaction():
        case = case_changes.locked(case_id)
        gone = delete(CaseArticle).where(CaseArticle.case_id == case_id, CaseArticle.article_id == article_id)
        if db.session.execute(gone.execution_options(synchronize_session=False)).rowcount:  # type: ignore[attr-defined]
            _tell(case, find_article(article_id), "kb.unlinked", user_id)


_WORDS = {
    "kb.linked": ("Article linked: №{0} «{1}»", "Связана статья №{0} «{1}»"),
    "kb.unlinked": ("Article unlinked: №{0} «{1}»", "Убрана связь со статьёй №{0} «{1}»"),
}


def _tell(case: Case, article: Article, kind: str, user_id: int | None) -> None:
    english, russian = (words.format(article.number, article.title) for words in _WORDS[kind])
    timeline.write(case.id, kind, actor_id=user_id, number=article.number, title_en=english, title_ru=russian)
    audit.record(kind, "case", case.number, {}, {"article": article.number})
    casework.touch(case, cause="agent")
    casework.tell(case, "articles")


# --- reading -----------------------------------------------------------------------------------------


def linked_to(case_id: int, limit: int = 50) -> list[CaseArticle]:
    """The links of a case with their articles, in the order they were made: one statement."""
    query = select(CaseArticle).where(CaseArticle.case_id == case_id).options(joinedload(CaseArticle.article))
    return list(db.session.scalars(query.order_by(CaseArticle.at, CaseArticle.article_id).limit(limit)))


def is_linked(case_id: int, article_id: int) -> bool:
    """Whether this article is linked to this case."""
    return db.session.get(CaseArticle, (case_id, article_id)) is not None


@dataclass(frozen=True, slots=True)
class CasesPage:
    """Cases of an article, newest first: those linked, and those whose answers carried it."""

    cases: Sequence[Case]
    linked: frozenset[int]
    total: int
    next_before: int | None


def concerned(article_id: int) -> ColumnElement[bool]:
    """The condition on cases that an article was linked to or used in."""
    linked = select(CaseArticle.case_id).where(CaseArticle.article_id == article_id)
    used = select(Use.case_id).where(Use.article_id == article_id, Use.case_id.is_not(None))
    return Case.id.in_(linked.union(used))


def cases_seen_by(services: list[int] | None, user_id: int) -> list[ColumnElement[bool]]:
    """As SQL, what :func:`core.web.desk_queries.may_see` says of services and agents; None: every case."""
    if services is None:
        return []
    return [or_(Case.service_id.in_(services), Case.service_id.is_(None), Case.assignee_id == user_id)]


def cases_of(
    article_id: int, seen: Iterable[ColumnElement[bool]] = (), *, before: int | None = None, limit: int = PAGE
) -> CasesPage:
    """A page of the cases an article was linked to or used in, narrowed by the conditions in ``seen``; ``before``: an id."""
    found = [concerned(article_id), *seen]
    total = db.session.scalar(select(func.count(Case.id)).where(*found)) or 0
    query = select(Case).where(*found, *([Case.id < before] if before else []))
    query = query.options(joinedload(Case.service), joinedload(Case.contact)).order_by(Case.id.desc()).limit(limit + 1)
    rows = list(db.session.scalars(query))
    ids = [row.id for row in rows[:limit]]
    held = select(CaseArticle.case_id).where(CaseArticle.article_id == article_id, CaseArticle.case_id.in_(ids))
    linked_ids = frozenset(db.session.scalars(held)) if ids else frozenset()
    return CasesPage(rows[:limit], linked_ids, total, ids[-1] if len(rows) > limit else None)
