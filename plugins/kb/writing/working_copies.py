"""Changes that nobody reads yet: saved as typed, sent to review, published, given up.

A working copy holds the fields of an article as plain data (see :func:`plugins.kb.writing.article_fields.snapshot`), possibly
not complete. Its ``revision`` goes up with each save, compared and swapped, so that no window overwrites another's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from core import audit, notifications, permissions
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from plugins.kb import markup
from plugins.kb.models import Article, WorkingCopy
from plugins.kb.writing import article_fields, article_files, article_texts, articles, locks

NOTE_MOST = 1000
FILES_MOST = 200
LARGEST = 8 << 20
NOT_COPIED = ("publish_at", "group_id", "slug", "kind")


class CopyChanged(Rejected):
    """Another window saved the working copy; ``copy`` holds its text, the caller's is still with the caller."""

    def __init__(self, copy: WorkingCopy) -> None:
        self.copy = copy
        super().__init__(
            Text(
                f"{copy.user.name} saved other text in the meantime. Nothing is lost: both are shown, choose.",
                f"Тем временем {copy.user.name} сохранил(а) другой текст. Ничего не потеряно: показаны оба, выберите.",
            ),
            "copy-changed",
        )


def of(article_id: int) -> WorkingCopy | None:
    """The working copy of an article."""
    return db.session.scalar(select(WorkingCopy).where(WorkingCopy.article_id == article_id))


def find(copy_id: int, user_id: int) -> WorkingCopy:
    """An own working copy of an article still to be written. Raises ``Rejected`` (``copy-unknown``)."""
    found = db.session.get(WorkingCopy, copy_id)
    if found is None or found.article_id is not None or found.user_id != user_id:
        raise Rejected(Text("This draft is not there any more", "Этого черновика больше нет"), "copy-unknown")
    return found


def fields_of(article: Article, copy: WorkingCopy | None) -> dict[str, Any]:
    """What the editor shows: the working copy where there is one, else the article."""
    saved = article_fields.snapshot(article)
    return saved | copy.fields if copy else saved


