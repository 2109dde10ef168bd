"""One change to many articles: a statement each for the articles, their versions and the index, and told what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, tuple_, update
from sqlalchemy.orm import selectinload

from core import audit
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from plugins.kb.models import Article, ArticleTag, Version, WorkingCopy
from plugins.kb.writing import article_fields
from plugins.kb.writing.article_texts import folded, one_line
from plugins.kb.writing.articles import touch_index
from plugins.kb.writing.folders import titled

MOST = 1000


@dataclass(slots=True)
class Outcome:
    """How many articles were changed, and which were left out and why."""

    done: int = 0
    skipped: list[tuple[int, Text]] = field(default_factory=list)


def move(article_ids: Iterable[int], folder_id: int, user_id: int) -> Outcome:
    """Into another folder; those whose title is taken there stay. Raises ``Rejected`` (``folder-unknown``)."""
    with transaction():
        target = article_fields.folder(folder_id)
        keys = set(db.session.scalars(select(Article.title_key).where(Article.folder_id == folder_id)))
        outcome, chosen = Outcome(), []
        for article in _articles(article_ids):
            if article.folder_id == folder_id:
                reason = Text("it is there already", "она уже там")
            elif article.title_key in keys:
                reason = Text(
                    f"«{titled(target, 'en')}» has an article of this title",
                    f"в разделе «{titled(target, 'ru')}» уже есть статья с таким названием",
                )
            else:
                keys.add(article.title_key)
                chosen.append(article)
                continue
            outcome.skipped.append((article.number, reason))
        return _change(chosen, user_id, "articles.move", {"folder_id": folder_id}, outcome)


def set_status(article_ids: Iterable[int], status: str, user_id: int) -> Outcome:
    """Publish, archive or withdraw; those that are so already, or have no text to publish, are left out."""
    article_fields.status(status)
    with transaction():
        outcome, chosen = Outcome(), []
        for article in _articles(article_ids):
            if article.status == status:
                outcome.skipped.append((article.number, Text("nothing to change", "менять нечего")))
            elif status == "published" and not article.sections:
                outcome.skipped.append((article.number, Text("it has no text", "в ней нет текста")))
            else:
                chosen.append(article)
        values: dict[str, Any] = {"status": status, "publish_at": None}
        if status == "published":
            values["published_at"] = now()
        return _change(chosen, user_id, f"articles.{status}", values, outcome)


def set_owner(article_ids: Iterable[int], owner: Any, user_id: int) -> Outcome:
    """Another owner, by login or id; None for nobody. Raises ``Rejected`` (``owner-unknown``)."""
    with transaction():
        person = article_fields.owner(owner)
        values = {"owner_id": person.id if person else None}
        return _differing(article_ids, user_id, "articles.owner", values)


def set_review_at(article_ids: Iterable[int], moment: datetime | None, user_id: int) -> Outcome:
    """When they are to be looked at again."""
    with transaction():
        return _differing(article_ids, user_id, "articles.review_at", {"review_at": moment})


def add_tag(article_ids: Iterable[int], name: str, user_id: int) -> Outcome:
    """Add a tag, made if it is new. Raises ``Rejected`` (``tag-empty``)."""
    with transaction():
        label = _tag_name(name)
        tag = article_fields.tags([label])[folded(label)]
        db.session.flush()
        tag_id = tag.id

        def link(chosen: Sequence[Article]) -> None:
            rows = [{"article_id": row.id, "tag_id": tag_id, "position": len(row.tag_links)} for row in chosen]
            db.session.execute(insert(ArticleTag), rows)

        return _tagging(article_ids, user_id, "articles.tag", folded(label), False, link)


def remove_tag(article_ids: Iterable[int], name: str, user_id: int) -> Outcome:
    """Take a tag off. Raises ``Rejected`` (``tag-empty``)."""
    with transaction():
        key = folded(_tag_name(name))

        def unlink(chosen: Sequence[Article]) -> None:
            links = [(link.article_id, link.tag_id) for row in chosen for link in row.tag_links if link.tag.key == key]
            gone = delete(ArticleTag).where(tuple_(ArticleTag.article_id, ArticleTag.tag_id).in_(links))
            db.session.execute(gone.execution_options(synchronize_session=False))

        return _tagging(article_ids, user_id, "articles.untag", key, True, unlink)


def _tag_name(name: str) -> str:
    label = one_line(name)[:80].strip()
    if not label:
        raise Rejected(Text("Write the tag", "Напишите тег"), "tag-empty")
    return label


def _tagging(
    article_ids: Iterable[int],
    user_id: int,
    action: str,
    key: str,
    tagged: bool,
    act: Callable[[Sequence[Article]], None],
) -> Outcome:
    outcome, chosen = Outcome(), []
    for article in _articles(article_ids):
        if (key in {link.tag.key for link in article.tag_links}) is tagged:
            chosen.append(article)
        else:
            outcome.skipped.append((article.number, Text("nothing to change", "менять нечего")))
    return _change(chosen, user_id, action, {}, outcome, act)


def _differing(article_ids: Iterable[int], user_id: int, action: str, values: Mapping[str, Any]) -> Outcome:
    outcome, chosen = Outcome(), []
    for article in _articles(article_ids):
        if all(getattr(article, name) == value for name, value in values.items()):
            outcome.skipped.append((article.number, Text("nothing to change", "менять нечего")))
        else:
            chosen.append(article)
    return _change(chosen, user_id, action, values, outcome)


def _articles(article_ids: Iterable[int]) -> list[Article]:
    wanted = sorted(set(article_ids))
    if len(wanted) > MOST:
        raise Rejected(
            Text(f"At most {MOST} articles at a time", f"Не больше {MOST} статей за один раз"), "articles-many"
        )
    query = select(Article).where(Article.id.in_(wanted)).order_by(Article.number).with_for_update(of=Article)
    return list(db.session.scalars(query.options(*_WHOLE).execution_options(populate_existing=True)))


_WHOLE = (
    selectinload(Article.tag_links),
    selectinload(Article.services),
    selectinload(Article.owner),
    selectinload(Article.folder),
)


def _change(
    chosen: Sequence[Article],
    user_id: int,
    action: str,
    values: Mapping[str, Any],
    outcome: Outcome,
    act: Callable[[Sequence[Article]], None] | None = None,
) -> Outcome:
    if not chosen:
        return outcome
    ids = [article.id for article in chosen]
    _keep_former(chosen)
    if act:
        act(chosen)
    about = {"version": Article.version + 1, "updated_at": now(), "updated_by_id": user_id}
    changed = update(Article).where(Article.id.in_(ids)).values(**values, **about)
    db.session.execute(changed.execution_options(synchronize_session=False))
    _carry_on(ids)
    after = _articles(ids)
    if "articles.tag" in action or "articles.untag" in action:
        _tell_tags(after)
    db.session.execute(insert(Version), [_version_row(article) for article in after])
    touch_index(ids)
    audit.record(action, "kb_articles", len(ids), after={**values, "numbers": [article.number for article in chosen]})
    outcome.done = len(ids)
    return outcome


def _tell_tags(articles: Sequence[Article]) -> None:
    """What answers while there is no index names the tags too."""
    rows = [
        {"id": row.id, "search_text": folded(" ".join([row.title, row.question, *row.keywords, *row.tags]))}
        for row in articles
    ]
    db.session.execute(update(Article), rows)


def _keep_former(articles: Sequence[Article]) -> None:
    pairs = [(article.id, article.version) for article in articles]
    kept = select(Version.article_id).where(tuple_(Version.article_id, Version.version).in_(pairs))
    there = set(db.session.scalars(kept))
    if rows := [_version_row(article) for article in articles if article.id not in there]:
        db.session.execute(insert(Version), rows)


def _version_row(article: Article) -> dict[str, Any]:
    return {
        "article_id": article.id,
        "version": article.version,
        "fields": article_fields.snapshot(article),
        "status": article.status,
        "note": "",
        "user_id": article.updated_by_id,
        "at": article.updated_at,
    }


def _carry_on(article_ids: Sequence[int]) -> None:
    """Working copies of these articles go on from the version that was made."""
    version = select(Article.version).where(Article.id == WorkingCopy.article_id).scalar_subquery()
    begun = update(WorkingCopy).where(WorkingCopy.article_id.in_(article_ids), WorkingCopy.base_version == version - 1)
    db.session.execute(begun.values(base_version=version).execution_options(synchronize_session=False))
