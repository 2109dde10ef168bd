"""Articles of Zendesk Guide and Freshdesk Solutions as their APIs give them in JSON; and out again in Zendesk's shape.

What other systems have no field for is kept under ``okno``, so that nothing is lost on the way back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plugins.kb.exchange.csv_exchange import decoded
from plugins.kb.exchange.importer import Importer, Item, Progress
from plugins.kb.exchange.portable import (
    USUAL,
    BadItem,
    BadSource,
    FolderSpec,
    Outcome,
    Portable,
    address_back,
    count,
    every_article,
)
from plugins.kb.public.slugs import slug_of
from plugins.kb.writing.article_texts import SECTION_TITLES, one_line

LANGUAGES = ("ru", "en")
FRESHDESK_STATUS = {1: "draft", 2: "published"}
DEPTH_MOST = 20


def load_json(
    path: Path,
    user_id: int | None = None,
    progress: Progress | None = None,
    *,
    dry: bool = False,
    restart: bool = False,
    source: str = "",
) -> Outcome:
    """Import a file of either system, told apart by what is in it. Raises :class:`BadSource` when it is neither."""
    try:
        data = json.loads(decoded(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise BadSource(f"{path.name} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadSource(f"{path.name} must hold an object with 'articles' (Zendesk) or 'categories' (Freshdesk)")
    name, items = _items(data, path)
    # Their ids say which article it is: the same file, or a newer one, brings the same articles up to date.
    importer = Importer(source or f"{name}:articles", user_id, by_key=True, dry=dry, restart=restart)
    return importer.run(items, len(items), progress)


def _items(data: Mapping[str, Any], path: Path) -> tuple[str, list[tuple[str, Item]]]:
    if _rows(data, "articles"):
        return "zendesk", list(_zendesk(data, path.name))
    if any(_rows(row, "folders") for row in _rows(data, "categories")):
        return "freshdesk", list(_freshdesk(data, path.name))
    raise BadSource(f"{path.name} has neither 'articles' (Zendesk) nor 'categories' with 'folders' (Freshdesk)")


def _rows(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = data.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, (dict, list)):
        raise BadItem(name, "must be text")
    return "" if value is None else str(value)


def _texts(row: Mapping[str, Any], name: str) -> list[str]:
    value = row.get(name)
    return [str(one) for one in value if isinstance(one, (str, int))] if isinstance(value, list) else []


def _spec(row: Mapping[str, Any], name: str, id_: Any) -> FolderSpec:
    title = one_line(row.get("name") or name)[:120]
    position = row.get("position")
    titles = {"title_ru": title, "title_en": title, "position": position if isinstance(position, int) else 0}
    if isinstance(row.get("okno"), dict):
        titles |= {key: row["okno"][key] for key in ("title_ru", "title_en", "icon") if key in row["okno"]}
        return FolderSpec(str(row["okno"].get("slug") or slug_of(title)), titles)
    return FolderSpec(f"{slug_of(title)[:60]}-{slug_of(str(id_))[:18]}", titles)


def _language(locale: str) -> str:
    lang = locale.strip().lower().replace("_", "-").partition("-")[0]
    if lang not in LANGUAGES:
        raise BadItem("locale", f"must be ru or en, not {locale!r}")
    return lang


# --- Zendesk -----------------------------------------------------------------------------------------


def _zendesk(data: Mapping[str, Any], place: str) -> Iterator[tuple[str, Item]]:
    sections = {row.get("id"): row for row in _rows(data, "sections")}
    categories = {row.get("id"): row for row in _rows(data, "categories")}

    def way(section_id: Any, depth: int = 0) -> tuple[FolderSpec, ...]:
        row = sections.get(section_id)
        if row is None or depth > DEPTH_MOST:
            return ()
        above = way(row.get("parent_section_id"), depth + 1)
        if not above and row.get("category_id") in categories:
            category = categories[row["category_id"]]
            above = (_spec(category, "category", category.get("id")),)
        return (*above, _spec(row, "section", row.get("id")))

    for index, row in enumerate(_rows(data, "articles"), 1):
        told = f"{place}: article {row.get('id', index)}"
        folder = way(row.get("section_id")) or (FolderSpec("zendesk", {"title_ru": "Zendesk", "title_en": "Zendesk"}),)
        languages = [row, *(one for one in _rows(row, "translations") if one.get("locale") != row.get("locale"))]
        for version in languages:
            lang = f" ({version.get('locale')})" if len(languages) > 1 else ""
            yield told + lang, _zendesk_item(row, version, folder, len(languages) > 1)


def _zendesk_item(
    row: Mapping[str, Any], version: Mapping[str, Any], folder: tuple[FolderSpec, ...], translated: bool
) -> Item:
    try:
        own = row["okno"] if isinstance(row.get("okno"), dict) else {}
        key = f"{row.get('id')}:{version.get('locale')}"
        if own:
            return _own(key, own, folder)
        lang = _language(_text(version, "locale") or "ru")
        fields = {
            "title": _text(version, "title") or _text(version, "name"),
            "language": lang,
            "tags": _texts(row, "label_names"),
            "public": row.get("user_segment_id") is None,
            "sections": _solution(_text(version, "body"), lang),
        }
        draft = version.get("draft", row.get("draft"))
        group = f"zendesk:{row.get('id')}" if translated else ""
        return Portable(key, None, fields, "draft" if draft else "published", folder, group)
    except BadItem as problem:
        return problem


def _own(key: str, own: Mapping[str, Any], folder: tuple[FolderSpec, ...]) -> Portable:
    """What this system wrote itself."""
    fields = own.get("fields")
    if not isinstance(fields, dict) or not isinstance(own.get("number"), int):
        raise BadItem("okno", "must hold number and fields")
    return Portable(
        key,
        own["number"],
        {**USUAL, **fields},
        str(own.get("status", "published")),
        folder,
        str(own.get("group") or ""),
    )


def _solution(html: str, lang: str) -> list[dict[str, Any]]:
    return [{"key": "solution", "title": SECTION_TITLES["solution"].to(lang), "html": html}] if html.strip() else []


# --- Freshdesk ---------------------------------------------------------------------------------------


def _freshdesk(data: Mapping[str, Any], place: str) -> Iterator[tuple[str, Item]]:
    for category in _rows(data, "categories"):
        top = _spec(category, "category", category.get("id"))
        for folder in _rows(category, "folders"):
            yield from _freshdesk_folder(folder, (top, _spec(folder, "folder", folder.get("id"))), place)


def _freshdesk_folder(
    folder: Mapping[str, Any], way: tuple[FolderSpec, ...], place: str, depth: int = 0
) -> Iterator[tuple[str, Item]]:
    for index, row in enumerate(_rows(folder, "articles"), 1):
        yield f"{place}: article {row.get('id', index)}", _freshdesk_item(row, folder, way)
    if depth < DEPTH_MOST:
        for inner in _rows(folder, "folders"):
            yield from _freshdesk_folder(inner, (*way, _spec(inner, "folder", inner.get("id"))), place, depth + 1)


def _freshdesk_item(row: Mapping[str, Any], folder: Mapping[str, Any], way: tuple[FolderSpec, ...]) -> Item:
    try:
        lang = _language(_text(row, "language") or _text(folder, "language") or "ru")
        seo: Mapping[str, Any] = row["seo_data"] if isinstance(row.get("seo_data"), dict) else {}
        words = _text(seo, "meta_keywords") if not isinstance(seo.get("meta_keywords"), list) else ""
        fields = {
            "title": _text(row, "title"),
            "question": _text(seo, "meta_description"),
            "keywords": _texts(seo, "meta_keywords") or [word.strip() for word in words.split(",") if word.strip()],
            "language": lang,
            "tags": _texts(row, "tags"),
            # 1: everybody; others: signed in, agents, companies.
            "public": folder.get("visibility", 1) == 1,
            "sections": _solution(_text(row, "description"), lang),
        }
        status = FRESHDESK_STATUS.get(row.get("status", 2), "draft")
        return Portable(f"{row.get('id')}", None, fields, status, way)
    except BadItem as problem:
        return problem


# --- out ---------------------------------------------------------------------------------------------


def save_zendesk(path: Path, progress: Progress | None = None) -> int:
    """Write every article in Zendesk's shape; returns their number. Files are not part of it."""
    sections: dict[tuple[str, ...], dict[str, Any]] = {}
    articles, total = [], count()
    for done, item in enumerate(every_article(), 1):
        parent = None
        for depth in range(1, len(item.folder) + 1):
            parent = _section(sections, item.folder[:depth], parent)
        articles.append(_article(item, parent))
        if progress:
            progress(done, total)
    data = {"categories": [], "sections": list(sections.values()), "articles": articles}
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")
    return total


