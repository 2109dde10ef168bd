"""The files of articles: pictures in the text and attachments, checked by their content, kept in the core's store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import joinedload

from core import audit, photos, storage
from core.contracts import FileIn, Rejected, Text
from core.db import db, transaction
from core.house import okno
from plugins.kb.models import Article, ArticleFile

PIXELS_MOST = 40_000_000
SIDE_MOST = 16_000
FILES_MOST = 200
NAME_MOST = 200
ADDRESS = re.compile(r'/kb/files/(\d{1,9})(?:/[^"\s]*)?')


def add(article_id: int | None, user_id: int | None, file: FileIn, *, picture: bool) -> ArticleFile:
    """Keep a file of an article, or of one still to be written (None). ``picture``: it will stand in the text.

    Raises ``Rejected``: ``file-empty``, ``article-file-large``, ``file-type``, ``image-pixels``, ``files-many``.
    """
    kind = _checked(file, picture)
    with transaction():
        if article_id is not None:
            held = db.session.scalar(select(func.count(ArticleFile.id)).where(ArticleFile.article_id == article_id))
            if (held or 0) >= FILES_MOST:
                raise Rejected(
                    Text(f"At most {FILES_MOST} files an article", f"У статьи не больше {FILES_MOST} файлов"),
                    "files-many",
                )
        row = ArticleFile(
            article_id=article_id,
            sha256=storage.put(file.content),
            name=clean_name(file.name),
            content_type=kind,
            inline=picture,
            user_id=user_id,
        )
        db.session.add(row)
        db.session.flush()
        audit.record("article.file", "kb_file", row.id, after={"name": row.name, "size": len(file.content)})
        return row


def _checked(file: FileIn, picture: bool) -> str:
    most = int(okno().config.get("kb.file_mb"))
    if not file.content:
        raise Rejected(Text(f"«{file.name}» is empty", f"Файл «{file.name}» пуст"), "file-empty")
    if len(file.content) > most << 20:
        words = Text(
            f"«{file.name}» is larger than {most} MB: compress it or link to it",
            f"Файл «{file.name}» больше {most} МБ: сожмите его или дайте ссылку",
        )
        raise Rejected(words, "article-file-large")
    found = measure(file.content)
    if found is None:
        if picture:
            words = Text(
                f"«{file.name}» is not a picture we can show: PNG, JPEG, GIF or WebP",
                f"«{file.name}» не показать картинкой: нужен PNG, JPEG, GIF или WebP",
            )
            raise Rejected(words, "file-type")
        return file.content_type[:120] or "application/octet-stream"
    kind, width, height = found
    if max(width, height) > SIDE_MOST or width * height > PIXELS_MOST:
        words = Text(
            f"«{file.name}» has {width} × {height} pixels, at most {PIXELS_MOST // 1_000_000} million are shown",
            f"В картинке «{file.name}» {width} × {height} точек, а показать можно до {PIXELS_MOST // 1_000_000} млн",
        )
        raise Rejected(words, "image-pixels")
    return kind


def measure(content: bytes) -> tuple[str, int, int] | None:
    """Content type, width and height of a picture by its header, nothing is decoded; None for anything else."""
    # GIF89a, 18: the signature, then the logical screen's width and height.
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        return "image/gif", int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    return photos.examine(content)


def clean_name(name: str) -> str:
    """A file's name without folders and what addresses or headers could stumble over."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r'[\x00-\x1f<>:"|?*#%]', "_", last).strip(" .")[:NAME_MOST] or "file"


def find(file_id: int) -> ArticleFile:
    """The file. Raises ``Rejected`` (``file-unknown``)."""
    row = db.session.get(ArticleFile, file_id)
    if row is None:
        raise Rejected(Text("There is no such file", "Такого файла нет"), "file-unknown")
    return row


def attached(article_id: int | None) -> Sequence[ArticleFile]:
    """The attachments of an article by name, without the pictures of its text."""
    if article_id is None:
        return []
    query = select(ArticleFile).where(ArticleFile.article_id == article_id, ArticleFile.inline.is_(False))
    return db.session.scalars(query.options(joinedload(ArticleFile.file)).order_by(ArticleFile.name)).all()


def of_ids(file_ids: Iterable[int]) -> Sequence[ArticleFile]:
    """Attachments of an article still to be written."""
    query = select(ArticleFile).where(ArticleFile.id.in_(list(file_ids)), ArticleFile.inline.is_(False))
    return db.session.scalars(query.options(joinedload(ArticleFile.file)).order_by(ArticleFile.name)).all()


def remove(file_id: int) -> None:
    """Take an attachment off its article. What a version still shows stays in the store."""
    with transaction():
        row = find(file_id)
        audit.record("article.file.remove", "kb_file", row.id, before={"name": row.name})
        db.session.delete(row)


def adopt(article: Article, user_id: int | None, file_ids: Iterable[int] = ()) -> None:
    """Files that were added while the article was still to be written become the article's, in the open transaction."""
    named = {int(number) for part in article.sections for number in ADDRESS.findall(part["html"])} | set(file_ids)
    if named:
        mine = update(ArticleFile).where(ArticleFile.id.in_(named), ArticleFile.article_id.is_(None))
        if user_id is not None:
            mine = mine.where(or_(ArticleFile.user_id == user_id, ArticleFile.user_id.is_(None)))
        db.session.execute(mine.values(article_id=article.id).execution_options(synchronize_session="fetch"))
