"""Folders of articles: made, renamed, moved, removed."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import exists, func, select, update

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from plugins.kb.models import Article, Folder
from plugins.kb.writing import article_fields
from plugins.kb.writing.article_texts import SLUG, folded, one_line
from plugins.kb.writing.articles import touch_index

DEPTH_MOST = 50
LATIN = str.maketrans(
    dict(
        zip(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            (*"abvgdee", "zh", *"zijklmnoprstuf", "kh", "c", "ch", "sh", "shch", "", "y", "", "e", "ju", "ja"),
            strict=True,
        )
    )
)


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
        before = _audited(folder) if folder else None
        if folder is None:
            folder = Folder(parent_id=parent_id, slug=slug)
            db.session.add(folder)
        _fill(folder, title_en=title_en, title_ru=title_ru, icon=icon, position=position)
        db.session.flush()
        audit.record("folder.save", "kb_folder", folder.id, before, _audited(folder))
        return folder


def _fill(folder: Folder, **values: Any) -> None:
    for name, value in values.items():
        setattr(folder, name, value if name == "position" else one_line(value)[: 40 if name == "icon" else 120])


def _audited(folder: Folder) -> dict[str, Any]:
    return {name: getattr(folder, name) for name in ("parent_id", "slug", "title_en", "title_ru", "icon", "position")}


def add_folder(parent_id: int | None, *, title_en: str, title_ru: str, icon: str = "folder") -> Folder:
    """A new folder, last among its neighbours; one title may stand for both. Raises ``Rejected`` (``folder-title``)."""
    with transaction():
        title_en, title_ru = _titles(title_en, title_ru)
        if parent_id is not None:
            article_fields.folder(parent_id)
        beside = select(func.max(Folder.position)).where(Folder.parent_id == parent_id)
        position = (db.session.scalar(beside) or 0) + 10
        slug = free_slug(parent_id, title_en)
        return save_folder(parent_id, slug, title_en=title_en, title_ru=title_ru, icon=icon, position=position)


def _titles(title_en: str, title_ru: str) -> tuple[str, str]:
    english, russian = one_line(title_en), one_line(title_ru)
    if not english and not russian:
        raise Rejected(Text("The folder needs a title", "У раздела должно быть название"), "folder-title")
    return english or russian, russian or english


def free_slug(parent_id: int | None, title: str) -> str:
    """A name for addresses and files made of a title, free among the neighbours."""
    base = re.sub(r"[^a-z0-9]+", "-", folded(title).translate(LATIN)).strip("-")[:60].strip("-") or "folder"
    taken = set(db.session.scalars(select(Folder.slug).where(Folder.parent_id == parent_id)))
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def rename_folder(folder_id: int, *, title_en: str, title_ru: str, icon: str | None = None) -> Folder:
    """Other titles and icon; its name in addresses stays. Articles are indexed anew, the path is searched too."""
    with transaction():
        folder = article_fields.folder(folder_id)
        before = _audited(folder)
        title_en, title_ru = _titles(title_en, title_ru)
        _fill(folder, title_en=title_en, title_ru=title_ru, icon=icon or folder.icon)
        _reindex(folder)
        audit.record("folder.rename", "kb_folder", folder.id, before, _audited(folder))
        return folder


def move_folder(folder_id: int, parent_id: int | None, before_id: int | None = None) -> Folder:
    """Put a folder into another one (None: the top), before the neighbour ``before_id`` or last.

    Raises ``Rejected`` (``folder-cycle``) for a place below itself.
    """
    with transaction():
        parents = _parents(lock=True)
        folder = article_fields.folder(folder_id)
        was = _audited(folder)
        if parent_id is not None:
            article_fields.folder(parent_id)
            if folder_id in _line(parents, parent_id):
                raise Rejected(
                    Text("A folder cannot lie inside itself", "Раздел нельзя переместить в него самого"), "folder-cycle"
                )
        if folder.parent_id != parent_id:
            folder.slug = free_slug(parent_id, folder.slug)
            folder.parent_id = parent_id
            _reindex(folder)
        db.session.flush()
        _line_up(folder, parent_id, before_id)
        audit.record("folder.move", "kb_folder", folder.id, was, _audited(folder))
        return folder


def _parents(lock: bool = False) -> dict[int, int | None]:
    """Each folder's parent; locked, two moves cannot make a ring together."""
    query = select(Folder.id, Folder.parent_id).order_by(Folder.id)
    return dict(map(tuple, db.session.execute(query.with_for_update() if lock else query)))


