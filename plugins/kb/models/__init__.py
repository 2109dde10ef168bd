"""The tables of the knowledge base. Only :mod:`plugins.kb.writing.operations` and its neighbours write them."""

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
from plugins.kb.models.readers import CANDIDATE_STATES, Candidate, Comment, Imported, Rating, ReviewNotice
from plugins.kb.models.searching import Dirty, IndexState, SearchCount, SearchWords, SearchWordsState
from plugins.kb.models.use import BegunAnswer, CaseArticle, FavouriteSet, Link, Pin, ServiceDefault, Use

__all__ = [
    "CANDIDATE_STATES",
    "KINDS",
    "STATUSES",
    "Article",
    "ArticleFile",
    "ArticleService",
    "ArticleTag",
    "BegunAnswer",
    "Candidate",
    "CaseArticle",
    "Comment",
    "Dirty",
    "EditLock",
    "FavouriteSet",
    "Folder",
    "Imported",
    "IndexState",
    "Link",
    "Pin",
    "Rating",
    "ReviewNotice",
    "SearchCount",
    "SearchWords",
    "SearchWordsState",
    "ServiceDefault",
    "Tag",
    "Use",
    "Version",
    "WorkingCopy",
]
