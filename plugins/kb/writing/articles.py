"""Writing articles. Every save makes a version, tells the indexer and the audit log; nothing is half saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select, update

from core import audit
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from plugins.kb.models import Article, Dirty, WorkingCopy
from plugins.kb.readers import candidate_closing
from plugins.kb.use import links
from plugins.kb.writing import article_fields, versions

FIRST_NUMBER = 1000
AUDITED = ("title", "status", "folder_id", "language", "public", "owner", "publish_at", "expires_at", "review_at")


class EditedMeanwhile(Rejected):
    """Somebody else saved the article first; ``article`` is theirs, what the second one wrote is still with the caller."""

    def __init__(self, article: Article) -> None:
        self.article = article
        who = article.updated_by.name if article.updated_by else ""
        super().__init__(
            Text(
                f"{who or 'Somebody'} saved this article while you were editing. Nothing is lost: compare and save again.",
                f"Пока вы правили статью, её сохранил другой редактор{f' ({who})' if who else ''}. "
                "Ваш текст не потерян: сравните и сохраните ещё раз.",
            ),
            "edited-meanwhile",
        )


def create_article(
    user_id: int | None,
    fields: Mapping[str, Any],
    *,
    number: int | None = None,
    status: str = "draft",
    note: str = "",
) -> Article:
    """Write a new article; ``number`` None takes the next one.

    ``fields``: see ``FIELDS``; ``sections`` are mappings with ``title`` and ``markdown`` or ``html`` (and ``key``),
    ``tags`` names, ``services`` keys of services, ``owner`` a login or id, moments aware or ISO 8601. Raises ``Rejected``.
    """
    with transaction():
        article_fields.refuse_unknown(fields)
        article = Article(
            number=_free_number(number),
            status=article_fields.status(status),
            created_by_id=user_id,
            updated_by_id=user_id,
            keywords=[],
            sections=[],
            related=[],
            kind="article",
            version=1,
        )
        article.question = article.notes = ""
        with db.session.no_autoflush:
            article_fields.apply(article, {"title": "", **fields})
        if status == "published":
            article.published_at = now()
        db.session.add(article)
        db.session.flush()
        _saved(article, note)
        audit.record("article.create", "kb_article", article.number, after=_audited(article))
        return article


def update_article(
    article_id: int,
    user_id: int | None,
    version: int,
    fields: Mapping[str, Any],
    *,
    status: str | None = None,
    note: str = "",
    action: str = "article.save",
) -> Article:
    """Save an edit that began at ``version``. Raises :class:`EditedMeanwhile` when somebody else saved in between.

    ``note`` is kept with the version, ``action`` names the change in the audit log.
    """
    with transaction():
        article_fields.refuse_unknown(fields)
        taken = update(Article).where(Article.id == article_id, Article.version == version)
        result = db.session.execute(taken.values(version=version + 1).execution_options(synchronize_session=False))
        article = find_article(article_id)
        db.session.refresh(article)
        if result.rowcount != 1:  # type: ignore[attr-defined]
            raise EditedMeanwhile(article)
        versions.keep_former(article, version)
        before = _audited(article) | {"version": version}
        with db.session.no_autoflush:
            article_fields.apply(article, fields)
        article.updated_at, article.updated_by_id = now(), user_id
        if status is not None:
            if status == "published" != article.status:
                article.published_at = now()
            article.status = article_fields.status(status)
        db.session.flush()
        db.session.expire(article, ["updated_by"])
        _saved(article, note)
        if set(fields) <= {"publish_at"}:
            _carry_on(article)
        audit.record(action, "kb_article", article.number, before, _audited(article))
        return article


def set_status(article_id: int, user_id: int | None, status: str, *, note: str = "") -> Article:
    """Publish, withdraw or archive the article as it is; a working copy stays one."""
    with transaction():
        article = find_article(article_id)
        action = {"published": "article.publish", "archived": "article.archive"}.get(status, "article.withdraw")
        fields = {"publish_at": None} if status in ("published", "archived") else {}
        return update_article(article_id, user_id, article.version, fields, status=status, note=note, action=action)


def restore_version(article_id: int, user_id: int | None, version: int) -> Article:
    """Make the article say again what it said in ``version``, as a new version; its status stays.

    What is gone since (a folder, a service, the owner) is left as it is now. Raises ``Rejected`` (``version-unknown``).
    """
    with transaction():
        article = find_article(article_id)
        old = versions.find(article_id, version)
        fields = versions.usable(old.fields)
        note = f"↺ {version}"
        return update_article(article_id, user_id, article.version, fields, note=note, action="article.restore")


def mark_reviewed(article_id: int, user_id: int | None, review_at: Any = None) -> Article:
    """Note that the article was read and is right; ``review_at`` is when to look again (None: never)."""
    with transaction():
        article = find_article(article_id)
        article.reviewed_at = now()
        return update_article(
            article_id, user_id, article.version, {"review_at": review_at}, note="✓", action="article.review"
        )


def translation(article_id: int, user_id: int, language: str) -> Article:
    """The article's translation into ``language``: the one there is, or a new draft that says the same still.

    Raises ``Rejected`` (``language-unknown``).
    """
    with transaction():
        article = find_article(article_id)
        if article.language == language:
            return article
        if article.group_id is None:
            article.group_id = article.id
            db.session.flush()
        same = select(Article).where(Article.group_id == article.group_id, Article.language == language)
        if (found := db.session.scalar(same)) is not None:
            return found
        fields = {**article_fields.snapshot(article), "language": language, "public": False, "publish_at": None}
        titles = {"title": _free_title(article, language), "slug": "", "group_id": article.group_id}
        return create_article(user_id, fields | titles, note=f"№{article.number} → {language}")


def _free_title(article: Article, language: str) -> str:
    return f"{article.title[:290]} [{language}]"


def find_article(article_id: int) -> Article:
    """The article; raises ``Rejected``."""
    article = db.session.get(Article, article_id)
    if article is None:
        raise Rejected(Text("There is no such article", "Такой статьи нет"), "article-unknown")
    return article


def touch_index(article_ids: Iterable[int | None]) -> None:
    """Tell the indexer what changed, in the open transaction; None means everything."""
    db.session.add_all(Dirty(article_id=article_id) for article_id in article_ids)


def _saved(article: Article, note: str) -> None:
    versions.keep(article, note)
    links.note(article)
    if article.status == "published":
        candidate_closing.close_published(article)
    touch_index([article.id])


def _carry_on(article: Article) -> None:
    """What is being written goes on from here: only the article's status changed, not what it says."""
    begun = update(WorkingCopy).where(WorkingCopy.article_id == article.id)
    db.session.execute(
        begun.where(WorkingCopy.base_version == article.version - 1)
        .values(base_version=article.version)
        .execution_options(synchronize_session="fetch")
    )


def _audited(article: Article) -> dict[str, Any]:
    fields = article_fields.snapshot(article) | {"status": article.status, "version": article.version}
    return {name: fields[name] for name in (*AUDITED, "version")}


def _free_number(number: int | None) -> int:
    if number is None:
        return max(FIRST_NUMBER, db.session.scalar(select(func.max(Article.number))) or 0) + 1
    if not 0 < number < 1_000_000_000:
        raise Rejected(Text("The number must be positive", "Номер должен быть положительным"), "number-wrong")
    if (title := db.session.scalar(select(Article.title).where(Article.number == number))) is not None:
        raise Rejected(Text(f"№{number} is «{title}» already", f"Номер {number} уже занят: «{title}»"), "number-taken")
    return number