def _line(parents: dict[int, int | None], folder_id: int | None) -> list[int]:
    found: list[int] = []
    while folder_id is not None and len(found) < DEPTH_MOST:
        found.append(folder_id)
        folder_id = parents.get(folder_id)
    return found


def _line_up(folder: Folder, parent_id: int | None, before_id: int | None) -> None:
    query = select(Folder).where(Folder.parent_id == parent_id, Folder.id != folder.id)
    order = list(db.session.scalars(query.order_by(Folder.position, Folder.title_ru, Folder.id)))
    place = next((index for index, other in enumerate(order) if other.id == before_id), len(order))
    order.insert(place, folder)
    for index, other in enumerate(order, 1):
        other.position = index * 10


def below(folder_id: int) -> list[int]:
    """The folder and all below it."""
    parents = _parents()
    return [other for other in parents if folder_id in _line(parents, other)]


def _reindex(folder: Folder) -> None:
    db.session.flush()
    inside = select(Article.id).where(Article.folder_id.in_(below(folder.id)))
    touch_index(db.session.scalars(inside))


def contents(folder_id: int) -> tuple[int, int]:
    """How many articles and folders lie directly in it."""
    articles = select(func.count(Article.id)).where(Article.folder_id == folder_id)
    inner = select(func.count(Folder.id)).where(Folder.parent_id == folder_id)
    return db.session.scalar(articles) or 0, db.session.scalar(inner) or 0


def delete_folder(folder_id: int, into_id: int | None = None) -> None:
    """Remove a folder; what lies in it is moved to ``into_id`` first.

    Raises ``Rejected``: ``folder-in-use`` when it holds something and no other is named, ``folder-cycle`` for one
    below it, ``title-taken`` when an article of the same title is there already.
    """
    with transaction():
        folder = article_fields.folder(folder_id)
        articles, inner = contents(folder_id)
        if (articles or inner) and into_id is None:
            raise Rejected(
                Text(
                    f"The folder holds {articles} articles and {inner} folders: choose where they go",
                    f"В разделе статей: {articles}, разделов: {inner}. Выберите, куда их переместить",
                ),
                "folder-in-use",
            )
        if into_id is not None:
            _empty(folder, into_id)
        audit.record("folder.delete", "kb_folder", folder.id, before=_audited(folder))
        db.session.delete(folder)
        db.session.flush()


def _empty(folder: Folder, into_id: int) -> None:
    target = article_fields.folder(into_id)
    if into_id in below(folder.id):
        raise Rejected(
            Text("A folder cannot lie inside itself", "Раздел нельзя переместить в него самого"), "folder-cycle"
        )
    _refuse_same_titles(folder, target)
    inside = list(db.session.scalars(select(Article.id).where(Article.folder_id == folder.id)))
    move = update(Article).where(Article.folder_id == folder.id)
    db.session.execute(
        move.values(folder_id=into_id, version=Article.version + 1).execution_options(synchronize_session="fetch")
    )
    touch_index(inside)
    for inner in list(
        db.session.scalars(select(Folder).where(Folder.parent_id == folder.id).order_by(Folder.position))
    ):
        move_folder(inner.id, into_id)


def _refuse_same_titles(folder: Folder, target: Folder) -> None:
    other = Article.__table__.alias()
    same = exists().where(other.c.folder_id == target.id, other.c.title_key == Article.title_key)
    title = db.session.scalar(select(Article.title).where(Article.folder_id == folder.id, same).limit(1))
    if title is not None:
        raise Rejected(
            Text(
                f"«{titled(target, 'en')}» has an article «{title}» already: rename one of them first",
                f"В разделе «{titled(target, 'ru')}» уже есть статья «{title}»: сначала переименуйте одну из них",
            ),
            "title-taken",
        )


def titled(folder: Folder, language: str) -> str:
    """The folder's title in a language."""
    return folder.title_en if language == "en" else folder.title_ru