def loosely(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are kept while being typed: safe and of one shape, though possibly not complete.

    Raises ``Rejected``: ``field-unknown``, ``article-size`` far above any limit, and what no later edit could mend.
    """
    files = [int(one) for one in fields.get("files", []) if str(one).isdecimal()][:FILES_MOST]
    fields = {name: value for name, value in fields.items() if name != "files"}
    article_fields.refuse_unknown(fields)
    kept = {name: value for name, value in fields.items() if name not in NOT_COPIED}
    for name in ("title", "question", "notes"):
        if name in kept:
            kept[name] = article_texts.many_lines(kept[name])
    for name in ("keywords", "tags", "products"):
        if name in kept:
            kept[name] = article_texts.words(kept[name])
    if "related" in kept:
        kept["related"] = article_fields.numbers(kept["related"])
    for name in ("review_at", "expires_at"):
        if name in kept:
            found = article_fields.moment(kept[name])
            kept[name] = found.isoformat() if found else None
    if "sections" in kept:
        kept["sections"] = [_section(part) for part in list(kept["sections"])[: article_texts.SECTIONS_MOST]]
    if article_fields.size(kept.get("sections", []), kept.get("notes", "")) > LARGEST:
        article_fields.check_size(kept.get("sections", []), kept.get("notes", ""))
    return kept | ({"files": files} if files else {})


def _section(part: Mapping[str, Any]) -> dict[str, Any]:
    source = part.get("markdown")
    html = markup.from_markdown(source) if source is not None else markup.sanitise(str(part.get("html") or ""))
    title = article_texts.one_line(part.get("title", ""))[: article_texts.SECTION_TITLE_MOST]
    return {"key": str(part.get("key") or "")[:40], "title": title, "html": html, "markdown": source}


def save(article_id: int, user_id: int, token: str, revision: int, fields: Mapping[str, Any]) -> WorkingCopy:
    """Keep what is typed. ``revision`` is that of the last save the window knows, 0 for the first one.

    Raises :class:`plugins.kb.writing.locks.LockLost` without the lock, :class:`CopyChanged` when another window saved.
    """
    with transaction():
        article = articles.find_article(article_id)
        locks.hold(article_id, token)
        kept = loosely(fields)
        if revision == 0:
            return _begin(article, user_id, kept)
        return _swap(of(article_id), user_id, revision, kept)


def _begin(article: Article, user_id: int, kept: dict[str, Any]) -> WorkingCopy:
    copy = WorkingCopy(article_id=article.id, user_id=user_id, base_version=article.version, fields=kept)
    copy.revision, copy.state, copy.note, copy.at = 1, "editing", "", now()
    try:
        with db.session.begin_nested():
            db.session.add(copy)
    except IntegrityError:
        there = of(article.id)
        if there is None:
            raise
        raise CopyChanged(there) from None
    return copy


def _swap(copy: WorkingCopy | None, user_id: int, revision: int, kept: dict[str, Any]) -> WorkingCopy:
    if copy is None:
        raise Rejected(
            Text(
                "This working copy was published or given up in another window. Your text stays here: copy it.",
                "Эту правку опубликовали или отменили в другом окне. Ваш текст остаётся здесь: скопируйте его.",
            ),
            "copy-unknown",
        )
    taken = update(WorkingCopy).where(WorkingCopy.id == copy.id, WorkingCopy.revision == revision)
    values = {"revision": revision + 1, "fields": kept, "user_id": user_id, "at": now(), "state": "editing"}
    result = db.session.execute(taken.values(**values).execution_options(synchronize_session=False))
    was = copy.state
    db.session.refresh(copy)
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise CopyChanged(copy)
    if was == "scheduled" and copy.article_id is not None:
        _unschedule(copy.article_id)
    return copy


def _unschedule(article_id: int) -> None:
    """A text that is being written again must not come out by itself."""
    db.session.execute(update(Article).where(Article.id == article_id).values(publish_at=None))


def save_new(copy_id: int | None, user_id: int, revision: int, fields: Mapping[str, Any]) -> WorkingCopy:
    """Keep what is typed of an article still to be written; ``copy_id`` None makes a new working copy."""
    with transaction():
        kept = loosely(fields)
        if copy_id is not None:
            return _swap(find(copy_id, user_id), user_id, revision, kept)
        copy = WorkingCopy(article_id=None, user_id=user_id, base_version=0, fields=kept)
        copy.revision, copy.state, copy.note, copy.at = 1, "editing", "", now()
        db.session.add(copy)
        db.session.flush()
        return copy


def create_from(copy_id: int, user_id: int, *, status: str = "draft") -> Article:
    """The article that a working copy of :func:`save_new` became; the copy is gone. Raises ``Rejected``."""
    with transaction():
        copy = find(copy_id, user_id)
        fields = dict(copy.fields)
        files = fields.pop("files", [])
        article = articles.create_article(user_id, fields, status=status)
        article_files.adopt(article, user_id, files)
        db.session.delete(copy)
        db.session.flush()
        return article


def apply(
    article_id: int,
    user_id: int | None,
    *,
    status: str | None = None,
    note: str = "",
    over: bool = False,
    action: str = "article.save",
) -> Article:
    """Write the working copy into the article; the copy is gone.

    Raises :class:`plugins.kb.writing.articles.EditedMeanwhile` when the article was saved since the copy was begun; ``over``
    writes it all the same (what was there is in the versions).
    """
    with transaction():
        article, copy = articles.find_article(article_id), of(article_id)
        fields: dict[str, Any] = dict(copy.fields) if copy else {}
        fields.pop("files", None)
        version = copy.base_version if copy and not over else article.version
        if status == "published":
            fields["publish_at"] = None
            _refuse_past(fields.get("expires_at", article.expires_at))
        article = articles.update_article(article_id, user_id, version, fields, status=status, note=note, action=action)
        if copy:
            _drop(copy)
        return article


def _drop(copy: WorkingCopy) -> None:
    """Remove what was read, unless a window saved more of it in between."""
    read = delete(WorkingCopy).where(WorkingCopy.id == copy.id, WorkingCopy.revision == copy.revision)
    result = db.session.execute(read.execution_options(synchronize_session=False))
    if result.rowcount != 1:  # type: ignore[attr-defined]
        db.session.refresh(copy)
        raise CopyChanged(copy)
    db.session.expunge(copy)


def _refuse_past(expires_at: Any) -> None:
    end = article_fields.moment(expires_at)
    if end is not None and end <= now():
        raise Rejected(
            Text(
                "The expiry date has passed: the article would vanish at once. Change it first.",
                "Срок действия уже прошёл: статья сразу исчезнет. Сначала измените срок.",
            ),
            "expiry-past",
        )


def publish(article_id: int, user_id: int | None, *, note: str = "", over: bool = False) -> Article:
    """Publish the article with what its working copy says. Raises as :func:`apply`, and ``expiry-past``."""
    with transaction():
        copy = of(article_id)
        author = copy.user_id if copy and copy.state == "review" else None
        article = apply(article_id, user_id, status="published", note=note, over=over, action="article.publish")
        if author is not None:
            _tell([author], "kb.review.approved", article, note, user_id)
        return article


def schedule(article_id: int, user_id: int, at: datetime) -> Article:
    """Publish at ``at`` what the article and its working copy say now. Raises ``Rejected`` (``publish-past``)."""
    with transaction():
        if at <= now():
            raise Rejected(
                Text("This moment has passed: publish now", "Это время уже прошло: опубликуйте сейчас"), "publish-past"
            )
        article, copy = articles.find_article(article_id), of(article_id)
        before = {"publish_at": article.publish_at}
        article.publish_at = at
        if copy is not None:
            copy.state = "scheduled"
        audit.record("article.schedule", "kb_article", article.number, before, {"publish_at": at})
        db.session.flush()
        return article


def submit(article_id: int, user_id: int, note: str = "") -> WorkingCopy:
    """Ask for a review; those who may publish are told. A draft without a working copy gets one."""
    with transaction():
        article = articles.find_article(article_id)
        copy = of(article_id) or _begin(article, user_id, {})
        copy.state, copy.note, copy.at = "review", article_texts.many_lines(note)[:NOTE_MOST], now()
        if article.status == "draft":
            articles.update_article(article_id, user_id, article.version, {}, status="review", action="article.submit")
        else:
            audit.record("article.submit", "kb_article", article.number, after={"note": copy.note})
        _tell(permissions.holders("kb.publish"), "kb.review.asked", article, copy.note, user_id)
        db.session.flush()
        return copy


def give_back(article_id: int, user_id: int, note: str) -> WorkingCopy:
    """Return what waits for review to its author with a note. Raises ``Rejected`` (``not-in-review``)."""
    with transaction():
        article, copy = articles.find_article(article_id), of(article_id)
        if copy is None or copy.state != "review":
            raise Rejected(Text("This does not wait for a review", "Эта правка не ждёт проверки"), "not-in-review")
        copy.state, copy.note, copy.at = "editing", article_texts.many_lines(note)[:NOTE_MOST], now()
        if article.status == "review":
            articles.update_article(article_id, user_id, article.version, {}, status="draft", action="article.return")
        else:
            audit.record("article.return", "kb_article", article.number, after={"note": copy.note})
        _tell([copy.user_id], "kb.review.returned", article, copy.note, user_id)
        db.session.flush()
        return copy


def discard(article_id: int, user_id: int, token: str) -> None:
    """Give up the working copy. Raises :class:`plugins.kb.writing.locks.LockLost` without the lock."""
    with transaction():
        article = articles.find_article(article_id)
        locks.hold(article_id, token)
        if (copy := of(article_id)) is None:
            return
        if copy.state == "scheduled":
            article.publish_at = None
        db.session.delete(copy)
        audit.record("article.discard", "kb_article", article.number, before={"title": copy.fields.get("title", "")})


def discard_new(copy_id: int, user_id: int) -> None:
    """Give up an article still to be written."""
    with transaction():
        db.session.delete(find(copy_id, user_id))


def _tell(user_ids: list[int], kind: str, article: Article, note: str, user_id: int | None) -> None:
    data = {"number": article.number, "title": article.title, "note": note[:140]}
    notifications.notify(user_ids, kind, f"/kb/articles/{article.number}", data, user_id)