def _section(sections: dict[tuple[str, ...], dict[str, Any]], way: Sequence[FolderSpec], parent: int | None) -> int:
    key = tuple(spec.slug for spec in way)
    if key not in sections:
        titles = way[-1].titles or {}
        own = {"slug": way[-1].slug, **{name: titles[name] for name in ("title_ru", "title_en", "icon")}}
        sections[key] = {
            "id": len(sections) + 1,
            "name": titles["title_ru"],
            "position": titles["position"],
            "parent_section_id": parent,
            "category_id": None,
            "okno": own,
        }
    return int(sections[key]["id"])


def _article(item: Portable, section_id: int | None) -> dict[str, Any]:
    fields = item.fields
    parts = fields["sections"]
    body = "\n".join(
        (f"<h2>{section['title']}</h2>\n" if len(parts) > 1 else "") + section["html"] for section in parts
    )
    for file in item.files:
        back = address_back(file)
        body = body.replace(file.ref, back)
        for section in parts:
            for name in ("html", "markdown"):
                if section.get(name):
                    section[name] = section[name].replace(file.ref, back)
    return {
        "id": item.number,
        "title": fields["title"],
        "body": body,
        "locale": fields["language"],
        "section_id": section_id,
        "draft": item.status != "published",
        "label_names": fields["tags"],
        "okno": {"number": item.number, "status": item.status, "group": item.group, "fields": fields},
    }
