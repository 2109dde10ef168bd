"""Everything that changes articles and folders. Each operation owns its transaction or joins the caller's.

What is wrong is told as :class:`core.contracts.Rejected` with texts in both languages; nothing is half saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update

from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Service
from plugins.kb import markup
from plugins.kb.models import STATUSES, Article, ArticleTag, Dirty, Folder, Tag

FIRST_NUMBER = 1000
TITLE_MOST, SECTION_TITLE_MOST, TAG_MOST, SECTIONS_MOST = 300, 120, 80, 20
LANGUAGES = ("ru", "en")
SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SECTION_KEYS = {
    "общее решение": "solution",
    "general solution": "solution",
    "почтовый ответ": "reply",
    "email reply": "reply",
    "для экспертов": "experts",
    "for experts": "experts",
}
SECTION_TITLES = {
    "solution": Text("General solution", "Общее решение"),
    "reply": Text("Email reply", "Почтовый ответ"),
    "experts": Text("For experts", "Для экспертов"),
}
PLAIN_FIELDS = ("slug", "title", "question", "keywords", "notes", "language", "products", "public")
FIELDS = (*PLAIN_FIELDS, "folder_id", "sections", "tags", "services")


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


def one_line(value: Any) -> str:
    """``value`` as text with white space collapsed; control characters go."""
    return " ".join("".join(character if character.isprintable() else " " for character in str(value)).split())


def many_lines(value: Any) -> str:
    """``value`` as text with plain line ends, without outer blank lines and what data bases refuse."""
    return str(value).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()


def folded(text: str) -> str:
    """What makes two titles or tags the same: case, «ё» and white space do not count."""
    return one_line(text).casefold().replace("ё", "е")


# --- folders -----------------------------------------------------------------------------------------


def save_folder(
    parent_id: int | None, slug: str, *, title_en: str, title_ru: str, icon: str = "folder", position: int = 0
) -> Folder:
    """The folder ``slug`` within ``parent_id``, made or brought up to date."""
    if not SLUG.fullmatch(slug):
        raise Rejected(
            Text(
                f"A folder's name may hold a-z, 0-9, - and _, not «{slug}»",
                f"Имя раздела: a-z, 0-9, - и _, а не «{slug}»",
            ),
            "folder-name",
        )
    with transaction():
        folder = db.session.scalar(select(Folder).where(Folder.parent_id == parent_id, Folder.slug == slug))
        if folder is None:
            folder = Folder(parent_id=parent_id, slug=slug)
            db.session.add(folder)
        values = {
            "title_en": one_line(title_en)[:120],
            "title_ru": one_line(title_ru)[:120],
            "icon": icon[:40],
            "position": position,
        }
        for name, value in values.items():
            setattr(folder, name, value)
        db.session.flush()
        return folder


# --- articles ----------------------------------------------------------------------------------------


def create_article(
    user_id: int | None, fields: Mapping[str, Any], *, number: int | None = None, status: str = "draft"
) -> Article:
    """Write a new article; ``number`` None takes the next one.

    ``fields``: see ``FIELDS``; ``sections`` are mappings with ``title`` and ``markdown`` or ``html`` (and ``key``),
    ``tags`` names, ``services`` keys of services. Raises ``Rejected``.
    """
    with transaction():
        _refuse_unknown(fields)
        article = Article(
            number=_free_number(number),
            status=_status(status),
            created_by_id=user_id,
            updated_by_id=user_id,
            keywords=[],
            sections=[],
        )
        article.question = article.notes = ""
        with db.session.no_autoflush:
            _apply(article, {"title": "", **fields})
        db.session.add(article)
        db.session.flush()
        _dirty(article)
        return article


def update_article(
    article_id: int, user_id: int | None, version: int, fields: Mapping[str, Any], *, status: str | None = None
) -> Article:
    """Save an edit that began at ``version``. Raises :class:`EditedMeanwhile` when somebody else saved in between."""
    with transaction():
        _refuse_unknown(fields)
        taken = update(Article).where(Article.id == article_id, Article.version == version)
        result = db.session.execute(taken.values(version=version + 1).execution_options(synchronize_session=False))
        article = find_article(article_id)
        db.session.refresh(article)
        if result.rowcount != 1:  # type: ignore[attr-defined]
            raise EditedMeanwhile(article)
        with db.session.no_autoflush:
            _apply(article, fields)
        article.updated_at, article.updated_by_id = now(), user_id
        if status is not None:
            article.status = _status(status)
        db.session.flush()
        _dirty(article)
        return article


def set_status(article_id: int, user_id: int | None, status: str) -> Article:
    """Publish, withdraw or archive."""
    with transaction():
        article = find_article(article_id)
        return update_article(article_id, user_id, article.version, {}, status=status)


def find_article(article_id: int) -> Article:
    """The article; raises ``Rejected``."""
    article = db.session.get(Article, article_id)
    if article is None:
        raise Rejected(Text("There is no such article", "Такой статьи нет"), "article-unknown")
    return article


def touch_index(article_ids: Iterable[int | None]) -> None:
    """Tell the indexer what changed, in the open transaction; None means everything."""
    db.session.add_all(Dirty(article_id=article_id) for article_id in article_ids)


def _dirty(article: Article) -> None:
    touch_index([article.id])


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    if unknown := sorted(set(fields) - set(FIELDS)):
        raise Rejected(
            Text(f"Unknown field: {', '.join(unknown)}", f"Неизвестное поле: {', '.join(unknown)}"), "field-unknown"
        )


def _status(status: str) -> str:
    if status not in STATUSES:
        names = ", ".join(STATUSES)
        raise Rejected(
            Text(f"The status must be one of {names}", f"Состояние статьи: одно из {names}"), "status-unknown"
        )
    return status


def _free_number(number: int | None) -> int:
    if number is None:
        return max(FIRST_NUMBER, db.session.scalar(select(func.max(Article.number))) or 0) + 1
    if not 0 < number < 1_000_000_000:
        raise Rejected(Text("The number must be positive", "Номер должен быть положительным"), "number-wrong")
    if (title := db.session.scalar(select(Article.title).where(Article.number == number))) is not None:
        raise Rejected(Text(f"№{number} is «{title}» already", f"Номер {number} уже занят: «{title}»"), "number-taken")
    return number


def _apply(article: Article, fields: Mapping[str, Any]) -> None:
    for name in ("title", "question", "notes", "language", "slug"):
        if name in fields:
            setattr(article, name, _CLEAN[name](fields[name]))
    for name in ("keywords", "products"):
        if name in fields:
            setattr(article, name, words(fields[name]))
    if "public" in fields:
        article.public = bool(fields["public"])
    if "sections" in fields:
        article.sections = sections(fields["sections"], article.language or "ru")
    if "folder_id" in fields:
        article.folder = _folder(fields["folder_id"])
    if "tags" in fields:
        _set_tags(article, words(fields["tags"]))
    if "services" in fields:
        article.services = services(fields["services"])
    article.title_key = folded(article.title)
    article.search_text = folded(" ".join([article.title, article.question, *article.keywords, *article.tags]))
    _check_size(article)
    _check_title(article)


def _title(value: Any) -> str:
    title = one_line(value)
    if not title:
        raise Rejected(Text("The article needs a title", "У статьи должно быть название"), "title-empty")
    if len(title) > TITLE_MOST:
        raise Rejected(
            Text(f"The title is longer than {TITLE_MOST} characters", f"Название длиннее {TITLE_MOST} знаков"),
            "title-long",
        )
    return title


def _language(value: Any) -> str:
    if value not in LANGUAGES:
        raise Rejected(Text("The language must be ru or en", "Язык статьи: ru или en"), "language-unknown")
    return str(value)


_CLEAN = {
    "title": _title,
    "question": many_lines,
    "notes": many_lines,
    "language": _language,
    "slug": lambda value: str(value)[:120],
}


def _folder(folder_id: Any) -> Folder:
    folder = db.session.get(Folder, folder_id) if folder_id else None
    if folder is None:
        raise Rejected(Text("Choose a folder", "Выберите раздел"), "folder-unknown")
    return folder


def words(values: Iterable[Any]) -> list[str]:
    """A list of short texts without empty ones and repeats, in order."""
    found: dict[str, str] = {}
    for value in values:
        if text := one_line(value)[:TAG_MOST].strip():
            found.setdefault(folded(text), text)
    return list(found.values())


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


def _set_tags(article: Article, names: Sequence[str]) -> None:
    keys = [folded(name) for name in names]
    known = {tag.key: tag for tag in db.session.scalars(select(Tag).where(Tag.key.in_(keys)))} if keys else {}
    for name, key in zip(names, keys, strict=True):
        if key not in known:
            known[key] = Tag(name=name, key=key)
            db.session.add(known[key])
    links = {link.tag.key: link for link in article.tag_links}
    article.tag_links = [links.get(key) or ArticleTag(tag=known[key]) for key in keys]
    for position, link in enumerate(article.tag_links):
        link.position = position


def sections(given: Iterable[Mapping[str, Any]], language: str) -> list[dict[str, Any]]:
    """Checked sections in order; Markdown is rendered, HTML sanitised, empty ones left out. Raises ``Rejected``."""
    result: list[dict[str, Any]] = []
    taken: set[str] = set()
    for item in given:
        source = None if item.get("markdown") is None else many_lines(item["markdown"])
        html = markup.from_markdown(source) if source is not None else markup.sanitise(many_lines(item.get("html", "")))
        if not html:
            continue
        title = one_line(item.get("title", ""))[:SECTION_TITLE_MOST].strip() or SECTION_TITLES["solution"].to(language)
        key = str(item.get("key") or section_key(title, len(result)))[:40]
        if key in taken:
            raise Rejected(
                Text(f"Two sections are called «{title}»", f"Две части статьи называются «{title}»"), "section-twice"
            )
        taken.add(key)
        result.append({"key": key, "title": title, "html": html, "markdown": source})
    if len(result) > SECTIONS_MOST:
        raise Rejected(Text(f"At most {SECTIONS_MOST} sections", f"Не больше {SECTIONS_MOST} частей"), "sections-many")
    return result


def section_key(title: str, index: int) -> str:
    """The key of a section that names none: a known one by its title, else its place."""
    return SECTION_KEYS.get(title.casefold(), f"part-{index + 1}")


def _check_size(article: Article) -> None:
    most = int(okno().config.get("kb.article_max_kb"))
    size = sum(len(section["html"].encode()) for section in article.sections) + len(article.notes.encode())
    if size > most * 1024:
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
