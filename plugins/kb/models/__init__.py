"""The tables of the knowledge base. Only :mod:`plugins.kb.operations` and its neighbours write them."""

from plugins.kb.models.articles import (
    KINDS,
    STATUSES,
    Article,
    ArticleFile,
    ArticleService,
    ArticleTag,
    EditLock,
    Folder,
    Tag,
    Version,
    WorkingCopy,
)
from plugins.kb.models.searching import Dirty
from plugins.kb.models.use import Favourite, Use

__all__ = [
    "KINDS", "STATUSES", "Article", "ArticleFile", "ArticleService", "ArticleTag", "Dirty", "EditLock", "Favourite", "Folder", "Tag",
    "Use", "Version", "WorkingCopy",
]  # fmt: skip
