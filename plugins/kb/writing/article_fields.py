"""The fields of an article: written to the row, and read from it as plain data for versions and working copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from core.contracts import Rejected, Text
from core.db import db
from core.house import okno
from core.model import Service, User
from plugins.kb.models import KINDS, STATUSES, Article, ArticleTag, Folder, Tag
from plugins.kb.writing import article_texts
from plugins.kb.writing.article_texts import LANGUAGES, folded, many_lines, sections, words

PLAIN_FIELDS = ("slug", "title", "question", "keywords", "notes", "language", "products", "public")
KEPT_FIELDS = ("owner", "review_at", "publish_at", "expires_at", "kind", "related", "group_id")
FIELDS = (*PLAIN_FIELDS, "folder_id", "sections", "tags", "services", *KEPT_FIELDS)
MOMENTS = ("review_at", "publish_at", "expires_at")


def snapshot(article: Article) -> dict[str, Any]:
    """All of ``FIELDS`` as JSON: services by key, the owner by login, moments in ISO 8601."""
    plain = {name: getattr(article, name) for name in PLAIN_FIELDS}
    moments = {name: _iso(getattr(article, name)) for name in MOMENTS}
    return {
        **plain,
        "folder_id": article.folder_id or article.folder.id,
        "sections": [dict(section) for section in article.sections],
        "tags": article.tags,
        "services": sorted(service.key for service in article.services),
        "owner": article.owner.login if article.owner else None,
        **moments,
        "kind": article.kind,
        "related": list(article.related),
        "group_id": article.group_id,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def refuse_unknown(fields: Mapping[str, Any]) -> None:
    """Raises ``Rejected`` (``field-unknown``) for names that are not of ``FIELDS``."""
    if unknown := sorted(set(fields) - set(FIELDS)):
        raise Rejected(
            Text(f"Unknown field: {', '.join(unknown)}", f"Неизвестное поле: {', '.join(unknown)}"), "field-unknown"
        )


def status(value: str) -> str:
    """One of ``STATUSES``. Raises ``Rejected`` (``status-unknown``)."""
    if value not in STATUSES:
        names = ", ".join(STATUSES)
        raise Rejected(
            Text(f"The status must be one of {names}", f"Состояние статьи: одно из {names}"), "status-unknown"
        )
    return value


def apply(article: Article, fields: Mapping[str, Any]) -> None:
    """Write the given fields to the row, checked. Raises ``Rejected``; the row may be half written then."""
    for name, clean in _CLEAN.items():
        if name in fields:
            setattr(article, name, clean(fields[name]))
    if "sections" in fields:
        article.sections = sections(fields["sections"], article.language or "ru")
    if "folder_id" in fields:
        article.folder = folder(fields["folder_id"])
    if "tags" in fields:
        _set_tags(article, words(fields["tags"]))
    if "services" in fields:
        article.services = services(fields["services"])
    if "owner" in fields:
        article.owner = owner(fields["owner"])
    article.title_key = folded(article.title)
    article.search_text = folded(" ".join([article.title, article.question, *article.keywords, *article.tags]))
    check_size(article.sections, article.notes)
    _check_title(article)
    _check_group(article)


def _language(value: Any) -> str:
    if value not in LANGUAGES:
        raise Rejected(Text("The language must be ru or en", "Язык статьи: ru или en"), "language-unknown")
    return str(value)


def _kind(value: Any) -> str:
    if value not in KINDS:
        raise Rejected(Text("The kind must be article or map", "Вид: статья или карта знаний"), "kind-unknown")
    return str(value)


def moment(value: Any) -> datetime | None:
    """An aware moment of a datetime or ISO 8601 text; None for nothing. Raises ``Rejected`` (``moment-wrong``)."""
    if value in (None, ""):
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Rejected(
            Text("This is not a date: use 2026-05-31", "Это не дата: нужно 2026-05-31"), "moment-wrong"
        ) from None


def numbers(values: Iterable[Any]) -> list[int]:
    """The numbers of related articles: whole, each once, in order; what is no number is left out."""
    found = (str(value).strip().removeprefix("№").strip() for value in values)
    return list(dict.fromkeys(int(text) for text in found if text.isdecimal() and len(text) < 10))[:50]


_CLEAN: dict[str, Callable[[Any], Any]] = {
    "title": article_texts.title,
    "question": many_lines,
    "notes": many_lines,
    "language": _language,
    "slug": lambda value: str(value)[:120],
    "keywords": words,
    "products": words,
    "public": bool,
    "kind": _kind,
    "related": numbers,
    "group_id": lambda value: int(value) if value else None,
    **dict.fromkeys(MOMENTS, moment),
}


def folder(folder_id: Any) -> Folder:
    """The folder. Raises ``Rejected`` (``folder-unknown``)."""
    found = db.session.get(Folder, folder_id) if folder_id else None
    if found is None:
        raise Rejected(Text("Choose a folder", "Выберите раздел"), "folder-unknown")
    return found


def owner(value: Any) -> User | None:
    """The user with this id or login; None for nothing. Raises ``Rejected`` (``owner-unknown``)."""
    if value in (None, ""):
        return None
    match = User.id == value if isinstance(value, int) else func.lower(User.login) == str(value).lower()
    found = db.session.scalar(select(User).where(match))
    if found is None:
        raise Rejected(Text(f"There is no user '{value}'", f"Нет пользователя «{value}»"), "owner-unknown")
    return found


def services(keys: Iterable[str]) -> list[Service]:
    """The services with these keys. Raises ``Rejected`` naming the first that is not there."""
    wanted = list(dict.fromkeys(keys))
    found = (
        {row.key: row for row in db.session.scalars(select(Service).where(Service.key.in_(wanted)))} if wanted else {}
    )
    for key in wanted:
        if key not in found:
            raise Rejected(Text(f"There is no service '{key}'", f"Нет сервиса «{key}»"), "service-unknown")
    return [found[key] for key in wanted]


def tags(names: Sequence[str]) -> dict[str, Tag]:
    """The tags with these names by their keys, made where they are new."""
    keys = [folded(name) for name in names]
    known = {tag.key: tag for tag in db.session.scalars(select(Tag).where(Tag.key.in_(keys)))} if keys else {}
    for name, key in zip(names, keys, strict=True):
        if key not in known:
            known[key] = Tag(name=name, key=key)
            db.session.add(known[key])
    return known


def _set_tags(article: Article, names: Sequence[str]) -> None:
    known, keys = tags(names), [folded(name) for name in names]
    links = {link.tag.key: link for link in article.tag_links}
    article.tag_links = [links.get(key) or ArticleTag(tag=known[key]) for key in keys]
    for position, link in enumerate(article.tag_links):
        link.position = position


def size(parts: Iterable[Mapping[str, Any]], notes: str) -> int:
    """What counts against the limit, in bytes: the HTML of all sections and the notes."""
    return sum(len(str(part.get("html") or "").encode()) for part in parts) + len(notes.encode())


def check_size(parts: Iterable[Mapping[str, Any]], notes: str) -> None:
    """Raises ``Rejected`` (``article-size``) above the setting ``kb.article_max_kb``."""
    most = int(okno().config.get("kb.article_max_kb"))
    if size(parts, notes) > most * 1024:
        raise Rejected(
            Text(
                f"An article of the knowledge base may have {most} KB",
                f"Превышен лимит в {most} КБ на статью в Базе знаний",
            ),
            "article-size",
        )


def _check_title(article: Article) -> None:
    if article.folder is None:
        raise Rejected(Text("Choose a folder", "Выберите раздел"), "folder-unknown")
    same = select(Article.number).where(Article.folder_id == article.folder.id, Article.title_key == article.title_key)
    if article.id is not None:
        same = same.where(Article.id != article.id)
    if (number := db.session.scalar(same)) is not None:
        raise Rejected(
            Text(
                f"The folder has an article «{article.title}» already (№{number})",
                f"В этом разделе уже есть статья «{article.title}» (№{number})",
            ),
            "title-taken",
        )


def _check_group(article: Article) -> None:
    if article.group_id is None:
        return
    same = select(Article.number).where(Article.group_id == article.group_id, Article.language == article.language)
    if article.id is not None:
        same = same.where(Article.id != article.id)
    if (number := db.session.scalar(same)) is not None:
        raise Rejected(
            Text(
                f"There is a translation in this language already: №{number}",
                f"Перевод на этот язык уже есть: №{number}",
            ),
            "translation-taken",
        )
