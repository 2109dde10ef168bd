"""The operations on articles and folders in one place, by the names that the rest of the plugin uses.

What is wrong is told as :class:`core.contracts.Rejected` with texts in both languages. Each operation owns its
transaction or joins the caller's.
"""

from __future__ import annotations

from plugins.kb.writing.article_fields import FIELDS, PLAIN_FIELDS, services, snapshot
from plugins.kb.writing.article_texts import (
    LANGUAGES,
    SECTION_KEYS,
    SECTION_TITLE_MOST,
    SECTION_TITLES,
    SECTIONS_MOST,
    SLUG,
    TAG_MOST,
    TITLE_MOST,
    folded,
    many_lines,
    one_line,
    section_key,
    sections,
    words,
)
from plugins.kb.writing.articles import (
    FIRST_NUMBER,
    EditedMeanwhile,
    create_article,
    find_article,
    mark_reviewed,
    restore_version,
    set_status,
    touch_index,
    translation,
    update_article,
)
from plugins.kb.writing.folders import add_folder, delete_folder, move_folder, rename_folder, save_folder

__all__ = [
    "FIELDS", "FIRST_NUMBER", "LANGUAGES", "PLAIN_FIELDS", "SECTIONS_MOST", "SECTION_KEYS", "SECTION_TITLES",
    "SECTION_TITLE_MOST", "SLUG", "TAG_MOST", "TITLE_MOST", "EditedMeanwhile", "add_folder", "create_article",
    "delete_folder", "find_article", "folded", "many_lines", "mark_reviewed", "move_folder", "one_line",
    "rename_folder", "restore_version", "save_folder", "section_key", "sections", "services", "set_status", "snapshot",
    "touch_index", "translation", "update_article", "words",
]  # fmt: skip
